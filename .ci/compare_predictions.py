"""Compare the predictions of two checkouts, to the bit: compare_predictions.py OLD NEW.

Every estimator and baseline, frozen and fine-tuned, on drawn pictures with the model inside the
package. Exits with 1 if any of them differ.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np


def cases():
    """Yield name, estimator and the keyword arguments of its fit."""
    from sknumclip import NumCLIPClassifier, NumCLIPRegressor, baselines

    shared = dict(model_name="tiny", device="cpu", random_state=0, verbose=0)
    words = {"a few": (0, 16), "many": (16, 40), "countless": (40, 101)}
    for fine_tune in ("none", "full", 1):
        few = dict(fine_tune=fine_tune, max_epochs=2, lr=1e-4, batch_size=16, **shared)
        for precision in ("fp32", "auto"):
            reg = NumCLIPRegressor(words, template="{} shapes.", precision=precision, **few)
            yield f"regressor {fine_tune} {precision}", reg, {}
        clf = NumCLIPClassifier(["few", "many"], **few)
        yield f"classifier {fine_tune}", clf, {}
        for name in ("CoOpRegressor", "OrdinalCLIPRegressor", "L2RCLIPRegressor"):
            yield f"{name} {fine_tune}", getattr(baselines, name)(**few), {}
        for loss in ("l1", "cross_entropy"):
            yield f"head {loss} {fine_tune}", baselines.ImageHeadRegressor(loss=loss, **few), {}
        weights = np.linspace(0, 2, 40)
        yield f"weighted {fine_tune}", NumCLIPRegressor(3, **few), {"sample_weight": weights}
        for changes in (
            {"early_stopping": True},
            {"ranking_loss": "infonce"},
            {"ranking_loss": "none"},
            {"shift": "relative", "prompt_init": "numbers"},
            {"prompt_init": "random", "batch_size": "auto", "prompt_lr": 1e-2},
        ):
            yield f"{changes} {fine_tune}", NumCLIPRegressor(words, **{**few, **changes}), {}
    zero_shot = {name: value for name, value in shared.items() if name != "random_state"}
    yield "zero-shot", baselines.ZeroShotCLIPRegressor(words, **zero_shot), {}


def predict(file):
    """Write the outputs of all cases to an npz file."""
    from sknumclip import CLIPEmbedder
    from sknumclip.datasets import make_counting_images

    X, y = make_counting_images(60, random_state=0)
    outputs = {}
    for name, estimator, options in cases():
        labels = np.where(y < 20, "few", "many") if name.startswith("classifier") else y
        estimator.fit(X[:40], labels[:40], **options)
        for method in ("predict", "predict_bin_proba", "predict_proba", "transform"):
            if hasattr(estimator, method):
                outputs[f"{name}: {method}"] = getattr(estimator, method)(X[40:])
        if name == "regressor none fp32":
            again = estimator.set_params(warm_start=True).fit(X[:40], y[:40])
            outputs["warm start"] = again.predict(X[40:])
    embedder = CLIPEmbedder(model_name="tiny", device="cpu", verbose=0)
    outputs["embedder"] = Z = embedder.fit_transform(X)
    reg = next(estimator for name, estimator, _ in cases() if name == "regressor none fp32")
    outputs["on embeddings"] = reg.fit(Z[:40], y[:40]).predict(Z[40:])
    outputs["on features"] = reg.fit(Z[:40, :7], y[:40]).predict(Z[40:, :7])
    np.savez(file, **outputs)


def main(old, new):
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for i, checkout in enumerate((old, new)):
            file = Path(folder, f"{i}.npz")
            environment = {**os.environ, "PYTHONPATH": str(Path(checkout).resolve())}
            command = [sys.executable, "-W", "ignore", __file__, "--write", file]
            subprocess.run(command, env=environment, check=True, cwd=folder)
            results.append(dict(np.load(file, allow_pickle=False)))
    before, after = results
    different = before.keys() ^ after.keys()
    for name in sorted(before.keys() & after.keys()):
        a, b = before[name], after[name]
        if not np.array_equal(a, b):
            different.add(name)
            largest = np.abs(a - b).max() if a.dtype.kind == "f" else "labels differ"
            print(f"{name}: largest difference {largest}")
    print(f"{len(before)} outputs before, {len(after)} after; {len(different)} differ: {different}")
    return bool(different)


if __name__ == "__main__":
    if sys.argv[1] == "--write":
        predict(sys.argv[2])
    else:
        sys.exit(main(*sys.argv[1:3]))
