"""The name of a fit's checkpoint: a hash of everything that its result depends on."""

import hashlib
import json

import joblib

from ..machine.fingerprint import fingerprint
from ..machine.processes import Processes
from ..training.checkpoint import open_folder

__all__ = ["checkpoint_file"]

# What does not change the result of a fit, and so may differ when a killed one is resumed. The
# random state is there as the seed drawn from it; what callbacks do is beyond us.
_NOT_IN_CHECKPOINTS = (
    *("accelerator", "callbacks", "checkpoint", "device", "image_cache", "num_workers"),
    *("on_error", "random_state", "verbose"),
)


def checkpoint_file(estimator, X, y, weight, bins, backbone, seed, continued):
    """Return the Path of the checkpoint of a fit, in the estimator's folder for them."""
    folder = open_folder(estimator.checkpoint)
    settings = {name: getattr(estimator, name) for name in estimator._settings}
    params = {
        name: repr(value)
        for name, value in sorted({**settings, **estimator.get_params(deep=False)}.items())
        if name not in _NOT_IN_CHECKPOINTS
    }
    if callable(estimator.augment):  # whose repr may be an address
        params["augment"] = joblib.hash(estimator.augment)
    digest = hashlib.sha256(
        json.dumps([type(estimator).__name__, params, repr(bins), seed]).encode()
    )
    digest.update((backbone.fingerprint + backbone.text_fingerprint).encode())
    if continued is not None:
        digest.update(fingerprint(continued.trained_state()).encode())
    if (n_processes := Processes(estimator.accelerator).n) > 1:
        digest.update(f"{n_processes} processes".encode())  # each has its batch
    digest.update(y.tobytes() + weight.tobytes())
    X.add_to(digest)
    return folder / f"{digest.hexdigest()[:32]}.safetensors"
