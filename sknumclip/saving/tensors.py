"""Read the safetensors file of a saved model after checking names, shapes and dtypes."""

import hashlib

import safetensors
import safetensors.torch
import torch

from ..exceptions import SavedModelError
from ..machine.files import file_identity
from .files import tensors_file

__all__ = ["TensorFile"]

_DTYPES = {"F16": torch.float16, "F32": torch.float32, "F64": torch.float64}
_DTYPES |= {"I64": torch.int64, "BOOL": torch.bool}


class TensorFile:
    """A safetensors file from an untrusted source.

    Parameters
    ----------
    folder : Path
        Folder of the saved model.
    sha256 : str
        Expected SHA-256 of the file, a hex string.

    Raises
    ------
    SavedModelError
        If it is not a complete safetensors file, or has another hash.
    """

    def __init__(self, folder, sha256):
        self.file = tensors_file(folder, sha256)
        if not self.file.is_file():
            raise SavedModelError(f"{self.file} cannot be read: there is no such file.")
        try:
            self._identity = file_identity(self.file)
            with open(self.file, "rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            with safetensors.safe_open(self.file, framework="pt") as stream:
                slices = {name: stream.get_slice(name) for name in stream.keys()}  # noqa: SIM118
                self.shapes = {name: tuple(part.get_shape()) for name, part in slices.items()}
                self.dtypes = {name: part.get_dtype() for name, part in slices.items()}
        except (OSError, ValueError, safetensors.SafetensorError) as error:
            raise SavedModelError(f"{self.file} cannot be read: {error}.") from error
        if digest != sha256:
            raise SavedModelError(
                f"{self.file} is damaged, or belongs to another model: its SHA-256 is "
                f"{digest[:12]}…, not {sha256[:12]!r}…."
            )

    def shape(self, name, n_dims):
        """Return the shape of a tensor, or raise if it has another number of dimensions."""
        shape = self.shapes.get(name, ())
        if len(shape) != n_dims:
            raise SavedModelError(
                f"{self.file} must contain {name!r} with {n_dims} dimensions. Got the shape "
                f"{shape}."
            )
        return shape

    def read(self, expected):
        """Read all tensors, if names, shapes and dtypes are as expected.

        Parameters
        ----------
        expected : dict of str to Tensor
            Tensors of the right shapes and dtypes, on any device.

        Returns
        -------
        dict of str to Tensor
            With finite values.
        """
        got = {name: (self.shapes[name], _DTYPES.get(self.dtypes[name])) for name in self.shapes}
        wanted = {name: (tuple(like.shape), like.dtype) for name, like in expected.items()}
        if got != wanted:
            name = min(name for name in {*got, *wanted} if got.get(name) != wanted.get(name))
            raise SavedModelError(
                f"{self.file} does not match its JSON: {name!r:.200} is {_describe(got.get(name))} "
                f"instead of {_describe(wanted.get(name))}."
            )
        try:
            tensors = safetensors.torch.load_file(self.file)
            is_same = file_identity(self.file) == self._identity
        except OSError:
            is_same = False
        if not is_same:
            raise SavedModelError(f"{self.file} was replaced while being read. Load it again.")
        for name, tensor in tensors.items():
            if tensor.is_floating_point() and not tensor.isfinite().all():
                raise SavedModelError(f"{self.file} is damaged: {name!r} has NaN or infinity.")
        return tensors


def _describe(tensor):
    return "missing" if tensor is None else f"{tensor[1]} of shape {tensor[0]}"
