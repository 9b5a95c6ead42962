"""Checkpoints of a running fit: one safetensors file, written atomically."""

import json
import tempfile
from pathlib import Path

import safetensors
import safetensors.torch
import torch

from .. import __version__
from ..machine.files import remove_leftovers, write_whole
from ..machine.fingerprint import fingerprint

__all__ = ["open_folder", "read_checkpoint", "write_checkpoint"]

# Another version may give other results, but a resumed fit must be bitwise the same.
_WRITER = f"sknumclip {__version__} and torch {torch.__version__}"


def open_folder(folder):
    """Create a folder for checkpoints, and check before training that it is writable.

    Parameters
    ----------
    folder : str or Path

    Returns
    -------
    Path

    Raises
    ------
    ValueError
        If something else has this name.
    OSError
        If it cannot be created or written.
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except (OSError, ValueError) as error:
        message = (
            f"checkpoint={str(folder)!r} must be a writable folder, or one that can be created: "
            f"{getattr(error, 'strerror', error)}. Choose another one, or None to fit without "
            "checkpoints"
        )
        if isinstance(error, (FileExistsError, NotADirectoryError, ValueError)):
            raise ValueError(message) from error
        raise OSError(error.errno, message) from error
    return Path(folder)


def write_checkpoint(file, tensors, state):
    """Write tensors and plain values to one file.

    Parameters
    ----------
    file : Path
        Its folder is created if needed.
    tensors : dict of str to Tensor
    state : dict
        JSON values, and numbers of numpy and torch.

    Raises
    ------
    TypeError
        If `state` contains anything else.
    OSError
        If it cannot be written. The previous file is left unchanged.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    header = {"state": json.dumps(state, default=_plain_number), "writer": _WRITER}
    header["checksum"] = _checksum(tensors, header)
    content = safetensors.torch.save(tensors, metadata=header)
    try:
        write_whole(file, content, durable=True)
    except OSError as error:
        raise OSError(
            error.errno,
            f"The checkpoint in the folder {str(file.parent)!r} cannot be written "
            f"({len(content) / 1e6:.1f} MB): {error.strerror}. Make room, then repeat the same "
            "call, which resumes from the last checkpoint, or choose another folder or None for "
            "checkpoint",
        ) from error
    remove_leftovers(file)


def read_checkpoint(file):
    """Read a file written by :func:`write_checkpoint`.

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
        If the file is damaged, or was written by another version.
    """
    try:
        with safetensors.safe_open(file, framework="pt") as stream:
            header = stream.metadata()
            tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118
        if _checksum(tensors, header) != header["checksum"]:
            raise ValueError("its checksum is wrong")
        state = json.loads(header["state"])
    except (safetensors.SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"The checkpoint {file} is damaged ({error}). Delete it to start this fit over."
        ) from error
    if header["writer"] != _WRITER:
        raise ValueError(
            f"The checkpoint {file} was written by {header['writer']}, and this is {_WRITER}. "
            "Resume with that version, or delete it to start this fit over."
        )
    return tensors, state


def _plain_number(value):
    if getattr(value, "shape", None) == ():  # numpy or torch
        return value.item()
    raise TypeError(
        f"A callback has recorded {value!r:.200} in the history, which cannot be saved in a "
        "checkpoint. Record numbers or strings, or fit without checkpoint."
    )


def _checksum(tensors, header):
    return fingerprint(tensors, header["writer"], header["state"])


def optimizer_tensors(optimizer):
    """Flatten the state of an optimizer into named tensors."""
    return {
        f"optimizer.{index}.{name}": torch.as_tensor(value)
        for index, values in optimizer.state_dict()["state"].items()
        for name, value in values.items()
    }


def load_optimizer_tensors(optimizer, tensors):
    """Load the tensors of :func:`optimizer_tensors` into an optimizer."""
    state = {}
    for key, tensor in tensors.items():
        if key.startswith("optimizer."):
            _, index, name = key.split(".", 2)
            state.setdefault(int(index), {})[name] = tensor
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
