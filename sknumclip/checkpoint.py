"""Checkpoints of a running fit: one safetensors file, written whole or not at all."""

import json

import safetensors
import safetensors.torch
import torch

from ._files import write_whole
from .backbone import fingerprint

__all__ = ["read_checkpoint", "write_checkpoint"]


def write_checkpoint(file, tensors, state):
    """Write tensors and plain values to one file.

    Parameters
    ----------
    file : Path
        Its folder is made if needed.
    tensors : dict of str to Tensor
    state : dict
        Anything that JSON can hold.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    header = {"state": json.dumps(state), "tensors": fingerprint(tensors)}
    content = safetensors.torch.save(tensors, metadata=header)
    write_whole(file, content, durable=True)


def read_checkpoint(file):
    """Read what :func:`write_checkpoint` wrote.

    Parameters
    ----------
    file : Path

    Returns
    -------
    tensors : dict of str to Tensor
    state : dict

    Raises
    ------
    ValueError
        If the file is not whole.
    """
    try:
        with safetensors.safe_open(file, framework="pt") as stream:
            header = stream.metadata()
            tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118
        if fingerprint(tensors) != header["tensors"]:
            raise ValueError("its checksum is wrong")
        return tensors, json.loads(header["state"])
    except (safetensors.SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"The checkpoint {file} is damaged ({error}). Delete it to start this fit anew."
        ) from error


def optimizer_tensors(optimizer):
    """Flatten the state of an optimizer into named tensors."""
    return {
        f"optimizer.{index}.{name}": torch.as_tensor(value)
        for index, values in optimizer.state_dict()["state"].items()
        for name, value in values.items()
    }


def load_optimizer_tensors(optimizer, tensors):
    """Put back what :func:`optimizer_tensors` returned."""
    state = {}
    for key, tensor in tensors.items():
        if key.startswith("optimizer."):
            _, index, name = key.split(".", 2)
            state.setdefault(int(index), {})[name] = tensor
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
