"""Code as users write it, for mypy: it is never run.

Where a line must be rejected, it says so by ``type: ignore``; mypy complains of those in vain.
"""

from pathlib import Path
from typing import assert_type

import numpy as np
import pandas as pd
from PIL import Image

from sknumclip import (
    CLIPEmbedder,
    LinguisticBins,
    NumCLIPClassifier,
    NumCLIPRegressor,
    baselines,
    datasets,
    inspection,
    metrics,
    plotting,
)
from sknumclip.estimators.explanation import Explanation

AGES = {"child": (0, 13), "teenager": (13, 19), "adult": (19, 100)}


def estimators_are_made(folder: Path) -> None:
    NumCLIPRegressor(AGES, fine_tune=2, batch_size="auto", image_cache=folder, random_state=0)
    NumCLIPRegressor("age", prompt_lr=1e-4, device="cuda:1")
    NumCLIPRegressor(LinguisticBins(["few", "many"], [0, 10, 100]), pretrained=None)
    NumCLIPClassifier(["few", "many"], predict_by="expected_rank")
    baselines.ImageHeadRegressor(loss="emd")
    NumCLIPRegressor("ages")  # type: ignore[arg-type]
    NumCLIPRegressor(fine_tune="half")  # type: ignore[arg-type]
    NumCLIPRegressor(ranking_loss="FCRC")  # type: ignore[arg-type]
    NumCLIPRegressor(max_epochs=1.5)  # type: ignore[arg-type]
    NumCLIPRegressor(epochs=3)  # type: ignore[call-arg]
    baselines.ZeroShotCLIPRegressor(prompt_init="random")  # type: ignore[arg-type]


def images_are_paths_or_pixels(paths: list[Path], table: pd.DataFrame, pixels: list[int]) -> None:
    reg = NumCLIPRegressor()
    assert_type(reg.fit(paths, table["age"]), NumCLIPRegressor)
    reg.fit(["a.jpg"], [3], sample_weight=np.ones(1))
    reg.fit([Image.new("RGB", (8, 8))], np.arange(1))
    reg.fit(table[["path"]], table["age"])
    reg.fit(3, [3])  # type: ignore[arg-type]
    reg.fit(pixels, [3])  # type: ignore[arg-type]
    CLIPEmbedder(on_error="skip").fit(paths).transform(np.zeros((3, 64, 64, 3), np.uint8))


def results_have_types(paths: list[str], y: list[float]) -> None:
    reg = NumCLIPRegressor.paper("decade").fit(paths, y)
    print(reg.predict(paths).mean(), reg.bins_.centers[0], reg.history_.columns)
    mean, std = reg.predict(paths, return_std=True)
    print(mean.shape, std.shape)
    assert_type(reg.explain(paths), Explanation)
    assert_type(NumCLIPClassifier.load("grades"), NumCLIPClassifier)
    reg.save(Path("model"), standalone=True)
    reg.predict(paths).no_such_method()  # type: ignore[attr-defined]


def tools_have_types(folder: str) -> None:
    X, y = datasets.make_counting_images(10, random_state=0)
    X, y, words = datasets.make_counting_images(10, return_attributes=True)
    datasets.load_adience(folder, images="cropped")  # type: ignore[arg-type]
    cv = datasets.FewShotSplit(4, cv=[(np.arange(5), np.arange(5, 10))])
    for train, test in cv.split(X, y):
        print(metrics.ordinal_metrics(y[test], y[test])["mae"], words["color"][train])
    display = plotting.BinErrorDisplay.from_predictions(y, y, "age")
    assert_type(display.plot(), plotting.BinErrorDisplay)
    display.figure_.savefig("errors.png")


def pictures_are_inspected(paths: list[Path], ages: list[float], reg: NumCLIPRegressor) -> None:
    found = assert_type(inspection.find_duplicates(paths, y=ages, threshold="same"), pd.DataFrame)
    plotting.DuplicatesDisplay.from_duplicates(found, paths)
    assert_type(inspection.find_label_errors(reg, paths, ages, cv=3), pd.DataFrame)
    assert_type(inspection.nearest_images(reg, paths, paths, ages, k=3), pd.DataFrame)
    assert_type(inspection.summarize(paths, ages, "age"), inspection.Summary)
    reg.explain(paths, neighbors=3, X_train=paths, y_train=ages)
    NumCLIPRegressor(augment=lambda canvases: canvases.flip(3))
    inspection.find_duplicates(paths, threshold="close")  # type: ignore[arg-type]
