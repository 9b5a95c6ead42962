"""Save and load fitted estimators: folders, the Hugging Face Hub, ONNX export."""

from .folder import load, save

__all__ = ["load", "save"]
