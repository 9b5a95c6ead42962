"""
Cost of decoding an image
=========================

Processor time of one core per JPEG file, from the disk to the canvas for the image tower. The
estimates in docs/cluster.md are based on it. Runs offline, in seconds::

    python examples/benchmark_decoding.py                   # drawn, 500 × 375 pixels, 90 kB
    python examples/benchmark_decoding.py --data FOLDER     # your own files
    python examples/benchmark_decoding.py --decoders        # Pillow against others, same pixels
    python examples/benchmark_decoding.py --threads 1 2 4   # all cores together
"""

import argparse
import io
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torchvision.io import decode_jpeg

from sknumclip.clip.backbone import Preprocessing
from sknumclip.images.canvases import CanvasStore
from sknumclip.images.reading import Images

# Preprocessing of CLIP models with images of 224 pixels.
PREPROCESSING = Preprocessing((224, 224), (0.5,) * 3, (0.5,) * 3, "bicubic", "shortest")


def draw(folder, n, size, n_bytes):
    """Save n images of soft noise as JPEG files of about `n_bytes`."""
    rng = np.random.default_rng(0)
    width, height = size
    for i in range(n):
        soft = Image.fromarray(rng.integers(0, 256, (height // 8, width // 8, 3), dtype=np.uint8))
        grain = rng.normal(0, 12, (height, width, 3))
        picture = np.asarray(soft.resize(size, Image.Resampling.BICUBIC)) + grain
        picture = Image.fromarray(picture.clip(0, 255).astype(np.uint8))
        for quality in range(97, 5, -1):
            file = io.BytesIO()
            picture.save(file, "JPEG", quality=quality)
            if file.tell() <= n_bytes:
                break
        (folder / f"{i}.jpg").write_bytes(file.getvalue())


def measure(files, canvas_scale):
    """Milliseconds of processor time per file, the median of five passes by one thread."""
    passes = []
    for _ in range(5):
        store = CanvasStore(Images(files), PREPROCESSING, scale=canvas_scale, num_workers=0)
        started = time.process_time()
        store.read_all("raise")
        passes.append((time.process_time() - started) / len(files) * 1e3)
    return np.median(passes), min(passes), max(passes)


def decoders():
    """Return functions from the bytes of a JPEG file to its pixels at full size."""
    found = {
        "Pillow": lambda data: np.asarray(Image.open(io.BytesIO(data)).convert("RGB")),
        "torchvision": lambda data: decode_jpeg(torch.frombuffer(data, dtype=torch.uint8)),
    }
    if find_spec("simplejpeg"):
        from simplejpeg import decode_jpeg as decode_simply

        found["simplejpeg"] = decode_simply
    return found


def compare_decoders(files):
    """Print the milliseconds that each decoder takes per file, the median of five passes."""
    contents = [bytearray(Path(file).read_bytes()) for file in files]
    for name, decode in decoders().items():
        passes = []
        for _ in range(5):
            started = time.process_time()
            for content in contents:
                decode(content)
            passes.append((time.process_time() - started) / len(contents) * 1e3)
        print(f"{name}: {np.median(passes):.2f} ms ({min(passes):.2f} - {max(passes):.2f})")


def compare_threads(files, canvas_scale, numbers):
    """Print images per second by number of threads, and if Pillow keeps memory for reuse."""
    for n_blocks in (0, 256):
        Image.core.set_blocks_max(n_blocks)
        for n_threads in numbers:
            rates = []
            for _ in range(3):
                store = CanvasStore(
                    Images(files), PREPROCESSING, scale=canvas_scale, num_workers=n_threads
                )
                started = time.perf_counter()
                store.read_all("raise")
                rates.append(len(files) / (time.perf_counter() - started))
            print(
                f"{n_threads} threads, PILLOW_BLOCKS_MAX={n_blocks}: {np.median(rates):.0f} images "
                f"per second ({min(rates):.0f} - {max(rates):.0f})"
            )


def main():
    """Draw files or use given ones, and measure."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--data", help="folder of JPEG files; drawn ones by default")
    parser.add_argument("--n", type=int, default=200)
    parser.add_argument("--canvas-scale", type=float, default=8 / 7)
    parser.add_argument("--decoders", action="store_true", help="compare decoders, too")
    parser.add_argument("--threads", nargs="+", type=int, default=[], help="compare, too")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as drawn:
        folder = Path(args.data or drawn)
        if not args.data:
            draw(folder, args.n, (500, 375), 90e3)
        files = sorted(map(str, folder.glob("*.jpg")))[: args.n]
        sizes = [Path(file).stat().st_size for file in files]
        middle, low, high = measure(files, args.canvas_scale)
        if args.decoders:
            compare_decoders(files)
        compare_threads(files, args.canvas_scale, args.threads)
    print(
        f"{len(files)} files of {np.mean(sizes) / 1e3:.0f} kB: {middle:.2f} ms each "
        f"({low:.2f} - {high:.2f}), or {1e3 / middle:.0f} images per second and core"
    )


if __name__ == "__main__":
    main()
