"""Grayscale of more than 8 bits: the white level comes from the file."""

import io

import numpy as np
import pytest
from bad_images import tiff
from PIL import Image

from sknumclip.images.reading import Images, read_image

RAMP = np.tile(np.arange(256), (4, 1))  # what is to be seen
RAMP_12 = RAMP * 4095 // 255
RAMP_16 = RAMP * 257


def written(array, format_):
    buffer = io.BytesIO()
    Image.fromarray(array.astype(np.uint16)).save(buffer, format_)
    return buffer.getvalue()


DECLARED = {
    "12 bits per sample": tiff(RAMP_12, 12),
    "MaxSampleValue 4095": tiff(RAMP_12, 16, max_sample=4095),
    "MaxSampleValue 1000, which is no power of two": tiff(RAMP * 1000 // 255, 16, max_sample=1000),
    "16 bits per sample": tiff(RAMP_16, 16),
    "8 bits, white is zero": tiff(255 - RAMP, 8, photometric=0),
    "16 bits, white is zero": tiff(65535 - RAMP_16, 16, photometric=0),
    "16 bits, white is zero, black is MaxSampleValue": tiff(
        4095 - RAMP_12, 16, photometric=0, max_sample=4095
    ),
    "PGM, maxval 65535": b"P5 256 4 65535\n" + RAMP_16.astype(">u2").tobytes(),
    "PGM, maxval 4095": b"P5 256 4 4095\n" + RAMP_12.astype(">u2").tobytes(),
    "PGM, maxval 100": b"P5 256 4 100\n" + (RAMP * 100 / 255).astype(np.uint8).tobytes(),
    "PGM of text, maxval 1000": b"P2 256 4 1000\n"
    + b" ".join(b"%d" % (value * 1000 // 255) for value in RAMP.flat),
    "PNG of 16 bits": written(RAMP_16, "PNG"),
    "JPEG 2000 of 16 bits": written(RAMP_16, "JPEG2000"),
}


@pytest.mark.parametrize("kind", DECLARED)
def test_white_is_what_the_file_declares(tmp_path, kind):
    file = tmp_path / "picture"
    file.write_bytes(DECLARED[kind])
    for source in (file, Image.open(file)):
        grey = np.asarray(read_image(source))
        assert (grey == grey[..., :1]).all()
        np.testing.assert_allclose(grey[..., 0].astype(int), RAMP, atol=3 if "100" in kind else 1)
        assert (grey[0, 0, 0], grey[0, -1, 0]) == (0, 255)


def test_white_is_remembered_when_the_picture_is_turned(tmp_path):
    # Pillow turns a copy, which has no tags of the file any more.
    image = Image.open(io.BytesIO(tiff(RAMP_12, 12)))
    image.load()
    image.getexif()[0x0112] = 6
    assert read_image(image).getpixel((0, 255)) == (255, 255, 255)


def test_what_is_brighter_than_white_is_white():
    image = read_image(Image.open(io.BytesIO(tiff(RAMP_16, 16, max_sample=4095))))
    assert image.getpixel((255, 0)) == (255, 255, 255)


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_pixels_without_a_known_white_are_refused(dtype):
    with pytest.raises(ValueError, match="unknown white level; convert it to 8 bits"):
        read_image(Image.fromarray(np.full((4, 4), 100, dtype=dtype)))


def test_colors_that_pillow_would_cut_to_four_bits_are_refused(tmp_path):
    content = tiff(np.dstack([RAMP_12] * 3), 16, photometric=2, max_sample=4095)
    with pytest.raises(
        ValueError, match="MaxSampleValue says that white is 4095.* convert it to 8 bits"
    ):
        read_image(Image.open(io.BytesIO(content)))
    full = tiff(np.dstack([RAMP_16] * 3), 16, photometric=2)
    assert np.asarray(read_image(Image.open(io.BytesIO(full))))[0, -1].tolist() == [255] * 3


def test_the_same_picture_in_16_and_8_bits_has_one_identity():
    images = [Image.open(io.BytesIO(tiff(RAMP_16, 16))), Image.fromarray(RAMP.astype(np.uint8))]
    assert Images(images).identity(0) == Images(images).identity(1)


def test_a_camera_with_fewer_bits_than_the_file_is_noticed():
    with pytest.warns(UserWarning, match="its brightest pixel is 6.2% of white. If the camera has"):
        read_image(Image.open(io.BytesIO(written(RAMP_12, "PNG"))))


@pytest.mark.filterwarnings("error")
def test_black_and_dark_images_are_fine():
    for dark in (0 * RAMP, RAMP_16 // 8):
        read_image(Image.open(io.BytesIO(written(dark, "PNG"))))
