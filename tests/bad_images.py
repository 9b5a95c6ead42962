"""Image files that are bad or odd, and what each gives; cases of test_bad_input."""

import os
import struct
import zlib
from dataclasses import dataclass

import numpy as np
import pytest
from factories import GREY, RED, WHITE
from PIL import Image

from sknumclip.images.reading import read_image


@dataclass
class Right:
    """Input that is odd, but has one right meaning.

    Parameters
    ----------
    words : str
        What it means, for the table.
    check : callable
        From the fitted estimator, X and the predictions for plain paths to whether it is so.
    """

    words: str
    check: callable


def saved(name, image, **options):
    """Return what makes a file of a picture."""

    def make(folder):
        image.save(folder / name, **options)
        return folder / name

    return make


def file_of(name, content):
    """Return what makes a file of bytes."""

    def make(folder):
        (folder / name).write_bytes(content)
        return folder / name

    return make


def cut_off(name, n_bytes):
    def make(folder):
        file = saved(name, Image.effect_noise((64, 64), 50))(folder)
        file.write_bytes(file.read_bytes()[:n_bytes])
        return file

    return make


def png_bomb(width, height):
    """A PNG of some hundred bytes that says how large it is, and is not."""

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    content = (
        chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(999))) + chunk(b"IEND", b"")
    )
    return file_of("bomb.png", b"\x89PNG\r\n\x1a\n" + content)


def tiff(pixels, bits, photometric=1, max_sample=None):
    """Return the bytes of a TIFF file, as cameras, X-ray and microscopes write them.

    Pixels of shape (height, width, 3) are colors, of 16 bits.
    """
    if bits == 12:  # two values in three bytes
        first, second = pixels.reshape(-1, 2).astype(np.uint32).T
        packed = np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], axis=1)
        data = packed.astype(np.uint8).tobytes()
    else:
        data = pixels.astype("<u2" if bits == 16 else np.uint8).tobytes()
    height, width, n_samples = *pixels.shape[:2], pixels[0, 0].size
    tags = {256: width, 257: height, 258: bits, 259: 1, 262: photometric, 273: 0}
    tags |= {277: n_samples, 278: height, 279: len(data)}
    if max_sample is not None:
        tags[281] = max_sample
    end = 8 + 2 + 12 * len(tags) + 4
    if n_samples == 3:  # the bits of each are behind the tags
        tags[258], data = end, struct.pack("<3H", bits, bits, bits) + data
    tags[273] = end + 6 * (n_samples == 3)
    entries = b"".join(
        struct.pack("<HHII", tag, 3, n_samples if tag == 258 else 1, tags[tag])
        for tag in sorted(tags)
    )
    return struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + entries + bytes(4) + data


def fifo(folder):
    os.mkfifo(folder / "fifo.png")
    return folder / "fifo.png"


def forbidden(folder):
    file = saved("forbidden.png", Image.new("RGB", (8, 8)))(folder)
    file.chmod(0)
    if os.access(file, os.R_OK):
        pytest.skip("this user may read every file")
    return file


def link(folder):
    (folder / "link.png").symlink_to("nowhere.png")
    return folder / "link.png"


def not_utf8(folder):
    file = os.fsdecode(os.fsencode(folder) + b"/caf\xe9.png")
    Image.new("RGB", (8, 8), RED).save(file)
    return file


def animation(name):
    frames = [Image.new("RGB", (8, 8), color) for color in (RED, WHITE)]
    return saved(name, frames[0], save_all=True, append_images=frames[1:], lossless=True)


def turned(folder):
    image = Image.new("RGB", (8, 16), WHITE)
    image.paste(RED, (0, 8, 8, 16))
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    return saved("turned.png", image, exif=exif)(folder)


def see_through(folder):
    image = Image.new("P", (8, 8), 1)
    image.putpalette([0, 0, 0, *RED])
    return saved("palette.png", image, transparency=1)(folder)


def is_seen_as(size, color):
    """Return a check that the last image of X is read as a picture of this size and color."""

    def check(reg, X, expected):
        image = read_image(X[-1])
        near = np.abs(np.subtract(image.getpixel((0, 0)), color)).max() <= 3
        return image.size == size and near and np.isfinite(reg.predict(X)).all()

    return check


LIGHT = np.full((8, 8), 3072)  # three quarters of what 12 bits hold
THREE_QUARTERS = is_seen_as((8, 8), (191, 191, 191))
GREY_16_BITS = Image.fromarray(np.full((8, 8), 0x8080, dtype=np.uint16))
FLOATS = Image.fromarray(np.full((8, 8), 0.5, dtype=np.float32))
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(99)

IMAGES = [
    ("a truncated JPEG", cut_off("cut.jpg", 600), "image file is truncated"),
    ("a truncated PNG", cut_off("cut.png", 600), "image file is truncated"),
    ("a file of 0 bytes", file_of("empty.jpg", b""), "an empty file (0 bytes)"),
    (
        "a web page saved as .jpg",
        file_of("page.jpg", b"<!DOCTYPE html><html>"),
        "not an image format that Pillow knows; it begins with b'<!DOCTYPE html><'",
    ),
    (
        "a PNG named .jpg",
        lambda folder: saved("a.png", Image.new("RGB", (8, 8), RED))(folder).rename(
            folder / "a.jpg"
        ),
        Right("the image: its content counts, not its name", is_seen_as((8, 8), RED)),
    ),
    (
        "1 × 1 pixels",
        saved("dot.png", Image.new("RGB", (1, 1), RED)),
        Right("the image", is_seen_as((1, 1), RED)),
    ),
    (
        "1 × 20000 pixels",
        saved("long.png", Image.new("RGB", (1, 20000), RED)),
        Right("its center", is_seen_as((1, 20000), RED)),
    ),
    (
        "a file of 100 bytes whose header claims 30000 × 30000 pixels",
        png_bomb(30000, 30000),
        "If you trust it, raise Pillow's limit: PIL.Image.MAX_IMAGE_PIXELS",
    ),
    (
        "a file whose header claims 9000 × 9000 pixels",
        png_bomb(9000, 9000),
        "image file is truncated",
    ),
    (
        "a CMYK JPEG",
        saved("cmyk.jpg", Image.new("CMYK", (16, 16), (0, 255, 255, 0))),
        Right("the image in RGB", is_seen_as((16, 16), RED)),
    ),
    (
        "a 16-bit PNG",
        saved("16.png", GREY_16_BITS),
        Right("scaled to 8 bits", is_seen_as((8, 8), GREY)),
    ),
    (
        "a 12-bit TIFF",
        file_of("12.tif", tiff(LIGHT, 12)),
        Right("scaled to 8 bits: white is 4095, as in its header", THREE_QUARTERS),
    ),
    (
        "a 16-bit TIFF with the tag MaxSampleValue",
        file_of("max.tif", tiff(LIGHT, 16, max_sample=4095)),
        Right("scaled to 8 bits: white is that value", THREE_QUARTERS),
    ),
    (
        'a 16-bit TIFF, "white is zero"',
        file_of("white.tif", tiff(65535 - 16 * LIGHT, 16, photometric=0)),
        Right("the image, not its negative", THREE_QUARTERS),
    ),
    (
        "a 12-bit PGM (maxval 4095)",
        file_of("12.pgm", b"P5 8 8 4095\n" + LIGHT.astype(">u2").tobytes()),
        Right("scaled to 8 bits: white is its maxval", THREE_QUARTERS),
    ),
    (
        "a TIFF with 16-bit colors and the tag MaxSampleValue",
        file_of("rgb.tif", tiff(np.dstack([LIGHT] * 3), 16, photometric=2, max_sample=4095)),
        "its colors have 16 bits, but its tag MaxSampleValue says that white is 4095, and",
    ),
    (
        'a 12-bit TIFF, "white is zero"',
        file_of("12 white.tif", tiff(LIGHT, 12, photometric=0)),
        "a kind of TIFF file that Pillow cannot read; convert it to 8 bits",
    ),
    (
        "a float TIFF",
        saved("floats.tif", FLOATS),
        "its pixels are floats with an unknown white level",
    ),
    (
        "a palette image with transparency",
        see_through,
        Right("transparent pixels become white", is_seen_as((8, 8), WHITE)),
    ),
    ("an animated GIF", animation("a.gif"), Right("its first frame", is_seen_as((8, 8), RED))),
    ("an animated WebP", animation("a.webp"), Right("its first frame", is_seen_as((8, 8), RED))),
    (
        "a photo with an EXIF rotation",
        turned,
        Right("the image, upright", is_seen_as((8, 16), RED)),
    ),
    (
        "a PNG with broken EXIF data",
        saved("broken.png", Image.new("RGB", (8, 8), RED), exif=b"Exif\0\0nonsense"),
        "broken EXIF data",
    ),
    ("HEIC without the Pillow plugin", file_of("a.heic", HEIC), "pip install pillow-heif"),
    (
        "PostScript",
        file_of("a.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n"),
        "PostScript is a program, not an image",
    ),
    ("a folder", lambda folder: folder, "a folder, not a file"),
    ("a FIFO", fifo, "not a regular file"),
    ("a device", lambda folder: "/dev/zero", "not a regular file"),
    ("a file without read permission", forbidden, "Permission"),
    ("a missing file", lambda folder: folder / "missing.png", "no such file"),
    ("a relative path", lambda folder: "missing.png", "no such file in "),
    ("a broken link", link, "a link to nowhere.png, which does not exist"),
    ("~", lambda folder: "~/missing.png", "~ is not expanded; use os.path.expanduser"),
    ("an empty string as path", lambda folder: "", "its path is empty"),
    ("a file name that is not UTF-8", not_utf8, Right("the image", is_seen_as((8, 8), RED))),
    ("a name that is too long", lambda folder: str(folder / ("x" * 999)), "name too long"),
    ("a NUL character in the name", lambda folder: "a\0.png", "null"),
    (
        "a PIL image without pixels",
        lambda folder: Image.new("RGB", (0, 8)),
        "it has no pixels: 0 × 8",
    ),
    (
        "a closed PIL image",
        lambda folder: [image := Image.open(saved("a.png", GREY_16_BITS)(folder)), image.close()][
            0
        ],
        "closed image",
    ),
    (
        "an array of shape (height, width, 3), among paths",
        lambda folder: np.full((8, 8, 3), RED, dtype=np.uint8),
        Right("the image", is_seen_as((8, 8), RED)),
    ),
]
