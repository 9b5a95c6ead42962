"""Greyscale of more than 8 bits, scaled by what its file says is white."""

import numpy as np
from PIL import Image

__all__ = ["black_and_white", "check_colors", "scale_to_8_bits"]

_BITS, _PHOTOMETRIC, _MAX_SAMPLE = 258, 262, 281  # tags of TIFF
_WHITE_OF_16_BITS = 65535
# By the standard of PNG white is 65535 whatever its chunk sBIT says, and Pillow scales the values
# of the others to 16 bits itself. None is an image that was made of an array.
_FORMATS_OF_16_BITS = ("PNG", "PPM", "JPEG2000", None)


def black_and_white(image):
    """Find what is black and what is white in an image of mode I or F.

    Parameters
    ----------
    image : PIL.Image.Image
        As it was opened: a copy no longer knows its file.

    Returns
    -------
    black, white : int
        In TIFF files black may be the larger one.

    Raises
    ------
    ValueError
        If the file does not tell.
    """
    is_16_bits = image.mode.startswith("I;16")
    tags = image.tag_v2 if image.format == "TIFF" else {}
    white = _tag(tags, _MAX_SAMPLE) if image.mode != "F" else None
    if white is None and is_16_bits and tags:
        white = 2 ** _tag(tags, _BITS) - 1
    is_known = image.format in _FORMATS_OF_16_BITS and image.mode != "F"
    if white is None and is_known and (is_16_bits or image.format is not None):
        white = _WHITE_OF_16_BITS
    if white is None:
        kind = "floats" if image.mode == "F" else f"{16 if is_16_bits else 32}-bit integers"
        raise ValueError(f"its pixels are {kind}, whose white is unknown; convert it to 8 bits")
    return (white, 0) if _tag(tags, _PHOTOMETRIC) == 0 else (0, white)


def scale_to_8_bits(image, black, white):
    """Return an image of mode I as one of mode L; what is beyond black or white is cut off."""
    share = (np.asarray(image).astype(np.float32) - black) / (white - black)
    return Image.fromarray(np.round(255 * share.clip(0, 1)).astype(np.uint8))


def check_colors(image):
    """Raise ValueError for colors of 16 bits that do not use them all.

    Pillow keeps the upper 8 bits of each: of 12, it would be 4.
    """
    is_color = image.format == "TIFF" and image.mode[0] not in "IF"
    tags = image.tag_v2 if is_color else {}
    white = _tag(tags, _MAX_SAMPLE)
    if white is not None and _tag(tags, _BITS) == 16 and white <= _WHITE_OF_16_BITS // 2:
        raise ValueError(
            f"its colors have 16 bits, but by its tag MaxSampleValue white is {white}, and Pillow "
            "drops the lower 8 bits; convert it to 8 bits"
        )


def _tag(tags, number):
    """Return the value of a TIFF tag, of several the largest, or None if it is not there."""
    return max(np.ravel(tags[number]).tolist(), default=None) if number in tags else None
