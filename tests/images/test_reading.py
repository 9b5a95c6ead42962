"""read_image: right RGB for every kind of image, reasons for unreadable files, and crops."""

import io
import os
import tarfile
import time
import warnings
import zlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from factories import GREY, RED, WHITE, bad_files, peak_memory, preprocessing, save_pictures
from PIL import Image

from sknumclip.exceptions import ImageReadError
from sknumclip.images import reading
from sknumclip.images.canvases import CanvasStore
from sknumclip.images.reading import Images, read_image


def color_of(source):
    image = read_image(source)
    assert image.mode == "RGB"
    return image.getpixel((0, 0))


def palette_image():
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, *RED])
    return image


@pytest.mark.parametrize(
    ("image", "color"),
    [
        (Image.new("RGB", (4, 4), RED), RED),
        (Image.new("L", (4, 4), 128), GREY),
        (Image.new("1", (4, 4), 1), WHITE),
        (Image.new("LA", (4, 4), (128, 255)), GREY),
        (Image.new("RGBA", (4, 4), (*RED, 255)), RED),
        (Image.new("RGBA", (4, 4), (0, 0, 0, 0)), WHITE),
        (palette_image(), RED),
        (Image.new("CMYK", (4, 4), (0, 255, 255, 0)), RED),
        (Image.fromarray(np.full((4, 4), 0x8080, dtype=np.uint16)), GREY),
        (np.full((4, 4, 3), 128, dtype=np.uint8), GREY),
    ],
)
def test_every_mode_becomes_the_right_rgb(image, color):
    assert color_of(image) == color


@pytest.mark.parametrize(
    ("mode", "color", "format_", "expected"),
    [
        ("CMYK", (0, 255, 255, 0), "jpeg", RED),
        ("L", 128, "jpeg", GREY),
        ("I;16", 0x8080, "png", GREY),
        ("RGBA", (0, 0, 0, 0), "png", WHITE),
        ("RGB", RED, "webp", RED),
        ("RGB", RED, "gif", RED),
        ("RGB", RED, "bmp", RED),
    ],
)
def test_files_of_every_kind(tmp_path, mode, color, format_, expected):
    file = tmp_path / f"image.{format_}"
    Image.new(mode, (32, 32), color).save(file)
    np.testing.assert_allclose(color_of(file), expected, atol=3)


def test_palette_with_transparency_is_laid_on_white(tmp_path):
    image = palette_image()
    image.save(tmp_path / "image.png", transparency=1)
    assert color_of(tmp_path / "image.png") == WHITE


def test_exif_orientation_is_applied(tmp_path):
    pixels = np.zeros((20, 40, 3), dtype=np.uint8)
    pixels[:, :20] = 255  # white on the left
    exif = Image.Exif()
    exif[0x0112] = 6  # "turn by 90° clockwise to view"
    Image.fromarray(pixels).save(tmp_path / "image.png", exif=exif)
    image = read_image(tmp_path / "image.png")
    assert image.size == (20, 40)
    assert (image.getpixel((10, 0)), image.getpixel((10, 39))) == (WHITE, (0, 0, 0))


def test_of_an_animation_the_first_frame_is_taken(tmp_path):
    frames = [Image.new("RGB", (4, 4), color) for color in (RED, WHITE)]
    frames[0].save(tmp_path / "image.gif", save_all=True, append_images=frames[1:])
    assert color_of(tmp_path / "image.gif") == RED


def test_bad_files_give_a_reason(tmp_path):
    for file, reason in bad_files(tmp_path).items():
        with pytest.raises((OSError, ValueError), match=reason):
            read_image(file)


def test_a_file_that_may_not_be_read_gives_a_reason(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "image.png")
    (tmp_path / "image.png").chmod(0)
    is_root = os.geteuid() == 0  # who may read everything
    Image.init()  # while its plugins can be imported
    try:
        if is_root:
            os.seteuid(65534)
        with pytest.raises(ValueError, match="Permission denied"):
            read_image(tmp_path / "image.png")
    finally:
        if is_root:
            os.seteuid(0)


def test_the_limit_of_pixels_can_be_raised(tmp_path, monkeypatch):
    Image.new("RGB", (100, 100), RED).save(tmp_path / "image.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 4000)
    with pytest.raises(ValueError, match=r"10000 pixels.*PIL.Image.MAX_IMAGE_PIXELS, now 4000"):
        read_image(tmp_path / "image.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10_000)
    assert color_of(tmp_path / "image.png") == RED


def test_one_pil_image_can_be_read_by_threads_at_the_same_time(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, size=(300, 300, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "image.png")
    for _ in range(5):
        images = Images([Image.open(tmp_path / "image.png")] * 8)
        with ThreadPoolExecutor(8) as threads:
            for image in threads.map(images.read, range(8)):
                np.testing.assert_array_equal(np.asarray(image), pixels)


def noise(n, shape=(300, 300, 3)):
    return np.random.default_rng(0).integers(0, 256, size=(n, *shape), dtype=np.uint8)


def as_files(folder, pictures):
    paths = save_pictures(folder / "files", pictures)
    return [Image.open(path) for path in paths]


def in_one_archive(folder, pictures):
    with tarfile.open(folder / "all.tar", "w") as archive:
        for path in save_pictures(folder / "packed", pictures):
            archive.add(path)
    archive = tarfile.open(folder / "all.tar")  # noqa: SIM115
    return [Image.open(archive.extractfile(member)) for member in archive.getmembers()]


def of_one_buffer(folder, pictures):
    buffer = io.BytesIO()
    Image.fromarray(pictures[0]).save(buffer, "PNG")
    return [Image.open(buffer) for _ in pictures]


@pytest.mark.parametrize("opened", [as_files, in_one_archive, of_one_buffer])
def test_an_image_object_that_calls_in_threads_share_is_read_whole(tmp_path, opened):
    pictures = noise(6)
    expected = pictures[[0] * 6] if opened is of_one_buffer else pictures
    for _ in range(4):
        X = opened(tmp_path, pictures)

        def call(step, X=X):  # each has a list of its own
            return [np.asarray(image) for image in map(Images(X[::step]).read, range(6))][::step]

        with ThreadPoolExecutor(4) as threads:
            for found in threads.map(call, [1, -1, 1, -1]):
                np.testing.assert_array_equal(found, expected)


def test_locks_of_images_go_when_nobody_reads_them(tmp_path):
    Images(as_files(tmp_path, noise(3))).identities(range(3))
    assert len(reading._locks) == 0


def test_identity_follows_the_content(tmp_path):
    file = tmp_path / "image.png"
    images = Images([str(file), Image.new("RGB", (4, 4), RED), palette_image()])
    Image.new("RGB", (4, 4), RED).save(file)
    before = images.identity(0)
    Image.new("RGB", (5, 5), RED).save(file)
    assert images.identity(0) != before
    assert images.identity(1) == images.identity(2)  # the same picture, stored differently
    other = palette_image()
    other.putpalette([0, 0, 0, *WHITE])
    assert Images([other]).identity(0) != images.identity(2)


# ----------------------------------------------------------------------- files with wrong bytes


def encoded(image, format_, **options):
    buffer = io.BytesIO()
    image.save(buffer, format_, **options)
    return buffer.getvalue()


def picture_files():
    """Whole files, as bytes, of every kind of picture that people have."""
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 256, size=(6, 8, 3), dtype=np.uint8))
    photo = coarse.resize((64, 48), Image.Resampling.BICUBIC)
    exif = Image.Exif()
    exif[0x0112] = 6
    frames = dict(save_all=True, append_images=[photo.rotate(90)])
    return {
        "JPEG": encoded(photo, "JPEG", exif=exif),
        "JPEG, progressive": encoded(photo, "JPEG", progressive=True),
        "JPEG, CMYK": encoded(photo.convert("CMYK"), "JPEG"),
        "PNG": encoded(photo, "PNG"),
        "PNG, palette": encoded(photo.convert("P"), "PNG", transparency=1),
        "PNG, RGBA": encoded(photo.convert("RGBA"), "PNG"),
        "GIF, animated": encoded(photo, "GIF", **frames),
        "WebP": encoded(photo, "WEBP"),
        "WebP, lossless, animated": encoded(photo, "WEBP", lossless=True, **frames),
        "BMP": encoded(photo, "BMP"),
        "TIFF": encoded(photo, "TIFF"),
        "TIFF, LZW": encoded(photo, "TIFF", compression="tiff_lzw"),
    }


def with_wrong_bytes(content, rng):
    """Change one to eight bytes, more often near the start, and sometimes cut the rest off."""
    content = bytearray(content)
    for _ in range(rng.integers(1, 9)):
        end = len(content) if rng.random() < 0.5 else min(len(content), 100)
        content[rng.integers(end)] = rng.integers(256)
    return bytes(content[: rng.integers(len(content))] if rng.random() < 0.1 else content)


def with_right_checksums(png):
    """Correct the checksums of a PNG, so that a decoder believes its wrong bytes."""
    png, at = bytearray(png), 8
    while at + 12 <= len(png):
        end = at + 8 + int.from_bytes(png[at : at + 4], "big")
        png[end : end + 4] = zlib.crc32(png[at + 4 : end]).to_bytes(4, "big")
        at = end + 4
    return bytes(png)


def outcomes_of_wrong_bytes(folder, n_files):
    """Read broken files as estimators do: how many by kind and outcome, and the slowest."""
    rng, counts, slowest = np.random.default_rng(0), Counter(), (0.0, None)
    kinds = picture_files()
    for i in range(n_files):
        kind = list(kinds)[i % len(kinds)]
        content = with_wrong_bytes(kinds[kind], rng)
        believable = kind.startswith("PNG") and rng.random() < 0.9
        (folder / "broken").write_bytes(with_right_checksums(content) if believable else content)
        store = CanvasStore(Images([folder / "broken"]), preprocessing("shortest"), num_workers=0)
        start = time.process_time()  # of this process alone, however busy the machine is
        try:
            store.read_all("raise")
            assert store[0].shape == (3, 28, 28)
            counts[kind, "a picture"] += 1
        except ImageReadError:
            counts[kind, "ImageReadError"] += 1
        slowest = max(slowest, (time.process_time() - start, kind))
    return counts, slowest


def check_wrong_bytes(folder, n_files, most_gb):
    before = peak_memory(reset=True)
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, of what it finds
        counts, slowest = outcomes_of_wrong_bytes(folder, n_files)
    seconds = time.process_time() - start
    grown = (peak_memory() - before) / 2**30
    print(f"{n_files} files in {seconds:.1f} s of CPU time, peak memory +{grown:.2f} GB")
    print(f"the slowest: {slowest[0]:.2f} s, {slowest[1]}")
    for (kind, outcome), count in sorted(counts.items()):
        print(f"{kind}: {outcome}: {count}")
    assert counts.total() == n_files
    assert {outcome for _, outcome in counts} == {"a picture", "ImageReadError"}
    assert slowest[0] < 10
    assert grown < most_gb


def test_wrong_bytes_give_a_picture_or_the_one_error(tmp_path):
    check_wrong_bytes(tmp_path, 600, most_gb=0.5)


@pytest.mark.slow
def test_ten_thousand_files_with_wrong_bytes(tmp_path):
    check_wrong_bytes(tmp_path, 10_000, most_gb=3)  # a WebP may be 16383 × 16383, twice
