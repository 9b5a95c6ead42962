"""Grayscale of more than 8 bits, scaled by the white level in the file."""

import warnings

import numpy as np
from PIL import Image

__all__ = ["black_and_white", "check_colors", "scale_to_8_bits"]

_BITS, _PHOTOMETRIC, _MAX_SAMPLE = 258, 262, 281  # TIFF tags
_WHITE_OF_16_BITS = 65535
_NEARLY_BLACK = 4095 / 65535
# In the PNG standard white is 65535 whatever the chunk sBIT says; for the other formats Pillow
# itself scales to 16 bits. None is an image made from an array.
_FORMATS_OF_16_BITS = ("PNG", "PPM", "JPEG2000", None)


def black_and_white(image):
    """Find the values of black and white in an image of mode I or F.

    Parameters
    ----------
    image : PIL.Image.Image
        As opened: a copy has lost the tags of its file.

    Returns
    -------
    black, white : int
        In TIFF files black may be larger than white.

    Raises
    ------
    ValueError
        If the file does not define them.
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
        raise ValueError(f"its pixels are {kind} with an unknown white level; convert it to 8 bits")
    return (white, 0) if _tag(tags, _PHOTOMETRIC) == 0 else (0, white)


def scale_to_8_bits(image, black, white):
    """Convert an image of mode I to mode L; values beyond black or white are clipped.

    Warns about images that are nearly black: many cameras write 12 bits into files of 16.
    """
    share = (np.asarray(image).astype(np.float32) - black) / (white - black)
    if 0 < (brightest := share.max()) <= _NEARLY_BLACK:
        warnings.warn(
            f"A grayscale image is nearly black: its brightest pixel is {brightest:.1%} of white. "
            "If the camera has fewer bits than the file (4095 is white with 12), convert the "
            "images to 8 bits: pixels / 4095 * 255.",
            stacklevel=2,
        )
    return Image.fromarray(np.round(255 * share.clip(0, 1)).astype(np.uint8))


def check_colors(image):
    """Raise ValueError for 16-bit colors that do not use the full range.

    Pillow keeps the upper 8 bits of each, so 12-bit colors would keep only 4.
    """
    is_color = image.format == "TIFF" and image.mode[0] not in "IF"
    tags = image.tag_v2 if is_color else {}
    white = _tag(tags, _MAX_SAMPLE)
    if white is not None and _tag(tags, _BITS) == 16 and white <= _WHITE_OF_16_BITS // 2:
        raise ValueError(
            f"its colors have 16 bits, but its tag MaxSampleValue says that white is {white}, and "
            "Pillow drops the lower 8 bits; convert it to 8 bits"
        )


def _tag(tags, number):
    """Return the value of a TIFF tag (the largest of several), or None if it is missing."""
    return max(np.ravel(tags[number]).tolist(), default=None) if number in tags else None
