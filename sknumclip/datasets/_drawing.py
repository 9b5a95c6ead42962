"""make_counting_images(): draw images of shapes to count."""

from __future__ import annotations

from numbers import Integral
from typing import Literal, overload

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from sklearn.utils import check_random_state

from .._typing import IntArray, Pixels, RandomState

__all__ = ["make_counting_images"]

# A disc is drawn as a polygon with many corners.
_N_CORNERS = {"disc": 24, "square": 4, "triangle": 3}

_COLORS = {
    "red": (214, 48, 49),
    "orange": (240, 132, 30),
    "yellow": (247, 206, 70),
    "green": (56, 158, 82),
    "blue": (44, 104, 210),
    "purple": (128, 62, 170),
    "pink": (240, 130, 180),
    "white": (245, 245, 245),
    "black": (25, 25, 30),
}

_SUPERSAMPLING = 4  # drawn this many times larger, then averaged, for smooth edges
_PIXELS_PER_OBJECT = 25  # below 5 x 5 pixels, objects can no longer be distinguished


@overload
def make_counting_images(
    n_samples: int = 200,
    *,
    low: int = 1,
    high: int = 100,
    image_size: int = 64,
    random_state: RandomState = None,
    return_attributes: Literal[False] = False,
) -> tuple[Pixels, IntArray]: ...
@overload
def make_counting_images(
    n_samples: int = 200,
    *,
    low: int = 1,
    high: int = 100,
    image_size: int = 64,
    random_state: RandomState = None,
    return_attributes: Literal[True],
) -> tuple[Pixels, IntArray, dict[str, NDArray[np.str_]]]: ...
def make_counting_images(
    n_samples: int = 200,
    *,
    low: int = 1,
    high: int = 100,
    image_size: int = 64,
    random_state: RandomState = None,
    return_attributes: bool = False,
) -> tuple[Pixels, IntArray] | tuple[Pixels, IntArray, dict[str, NDArray[np.str_]]]:
    """Draw images of small shapes; the label is the number of shapes.

    Each image has a softly shaded background and one kind of shape (discs, squares or triangles) in
    roughly one color. Shapes rarely touch, so they can be counted by eye. Their size varies from
    image to image, so the painted area alone does not reveal the count.

    Half of the counts are drawn uniformly between `low` and `high`, half log-uniformly, so that
    small counts, where one more makes a visible difference, are as frequent as large ones.

    Parameters
    ----------
    n_samples : int, default=200
        Number of images.
    low, high : int, default=1, 100
        Smallest and largest count, both included. `high` is limited by the space: at least
        25 pixels per object.
    image_size : int, default=64
        Width and height of the images in pixels, at least 16.
    random_state : int, RandomState instance or None, default=None
        Pass an int for the same images in every call.
    return_attributes : bool, default=False
        Whether to also return the shape and the color of the objects.

    Returns
    -------
    X : ndarray of shape (n_samples, image_size, image_size, 3), dtype uint8
        The images, RGB.
    y : ndarray of shape (n_samples,), dtype int64
        The counts.
    attributes : dict of ndarray of shape (n_samples,)
        ``"shape"`` and ``"color"`` of the objects in each image, in words. Only returned if
        `return_attributes` is True.

    Examples
    --------
    >>> from sknumclip.datasets import make_counting_images
    >>> X, y = make_counting_images(n_samples=10, low=1, high=20, random_state=0)
    >>> X.shape, X.dtype
    ((10, 64, 64, 3), dtype('uint8'))
    >>> bool(y.min() >= 1 and y.max() <= 20)
    True
    """
    _check_int("n_samples", n_samples, 1)
    _check_int("image_size", image_size, 16)
    _check_int("high", high, 1, image_size**2 // _PIXELS_PER_OBJECT, hint="image_size")
    _check_int("low", low, 1, high, hint="high")
    rng = check_random_state(random_state)

    y = _draw_counts(n_samples, low, high, rng)
    attributes = {
        "shape": rng.choice(list(_N_CORNERS), n_samples),
        "color": rng.choice(list(_COLORS), n_samples),
    }
    X = np.empty((n_samples, image_size, image_size, 3), dtype=np.uint8)
    for i, (count, shape, color) in enumerate(zip(y, *attributes.values(), strict=True)):
        X[i] = _draw_picture(count, _N_CORNERS[shape], _COLORS[color], image_size, rng)
    return (X, y, attributes) if return_attributes else (X, y)


def _check_int(name, value, low, high=None, hint=None):
    """Raise unless `value` is an int in [low, high]; `hint` is the parameter that limits it."""
    is_int = isinstance(value, Integral) and not isinstance(value, bool)
    if is_int and low <= value and (high is None or value <= high):
        return
    allowed = f"at least {low}" if high is None else f"between {low} and {high}"
    limit = f" (the upper limit depends on {hint!r})" if hint else ""
    raise ValueError(
        f"The {name!r} parameter of make_counting_images must be an int, {allowed}{limit}. "
        f"Got {value!r} instead."
    )


def _draw_counts(n_samples, low, high, rng):
    """Draw half uniform, half log-uniform integers in [low, high], shape (n_samples,)."""
    uniform = rng.uniform(low, high + 1, n_samples)
    log_uniform = np.exp(rng.uniform(np.log(low), np.log(high + 1), n_samples))
    counts = np.where(rng.uniform(size=n_samples) < 0.5, uniform, log_uniform)
    return np.clip(counts.astype(np.int64), low, high)


def _draw_picture(count, n_corners, color, image_size, rng):
    """Draw one image, uint8 array of shape (image_size, image_size, 3)."""
    size = image_size * _SUPERSAMPLING
    # In a full image, the objects' circumscribed circles cover a quarter of the area.
    largest = size * min(0.14, np.sqrt(0.25 / (np.pi * count)))
    smallest = min(0.03 * size, 0.75 * largest)
    typical = np.exp(rng.uniform(np.log(smallest), np.log(largest)))
    radii = typical * rng.uniform(0.85, 1.15, count)
    centers = _spread_points(count, radii.max(), size - radii.max(), rng)
    angles = rng.uniform(0, 2 * np.pi, (count, 1)) + np.arange(n_corners) * 2 * np.pi / n_corners
    rays = np.stack([np.cos(angles), np.sin(angles)], axis=-1)  # (count, n_corners, 2)
    polygons = centers[:, None] + radii[:, None, None] * rays
    fills = np.clip(color + rng.normal(0, 8, (count, 3)), 0, 255).astype(int)

    canvas = _draw_background(color, image_size, rng).resize((size, size))
    draw = ImageDraw.Draw(canvas)
    for polygon, fill in zip(polygons, fills, strict=True):
        draw.polygon(polygon.ravel().tolist(), fill=tuple(fill.tolist()))
    return np.asarray(canvas.reduce(_SUPERSAMPLING))


def _spread_points(n_points, low, high, rng, n_candidates=20):
    """Draw random, well separated points in [low, high]², shape (n_points, 2).

    This is Mitchell's best-candidate algorithm: of a few random points, take the one that is
    farthest from all earlier points.
    """
    points = np.empty((n_points, 2))
    for i in range(n_points):
        candidates = rng.uniform(low, high, (n_candidates, 2))
        offsets = candidates[:, None] - points[None, :i]
        nearest = (offsets**2).sum(axis=-1).min(axis=1, initial=np.inf)
        points[i] = candidates[nearest.argmax()]
    return points


def _draw_background(color, image_size, rng):
    """Draw a linear gradient of two similar pale or dark colors that contrast with `color`."""
    brightness = np.mean(color)
    base = rng.uniform(20, 90, 3) if brightness > 128 else rng.uniform(165, 250, 3)
    slope = rng.uniform(-20, 20, (2, 1, 1, 3))
    ramp = np.linspace(-1, 1, image_size)[:, None]
    shade = base + slope[0] * ramp[:, None] + slope[1] * ramp[None]
    return Image.fromarray(np.clip(shade, 0, 255).astype(np.uint8))
