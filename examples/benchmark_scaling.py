"""
Scaling of data-parallel training
=================================

Measures the efficiency: runs the same training with 1 and with n processes under torchrun, in
turns, with the same number of images per process and step and of threads per process, and compares
the images per second of the epochs after the first. An efficiency of 1 means that n processes train
n times as many images per second::

    python examples/benchmark_scaling.py                                # 2 processes on a CPU
    python examples/benchmark_scaling.py --processes 8 --device cuda --model ViT-B-16

There must be a core for every thread and a GPU for every process, and no other load; the script
prints the load it found. Towers have random weights.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import open_clip
import torch
from safetensors.torch import save_model


def save_random(architecture, folder):
    """Save an architecture with random weights the way open_clip loads them."""
    torch.manual_seed(0)
    folder.mkdir()
    preprocessing = {"mean": [0.5] * 3, "std": [0.5] * 3, "resize_mode": "shortest"}
    config = {"model_cfg": open_clip.get_model_config(architecture)}
    (folder / "open_clip_config.json").write_text(
        json.dumps({**config, "preprocess_cfg": preprocessing})
    )
    save_model(open_clip.create_model(architecture), folder / "open_clip_model.safetensors")
    return f"local-dir:{folder}"


def train(args):
    """Train as one of the processes; the main one prints images per second."""
    from accelerate import Accelerator

    from sknumclip import NumCLIPRegressor

    torch.set_num_threads(args.threads)
    accelerator = Accelerator(cpu=args.device == "cpu")
    n = args.batch_size * args.steps * accelerator.num_processes
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 256, (n, 256, 256, 3), dtype=np.uint8), rng.uniform(0, 100, n)

    class Regressor(NumCLIPRegressor):
        gather_batches = not args.local

    reg = Regressor(
        {"child": (0, 13), "young": (13, 35), "middle-aged": (35, 65), "old": (65, 101)},
        model_name=args.model,
        batch_size=args.batch_size,
        max_epochs=1 + args.epochs,
        image_cache="memory",
        accelerator=accelerator,
        random_state=0,
        verbose=0,
    ).fit(X, y)
    if accelerator.is_main_process:
        seconds = reg.history_["dur"][1:].median()
        print(json.dumps({"images_per_second": n / seconds}))
    accelerator.end_training()
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def throughput(args, n_processes):
    """Images per second of `n_processes` processes."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += [f"--nproc-per-node={n_processes}", __file__, "--train"]
    for name in ("model", "device", "batch_size", "steps", "epochs", "threads"):
        command += [f"--{name.replace('_', '-')}", str(getattr(args, name))]
    environment = {**os.environ, "OMP_NUM_THREADS": str(args.threads)}
    command += ["--local"] if args.local else []
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=args.timeout, env=environment
    )
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout.strip().splitlines()[-1])["images_per_second"]


def parse():
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--model", default="ViT-B-32", help="an architecture, or 'tiny'")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--batch-size", type=int, default=16, help="per process")
    parser.add_argument("--steps", type=int, default=6, help="per epoch")
    parser.add_argument("--epochs", type=int, default=3, help="after the first")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1, help="per process")
    parser.add_argument("--timeout", type=float, default=1800, help="seconds per run")
    parser.add_argument("--local", action="store_true", help="gather_batches=False")
    parser.add_argument("--train", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def main():
    """Measure in turns, so that other load affects both."""
    args = parse()
    if args.train:
        return train(args)
    with tempfile.TemporaryDirectory() as folder:
        if args.model != "tiny":
            args.model = save_random(args.model, Path(folder) / "clip")
        ratios = []
        for _ in range(args.rounds):
            one, many = throughput(args, 1), throughput(args, args.processes)
            ratios.append(many / (args.processes * one))
            load = os.getloadavg()[0]
            print(f"{one:8.1f} {many:8.1f} images/s  efficiency {ratios[-1]:.2f}  load {load:.1f}")
    print(
        f"efficiency of {args.processes} processes: {statistics.median(ratios):.2f} "
        f"({min(ratios):.2f} - {max(ratios):.2f})"
    )


if __name__ == "__main__":
    main()
