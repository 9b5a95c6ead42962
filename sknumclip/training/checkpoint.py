"""Checkpoints of a running fit: one safetensors file, written whole or not at all."""

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

# Another version may compute something else, and resuming promises the same bits.
_WRITER = f"sknumclip {__version__} and torch {torch.__version__}"


def open_folder(folder):
    """Make a folder for checkpoints, and find out before training whether it can be written.

    Parameters
    ----------
    folder : str or Path

    Returns
    -------
    Path

    Raises
    ------
    ValueError
        If there is something else of this name.
    OSError
        If it cannot be made or written.
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except (OSError, ValueError) as error:
        message = (
            f"checkpoint={str(folder)!r} must be a folder that can be written, or made: "
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
        Its folder is made if needed.
    tensors : dict of str to Tensor
    state : dict
        Anything that JSON can hold, and numbers of numpy and torch.

    Raises
    ------
    TypeError
        If there is anything else in `state`.
    OSError
        If it cannot be written. The file that was there before is left as it was.
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
            "call, which goes on from the last checkpoint that was written, or choose another "
            "folder or None for checkpoint",
        ) from error
    remove_leftovers(file)


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
        If the file is not whole, or was written by another version.
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
            f"The checkpoint {file} is damaged ({error}). Delete it to start this fit anew."
        ) from error
    if header["writer"] != _WRITER:
        raise ValueError(
            f"The checkpoint {file} was written by {header['writer']}, and this is {_WRITER}. Go "
            "on with that version, or delete it to start this fit anew."
        )
    return tensors, state


def _plain_number(value):
    if getattr(value, "shape", None) == ():  # of numpy or torch
        return value.item()
    raise TypeError(
        f"A callback has recorded {value!r:.200} in the history, which a checkpoint cannot hold. "
        "Record numbers or strings, or fit without checkpoint."
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
    """Put back what :func:`optimizer_tensors` returned."""
    state = {}
    for key, tensor in tensors.items():
        if key.startswith("optimizer."):
            _, index, name = key.split(".", 2)
            state.setdefault(int(index), {})[name] = tensor
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
