"""Malicious pickles and model files for tests of loading."""

import io
import pickle

import torch


class Malice:
    """Makes a file when it is unpickled."""

    def __init__(self, proof):
        self.proof = proof

    def __reduce__(self):
        return open, (str(self.proof), "w")


def malicious_files(proof):
    """Return pickles by every way that readers of weights know."""
    zipped, old = io.BytesIO(), io.BytesIO()
    torch.save({"state_dict": Malice(proof)}, zipped)
    torch.save(Malice(proof), old, _use_new_zipfile_serialization=False)
    return [pickle.dumps(Malice(proof)), zipped.getvalue(), old.getvalue()]
