"""checkpoint_file(): name a checkpoint by a hash of everything that the fit depends on."""

import hashlib
import json

import joblib

from ..machine.fingerprint import fingerprint
from ..machine.processes import Processes
from ..training.checkpoint import open_folder

__all__ = ["checkpoint_file"]

# Parameters that do not change the result of a fit, so they may differ when it is resumed. The
# seed stands for the random state. Callbacks may change the result, but cannot be compared.
_NOT_IN_CHECKPOINTS = (
    *("accelerator", "callbacks", "checkpoint", "device", "image_cache", "num_workers"),
    *("on_error", "random_state", "verbose"),
)


def checkpoint_file(estimator, X, y, weight, bins, backbone, seed, continued):
    """Return the Path of a fit's checkpoint, in the folder `estimator.checkpoint`."""
    folder = open_folder(estimator.checkpoint)
    settings = {name: getattr(estimator, name) for name in estimator._settings}
    params = {
        name: repr(value)
        for name, value in sorted({**settings, **estimator.get_params(deep=False)}.items())
        if name not in _NOT_IN_CHECKPOINTS
    }
    if callable(estimator.augment):  # its repr may contain an address in memory
        params["augment"] = joblib.hash(estimator.augment)
    digest = hashlib.sha256(
        json.dumps([type(estimator).__name__, params, repr(bins), seed]).encode()
    )
    digest.update((backbone.fingerprint + backbone.text_fingerprint).encode())
    if continued is not None:
        digest.update(fingerprint(continued.trained_state()).encode())
    if (n_processes := Processes(estimator.accelerator).n) > 1:
        digest.update(f"{n_processes} processes".encode())  # batches depend on their number
    digest.update(y.tobytes() + weight.tobytes())
    X.add_to(digest)
    return folder / f"{digest.hexdigest()[:32]}.safetensors"
