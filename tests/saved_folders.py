"""Changes to the two files of a saved model, by accident or by an attacker."""

import hashlib
import json

import safetensors.torch


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
