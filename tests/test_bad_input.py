"""Results of bad and unusual input, case by case; docs/bad_input.md is generated from this list.

After a change: ``python tests/test_bad_input.py > docs/bad_input.md``.
"""

import faulthandler
import inspect
import re
import socket
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bad_images import IMAGES, Right, cut_off
from bad_tables import TABLES
from bad_values import (
    A_FILE,
    BAD_BINS,
    BAD_LINGUISTIC_BINS,
    BINS,
    CLASSES,
    LABELS,
    ONE,
    PARAMETERS,
    TWO,
    X,
    Y,
)
from factories import TINY_FAST, save_pictures, small_pictures
from sklearn.base import clone
from skorch.callbacks import Callback

from sknumclip import CLIPEmbedder, LinguisticBins, NumCLIPClassifier, NumCLIPRegressor
from sknumclip.exceptions import BackboneError, ImageReadError


def short(value):
    """Return the call in code, for the table."""
    text = ", ".join(f"{name}={v!r}" for name, v in value.items())
    text = text.replace(repr(A_FILE), "'a file'")
    return f"`{text if len(text) < 70 else text[:60] + '…'}`"


def cases():
    """List all cases: section, what, a function that runs it, what it gives."""

    def fit(X, y=Y, w=None, **params):
        return NumCLIPRegressor(**{"bins": BINS, **TINY_FAST, **params}).fit(
            X, y, sample_weight=w
        ), X

    def image(make):
        return lambda files, folder: fit([*files, make(folder)], [*Y, 7.0])

    def collection(make):
        return lambda files, folder: fit(make(files))

    def labels(given):
        n = 1 if given.get("y") is ONE else 4
        return lambda files, folder: fit(files[:n], **given)

    def classes(given):
        params = {**TINY_FAST, **{name: value for name, value in given.items() if name != "y"}}
        return lambda files, folder: (NumCLIPClassifier(**params).fit(files, given["y"]), files)

    def parameters(params):
        return lambda files, folder: fit(files, **params)

    def bins(change):
        return lambda files, folder: LinguisticBins(**{**TWO, **change})

    rows = [("An image in X", what, image(make), gives) for what, make, gives in IMAGES]
    rows += [("X", what, collection(make), gives) for what, make, gives in X]
    rows += [("Tables of `load_folder`", *case) for case in TABLES]
    rows += [("Labels and weights", what, labels(given), gives) for what, given, gives in LABELS]
    rows += [("Labels of classes", what, classes(given), gives) for what, given, gives in CLASSES]
    rows += [("Bins", short({"bins": b}), parameters({"bins": b}), gives) for b, gives in BAD_BINS]
    rows += [
        ("Bins", f"`LinguisticBins` with {short(change)}", bins(change), gives)
        for change, gives in BAD_LINGUISTIC_BINS
    ]
    rows += [
        ("Parameters", short(params), parameters(params), gives) for params, gives in PARAMETERS
    ]
    rows += [
        (
            "Parameters",
            "`set_params(bata=1)`",
            lambda files, folder: NumCLIPRegressor().set_params(bata=1),
            "Invalid parameter 'bata' for NumCLIPRegressor. Did you mean 'beta'?",
        ),
        (
            "Parameters",
            "`NumCLIPRegressor(bata=1)`",
            lambda files, folder: NumCLIPRegressor(bata=1),
            "got an unexpected keyword argument 'bata'",
        ),
    ]
    return rows


INTRODUCTION = """\
# Bad input

This page lists the result of bad and unusual input. Each row is a test, and this page is generated
from `tests/test_bad_input.py`. For errors, the table shows part of the message; the full message
names the parameter or the image, the value, what is allowed, and the next step. No value is
guessed or replaced.

Parameters, bins and labels are checked before any image is read. Then `fit` reads every image once
before training starts. With `on_error="raise"`, the default, one `ImageReadError` lists all images
that cannot be read. With `on_error="skip"`, these are left out with a warning, and `skipped_` lists
them with the reasons. `predict`, `predict_bin_proba`, `transform` and `explain` return NaN in their
places, so the other rows keep their positions. scikit-learn's scores raise an error for NaN, so
leave these images out of them.

The loaders of `sknumclip.datasets` read the names of files, groups and parts in a table as text:
`007` is not `7`, and `NA` is a name. With pandas, that is
`pd.read_csv(file, dtype={"file": str}, na_filter=False, index_col=False)`.

For images of more than 8 bits, white is the value that the file declares: its bits per sample,
`MaxSampleValue`, "white is zero", or maxval. For PNG, white is 65535 whatever its `sBIT` chunk
declares, and so it is for a uint16 array.

Pillow refuses images of more than twice `PIL.Image.MAX_IMAGE_PIXELS` (89 million) pixels, and warns
above that number itself. Raise it if you trust larger images.
"""


def page():
    """Write the table."""
    lines = INTRODUCTION.splitlines()
    section = None
    for this_section, what, _, gives in cases():
        if this_section != section:
            section = this_section
            lines += ["", f"## {section}", "", "| input | result |", "|---|---|"]
        result = gives.words if isinstance(gives, Right) else f"error: `{gives}`"
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in (what, result)) + " |")
    return "\n".join(lines) + "\n"


# -------------------------------------------------------------------------------------------- tests


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return save_pictures(tmp_path_factory.mktemp("good"), small_pictures(4))


@pytest.fixture(scope="module")
def expected(files):
    return NumCLIPRegressor(BINS, **TINY_FAST).fit(files, Y).predict(files)


@pytest.fixture(autouse=True)
def _no_network_and_no_hanging(monkeypatch):
    def connect(*args):
        raise AssertionError("bad input reached for the network")

    monkeypatch.setattr(socket.socket, "connect", connect)
    faulthandler.dump_traceback_later(120, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


class Watch(Callback):
    """Count epochs."""

    epochs = 0

    def on_epoch_end(self, net, **kwargs):
        Watch.epochs += 1


@pytest.mark.parametrize(
    ("section", "what", "run", "gives"),
    [pytest.param(*case, id=f"{case[0]}: {case[1]}") for case in cases()],
)
def test_it_gives_what_the_table_says(section, what, run, gives, files, expected, tmp_path):
    if isinstance(gives, Right):
        assert gives.check(*run(files, tmp_path), expected)
        return
    with pytest.raises((TypeError, ValueError, OSError, BackboneError)) as raised:
        run(files, tmp_path)
    assert gives in str(raised.value)
    if section == "An image in X":
        assert isinstance(raised.value, ImageReadError)
        assert "1 of 5 images in X cannot be read" in str(raised.value)
    if section == "Parameters" and "(" not in what:
        assert any(name in str(raised.value) for name in re.findall(r"(\w+)=", what))


@pytest.mark.parametrize("fine_tune", ["full", "none"])
def test_unreadable_images_are_all_listed_or_left_out_in_place(files, tmp_path, fine_tune):
    bad = [str(cut_off("cut.jpg", 600)(tmp_path)), str(tmp_path / "missing.png")]
    mixed, y = [bad[0], *files[:2], bad[1], *files[2:]], [7.0, *Y[:2], 7.0, *Y[2:]]
    reg = NumCLIPRegressor(BINS, **TINY_FAST | dict(fine_tune=fine_tune, max_epochs=2))
    with pytest.raises(ImageReadError, match="2 of 6 images in X cannot be read") as raised:
        clone(reg).set_params(callbacks=[Watch()]).fit(mixed, y)
    assert list(raised.value.failures) == bad
    assert Watch.epochs == 0  # nothing was trained

    reg.fit(files, Y)
    skipping = clone(reg).set_params(on_error="skip")
    with pytest.warns(UserWarning, match="2 of 6 images could not be read and were left out"):
        skipping.fit(mixed, y)
    assert list(skipping.skipped_) == bad
    for method in ("predict", "predict_bin_proba", "transform", "explain"):
        with pytest.raises(ImageReadError, match="2 of 6"):
            getattr(reg, method)(mixed)
        rows = pd.DataFrame(getattr(skipping, method)(mixed))
        if method == "explain":
            assert rows.pop("path").tolist() == mixed
        assert rows.isna().all(axis=1).tolist() == [True, False, False, True, False, False]
        alone = pd.DataFrame(getattr(skipping, method)(files)).drop(columns="path", errors="ignore")
        rows = rows.dropna().infer_objects().set_axis(alone.index)
        pd.testing.assert_frame_equal(rows, alone, rtol=1e-4)


def test_the_embedder_lists_or_leaves_out_in_place(files, tmp_path):
    mixed = [files[0], str(tmp_path / "missing.png"), *files[1:]]
    embedder = CLIPEmbedder(model_name="tiny", verbose=0).fit(mixed)
    with pytest.raises(ImageReadError, match="1 of 5 images in X cannot be read"):
        embedder.transform(mixed)
    Z = embedder.set_params(on_error="skip").transform(mixed)
    assert np.isnan(Z).all(axis=1).tolist() == [False, True, False, False, False]
    np.testing.assert_allclose(Z[[0, 2, 3, 4]], embedder.transform(files), rtol=1e-4, atol=1e-6)


def test_there_is_a_case_for_every_parameter():
    named = {name for params, _ in PARAMETERS for name in params}
    assert named == set(inspect.signature(NumCLIPRegressor).parameters)
    assert len(cases()) >= 60


def test_the_page_of_the_docs_is_this_list():
    assert (Path(__file__).parent.parent / "docs" / "bad_input.md").read_text() == page()


if __name__ == "__main__":
    print(page(), end="")
