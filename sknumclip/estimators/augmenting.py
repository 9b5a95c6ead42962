"""check_augment(): validate a custom augmentation before training."""

from __future__ import annotations

import joblib
import torch

from ..images.resizing import canvas_size, own_views

__all__ = ["check_augment"]


def check_augment(estimator, preprocessing):
    """Raise ValueError unless the callable ``estimator.augment`` can be used.

    Parameters
    ----------
    estimator : estimator with the parameters `augment`, `canvas_scale`, `fine_tune`, `checkpoint`
    preprocessing : Preprocessing
    """
    augment = estimator.augment
    if estimator.fine_tune == "none":
        raise ValueError(
            f"augment={augment!r:.100} changes what the image tower is trained on, but with "
            "fine_tune='none' each image is embedded once, without augmentation. Train part of the "
            "tower, as in fine_tune=1, or leave augment out."
        )
    if estimator.checkpoint is not None:
        try:
            joblib.hash(augment)  # part of the checkpoint's name
        except Exception as error:  # pickling may raise anything
            raise ValueError(
                f"augment={augment!r:.100} cannot be pickled ({error}), so a checkpoint cannot "
                "tell whether it is the same when fit is resumed. Use a function or class at the "
                "top level of a module, or a transform of torchvision, or checkpoint=None."
            ) from error
    size = canvas_size(preprocessing, estimator.canvas_scale)
    blank = torch.zeros((2, 3, *size), dtype=torch.uint8)
    try:
        own_views(blank, augment, [0, 0], {tuple(preprocessing.size), size})
    except ValueError:
        raise
    except Exception as error:  # user code may raise anything
        raise ValueError(
            f"augment={augment!r:.100} failed on a batch of black canvases, a uint8 tensor of "
            f"shape {tuple(blank.shape)}: {type(error).__name__}: {error}"
        ) from error
