"""Images with the spectrum of photographs, and changed copies of them."""

import io

import numpy as np
from PIL import Image, ImageFilter


def picture(seed, size=(160, 120)):
    """Draw something with the spectrum of a photograph: soft shapes, edges, fine grain."""
    rng = np.random.default_rng(seed)
    layers = [
        np.asarray(
            Image.fromarray(rng.integers(0, 256, (n, n, 3), dtype=np.uint8)).resize(
                size, Image.Resampling.BICUBIC
            ),
            dtype=float,
        )
        for n in (3, 6, 12, 40)
    ]
    mixed = np.average(layers, axis=0, weights=[4, 3, 2, 1])
    return Image.fromarray(mixed.clip(0, 255).astype(np.uint8)).filter(ImageFilter.SHARPEN)


def jpeg(image, quality=40):
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")


def cropped(image, seed, share=0.05):
    width, height = image.size
    left, right, top, bottom = np.random.default_rng(seed).uniform(0, share, 4)
    box = (left * width, top * height, (1 - right) * width, (1 - bottom) * height)
    return image.crop(tuple(map(round, box)))
