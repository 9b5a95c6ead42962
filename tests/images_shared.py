"""Canvases and embeddings shared by the tests of images."""

import numpy as np
import torch
from factories import preprocessing
from PIL import Image

from sknumclip.images.canvases import CanvasStore
from sknumclip.images.embeddings import embed_images
from sknumclip.images.reading import Images


def all_canvases(store, batch_size=4):
    chunks = [range(i, min(i + batch_size, len(store))) for i in range(0, len(store), batch_size)]
    return np.concatenate([canvases.numpy() for _, canvases, _ in store.batches(chunks)])


class CountingEncoder:
    """Mean color as a feature; counts the images it sees, but for blank ones."""

    n_images = 0

    def __call__(self, pixels):
        self.n_images += int(pixels.flatten(1).any(dim=1).sum())
        return pixels.float().mean(dim=(2, 3))


def embed(encoder, items, wanted=slice(None), **kwargs):
    kwargs = {"device": torch.device("cpu"), "on_error": "raise", **kwargs}
    store = CanvasStore(Images(items), preprocessing("squash")).wanting(wanted)
    return embed_images(encoder, store, **kwargs)


def picture(grey):
    return Image.new("RGB", (30, 30), (grey, 0, 0))
