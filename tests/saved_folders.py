"""Small models to save, and changes to their two files, by accident or by an attacker."""

import hashlib
import json

import safetensors.torch
from factories import FEW_OR_MANY, Y

from sknumclip import NumCLIPRegressor

ONE_EPOCH = dict(max_epochs=1, batch_size=4, random_state=0, verbose=0, lr=1e-3)


def fit(model_name, X, **kwargs):
    return NumCLIPRegressor(
        **{"model_name": model_name, "bins": FEW_OR_MANY, **ONE_EPOCH, **kwargs}
    ).fit(X, Y)


def edit_json(folder, edit):
    """Let a function change the dict that the JSON holds."""
    config = json.loads((folder / "sknumclip.json").read_text())
    edit(config)
    (folder / "sknumclip.json").write_text(json.dumps(config))


def change_json(folder, **values):
    edit_json(folder, lambda config: config.update(values))


def edit_tensors(folder, edit):
    """Let a function change the dict of tensors, and the hash with them."""
    tensors = safetensors.torch.load_file(folder / "model.safetensors")
    edit(tensors)
    safetensors.torch.save_file(tensors, folder / "model.safetensors")
    fix_hash(folder)


def fix_hash(folder):
    """Do what an attacker would, or nothing but the hash would be tested."""
    digest = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    change_json(folder, tensors_sha256=digest)
