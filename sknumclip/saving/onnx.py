"""to_onnx(): export fitted estimators to ONNX, for machines without torch."""

from __future__ import annotations

import copy
import json
import logging
from pathlib import Path

import torch
from sklearn.utils.validation import check_is_fitted
from torch import nn

from .._typing import StrPath
from ..estimators.numclip import BaseNumCLIP
from ..images.resizing import MAX_ASPECT_RATIO, canvas_size
from ..machine.settings import own_settings

__all__ = ["to_onnx"]

_MAX_BYTES_IN_ONE_FILE = 1.5 * 2**30  # protobuf allows 2 GB


@own_settings()
def to_onnx(estimator: BaseNumCLIP, path: StrPath) -> None:
    """Export a fitted estimator to an ONNX file: from pixels to predictions, in float32.

    The graph contains the text embeddings, the center crop and the normalization; the caller only
    resizes images. The estimator is not changed.

    Parameters
    ----------
    estimator : NumCLIPRegressor or NumCLIPClassifier
    path : str or Path
        The file. Weights of more than 1.5 GB go to a second file beside it, ``path`` + ``.data``.

    Raises
    ------
    ImportError
        If onnx or onnxscript is not installed.

    Notes
    -----
    The input ``pixels`` is uint8 of shape (n, 3, height, width), RGB, for any n; height and width
    are fixed in the graph. This code resizes images like the estimator::

        import json

        import numpy as np
        import onnxruntime
        from PIL import Image, ImageOps

        session = onnxruntime.InferenceSession("model.onnx")
        recipe = json.loads(session.get_modelmeta().custom_metadata_map["sknumclip"])["pixels"]

        def read_pixels(file):
            image = ImageOps.exif_transpose(Image.open(file)).convert("RGB")
            height, width = recipe["size"]
            if recipe["resize_mode"] == "shortest":  # only the middle of very long images is used
                longest = recipe["max_aspect_ratio"] * min(image.size)
                cut = [max(0, side - longest) // 2 for side in image.size]
                image = image.crop((*cut, image.width - cut[0], image.height - cut[1]))
            factors = height / image.height, width / image.width
            if recipe["resize_mode"] == "squash":
                new = [height, width]
            elif recipe["resize_mode"] == "shortest":
                new = [
                    max(fit, int(side * max(factors)))
                    for fit, side in ((height, image.height), (width, image.width))
                ]
            else:
                new = [max(1, round(side * min(factors))) for side in (image.height, image.width)]
            method = Image.Resampling[recipe["interpolation"].upper()]
            image = image.resize((new[1], new[0]), method)
            top, left = round((new[0] - height) / 2), round((new[1] - width) / 2)
            if recipe["resize_mode"] == "longest":
                canvas = Image.new("RGB", (width, height), (recipe["fill_color"],) * 3)
                canvas.paste(image, ((width - new[1]) // 2, (height - new[0]) // 2))
                return np.asarray(canvas).transpose(2, 0, 1)
            return np.asarray(image)[top : top + height, left : left + width].transpose(2, 0, 1)

        pixels = np.stack([read_pixels(file) for file in files])
        prediction, bin_probabilities = session.run(None, {"pixels": pixels})

    For an estimator fitted on features the input is ``features`` instead, float32 of shape
    (n, n_features).

    A regressor has the outputs ``prediction``, float64 of shape (n,), and ``bin_probabilities``,
    float32 of shape (n, n_bins). A classifier has ``class_index``, int64 of shape (n,), and
    ``class_probabilities``, float32 of shape (n, n_classes); the metadata lists the classes in
    column order. The metadata ``sknumclip`` is JSON with ``pixels`` (how to resize), ``bins`` and,
    for a classifier, ``classes``.
    """
    check_is_fitted(estimator)
    _check_installed()
    module = _in_fp32_on_cpu(estimator.net_.module_)
    graph = _graph_of(estimator)(module, estimator).eval()
    name, example = _example_input(
        module.encoder.image_encoder, getattr(estimator, "n_features_in_", None)
    )
    n_bytes = sum(tensor.nbytes for tensor in module.state_dict().values())
    with torch.no_grad(), _quiet_exporter():
        program = torch.onnx.export(
            graph,
            (example,),
            input_names=[name],
            output_names=graph.output_names,
            # torch 2.6 needs an upper bound for the batch size.
            dynamic_shapes=({0: torch.export.Dim("n", max=2**31 - 1)},),
            dynamo=True,
            verbose=False,
        )
    assert program is not None  # dynamo=True returns one
    program.model.metadata_props["sknumclip"] = json.dumps(_metadata(estimator))
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    program.save(path, external_data=n_bytes > _MAX_BYTES_IN_ONE_FILE)


class _Graph(nn.Module):
    output_names = ("prediction", "bin_probabilities")

    def __init__(self, module, estimator):
        super().__init__()
        self.module = module

    def forward(self, inputs):
        output = self.module.from_features(self.module.encode(inputs.float()))
        # In float64, so that numbers far from zero keep their precision.
        return output.y_pred.double() + self.module.origin, output.logits.softmax(dim=1)


class _ClassGraph(_Graph):
    output_names = ("class_index", "class_probabilities")

    def __init__(self, module, estimator):
        super().__init__(module, estimator)
        self.by_mode = estimator.predict_by == "mode"

    def forward(self, inputs):
        rank, probabilities = super().forward(inputs)
        if self.by_mode:
            return probabilities.argmax(dim=1), probabilities
        nearest = (rank + 0.5).floor().long().clamp(0, probabilities.shape[1] - 1)
        return nearest, probabilities


def _graph_of(estimator):
    return _ClassGraph if hasattr(estimator, "classes_") else _Graph


def _in_fp32_on_cpu(module):
    """Copy a module in fp32 on the CPU; it takes images if the estimator was fitted on images."""
    module = copy.deepcopy(module).cpu().eval()
    module.encoder = module.encoder.image_encoder or module.encoder
    set_checkpointing = getattr(
        getattr(module.encoder, "visual", None), "set_grad_checkpointing", None
    )
    if set_checkpointing is not None:
        set_checkpointing(False)
    return module


def _example_input(encoder, n_features):
    if encoder is None:
        return "features", torch.zeros(2, n_features)
    size = canvas_size(encoder.preprocessing, encoder.canvas_scale)
    return "pixels", torch.zeros(2, 3, *size, dtype=torch.uint8)


def _metadata(estimator):
    encoder = estimator.net_.module_.encoder.image_encoder
    metadata = {"bins": estimator.bins_.to_dict()}
    if encoder is not None:
        recipe = encoder.preprocessing.to_dict()
        names = ("interpolation", "resize_mode", "fill_color")
        metadata["pixels"] = {
            "size": canvas_size(encoder.preprocessing, encoder.canvas_scale),
            "max_aspect_ratio": MAX_ASPECT_RATIO,
            **{name: recipe[name] for name in names},
        }
    if hasattr(estimator, "classes_"):
        metadata["classes"] = estimator.classes_.tolist()
    return metadata


def _check_installed():
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise ImportError(f"to_onnx needs {error.name}: pip install 'sknumclip[onnx]'.") from error


class _quiet_exporter:
    """Silence the exporter's optimizer, whose messages are of no use to users."""

    def __enter__(self):
        self.logger = logging.getLogger("onnxscript")
        self.level = self.logger.level
        self.logger.setLevel(logging.ERROR)

    def __exit__(self, *unused):
        self.logger.setLevel(self.level)
