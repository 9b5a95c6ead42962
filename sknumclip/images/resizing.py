"""Resize images to canvases (the tower's input size, or a bit more) and cut training views."""

import numpy as np
import torch
from PIL import Image

from ..machine.device import to_device
from ..machine.generator import drawing_from_torch, seed_torch

__all__ = ["MAX_ASPECT_RATIO", "canvas_size", "own_views", "resize_image", "training_views"]

MAX_ASPECT_RATIO = 16  # for resize_mode "shortest"; part of the metadata of ONNX files

_INTERPOLATION = {
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
}


def resize_image(image, preprocessing, scale=1.0):
    """Resize as the weights expect, but to a canvas of `scale` times that size.

    Parameters
    ----------
    image : PIL.Image.Image
    preprocessing : Preprocessing
    scale : float, default=1.0
        The paper trains on crops of 224 from a canvas of 256: a scale of 8 / 7.

    Returns
    -------
    uint8 ndarray of shape (3, height, width)
    """
    height, width = canvas_size(preprocessing, scale)
    if preprocessing.resize_mode == "shortest":
        image = _without_far_ends(image)
    factors = (height / image.height, width / image.width)
    if preprocessing.resize_mode == "squash":
        new_size = [height, width]
    else:
        factor = max(factors) if preprocessing.resize_mode == "shortest" else min(factors)
        round_ = int if preprocessing.resize_mode == "shortest" else round
        # The fitted side must fit exactly; the other must have at least one pixel.
        new_size = [
            fit if own_factor == factor else max(1, round_(side * factor))
            for fit, own_factor, side in zip(
                (height, width), factors, (image.height, image.width), strict=True
            )
        ]
    image = image.resize(new_size[::-1], _INTERPOLATION[preprocessing.interpolation])
    if preprocessing.resize_mode == "longest":
        left, top = (width - image.width) // 2, (height - image.height) // 2
        canvas = Image.new("RGB", (width, height), (preprocessing.fill_color,) * 3)
        canvas.paste(image, (left, top))
        image = canvas
    left, top = round((image.width - width) / 2), round((image.height - height) / 2)
    image = image.crop((left, top, left + width, top + height))
    return np.ascontiguousarray(np.asarray(image).transpose(2, 0, 1))


def _without_far_ends(image):
    """Crop a very long image to its middle, the only part that its canvas shows.

    Without that, resizing an image of 1 × 20000 pixels would take gigabytes.
    """
    longest = MAX_ASPECT_RATIO * min(image.size)
    if max(image.size) <= longest:
        return image
    left, top = (max(0, side - longest) // 2 for side in image.size)
    return image.crop((left, top, image.width - left, image.height - top))


def canvas_size(preprocessing, scale=1.0):
    """Return height and width in pixels of the result of :func:`resize_image`."""
    return tuple(round(side * scale) for side in preprocessing.size)


def training_views(canvases, size, generator, places=None, batch_size=None, mirrors=True):
    """Cut a random crop from each canvas and mirror half of them (Section 4.1 of the paper).

    Parameters
    ----------
    canvases : uint8 Tensor of shape (n, 3, H, W)
    size : tuple of int
        Height and width of the crops.
    generator : torch.Generator
        On the CPU, so that every device sees the same views.
    places : int ndarray of shape (n,), default=None
        Positions of the canvases in a batch of `batch_size` that several processes share. Views
        are drawn for the whole batch, so that they do not depend on how it is split.
    batch_size : int, default=None
        Size of that batch.
    mirrors : bool, default=True
        If False, none is mirrored; the crops are the same.

    Returns
    -------
    uint8 Tensor of shape (n, 3, height, width)
    """
    n, _, *canvas = canvases.shape
    n_drawn, drawn = (n, slice(None)) if places is None else (batch_size, places)
    device = canvases.device

    def positions(axis):
        start = torch.randint(canvas[axis] - size[axis] + 1, (n_drawn, 1), generator=generator)
        return start[drawn] + torch.arange(size[axis])

    rows, columns = positions(0), positions(1)
    mirrored = torch.rand(n_drawn, 1, generator=generator)[drawn] < 0.5
    if mirrors:
        columns = torch.where(mirrored, columns.flip(1), columns)
    samples = torch.arange(n, device=device)[:, None, None]
    rows, columns = to_device(rows, device)[:, :, None], to_device(columns, device)[:, None, :]
    # Indexing puts the channels last; the towers want them second.
    return canvases.permute(0, 2, 3, 1)[samples, rows, columns].permute(0, 3, 1, 2).contiguous()


def own_views(canvases, augment, seeds, sizes):
    """Make training views with the user's own function.

    Parameters
    ----------
    canvases : uint8 Tensor of shape (n, 3, H, W)
    augment : callable
        Takes such a tensor and returns another one. A torchvision transform draws random numbers
        once per call, so it gets one image at a time.
    seeds : sequence of int, of length n
        Seeds of torch's random numbers, one per image; if all images come at once, the first is
        used.
    sizes : collection of (int, int)
        Allowed heights and widths of views.

    Returns
    -------
    uint8 Tensor of shape (n, 3, height, width)

    Raises
    ------
    ValueError
        If the function returns anything else.
    """
    step = 1 if type(augment).__module__.startswith("torchvision.") else max(1, len(canvases))
    views = []
    with drawing_from_torch(canvases.device):
        for start in range(0, len(canvases), step):
            seed_torch(int(seeds[start]), canvases.device)
            batch = canvases[start : start + step]
            views.append(_checked(augment(batch), len(batch), sizes))
    return torch.cat(views).contiguous() if views else canvases


def _checked(views, n, sizes):
    allowed = {(n, 3, *size) for size in sizes}
    is_right = isinstance(views, torch.Tensor) and views.dtype == torch.uint8
    if is_right and tuple(views.shape) in allowed:
        return views
    got = type(views).__name__
    if isinstance(views, torch.Tensor):
        got = f"{views.dtype} of shape {tuple(views.shape)}"
    raise ValueError(
        "augment must return a uint8 tensor of shape "
        f"{' or '.join(map(str, sorted(allowed)))} for a batch of {n} canvases. Got {got}. Crop or "
        "resize to one of these sizes, and leave normalization to the estimator."
    )
