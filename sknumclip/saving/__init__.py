"""Save and load fitted estimators, as folders, on the Hugging Face Hub, as ONNX files."""

from .folder import load, save

__all__ = ["load", "save"]
