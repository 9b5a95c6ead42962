"""BatchPredictor: alone, and called by dask, ray and webdataset on pieces of a table."""

import io
import pickle
import shutil

import numpy as np
import pandas as pd
import pytest
from factories import TINY_FAST, run_python, save_pictures
from PIL import Image

from sknumclip import NumCLIPClassifier, NumCLIPRegressor, inference
from sknumclip.exceptions import BackboneError, ImageReadError, SavedModelError
from sknumclip.inference import BatchPredictor


@pytest.fixture(autouse=True)
def _forget_models():
    inference._models.clear()
    yield
    inference._models.clear()


@pytest.fixture
def table(pixels, tmp_path):
    paths = save_pictures(tmp_path, pixels)
    return pd.DataFrame({"path": paths, "y": np.arange(8.0)}, index=range(10, 18))


@pytest.fixture
def reg(table):
    return NumCLIPRegressor(2, **TINY_FAST).fit(table["path"], table["y"])


@pytest.fixture
def folder(reg, tmp_path):
    reg.save(tmp_path / "model")
    return tmp_path / "model"


def test_tables_of_all_kinds(reg, folder, table):
    expected = reg.predict(table["path"])
    for model in (reg, folder, str(folder)):
        predictor = BatchPredictor(model, output="age")
        frame = predictor(table)
        assert list(frame) == ["path", "y", "age"]
        assert frame.index.equals(table.index)
        np.testing.assert_array_equal(frame["age"], expected)
        series = predictor(table["path"])
        assert (series.name, series.index.tolist()) == ("age", table.index.tolist())
        arrays = predictor({name: table[name].to_numpy() for name in table})
        np.testing.assert_array_equal(arrays["age"], expected)
        assert len(predictor(table[:0])) == 0
        assert predictor(table[:0])["age"].dtype == np.float64
    assert list(table) == ["path", "y"]


def test_arrays_as_ray_reads_them(reg, pixels):
    predictor = BatchPredictor(reg, column="image")
    pictures = np.empty(8, dtype=object)
    pictures[:] = list(pixels)
    for images in (pixels, pictures):
        result = predictor({"image": images})
        np.testing.assert_allclose(result["prediction"], reg.predict(pixels), rtol=1e-5)


def test_classes(table, tmp_path):
    labels = np.array(["low", "high"])[(table["y"] > 3).astype(int)]
    clf = NumCLIPClassifier(classes=["low", "high"], **TINY_FAST).fit(table["path"], labels)
    clf.save(tmp_path / "classes")
    predictor = BatchPredictor(tmp_path / "classes")
    assert (predictor(table)["prediction"] == clf.predict(table["path"])).all()
    assert len(predictor(table[:0])) == 0


def test_parameters_are_changed_on_the_copy_only(reg, table):
    table = pd.concat([table, pd.DataFrame({"path": ["missing.png"]})])
    predictor = BatchPredictor(reg, params={"on_error": "skip"})
    assert predictor(table)["prediction"].isna().tolist() == [False] * 8 + [True]
    assert reg.on_error == "raise"
    with pytest.raises(ValueError, match=r"missing\.png: no such file"):
        BatchPredictor(reg)(table)


def test_a_missing_column_is_named(reg):
    with pytest.raises(ValueError, match=r"no column 'path' among \['file'\]"):
        BatchPredictor(reg)(pd.DataFrame({"file": ["a.png"]}))


@pytest.mark.parametrize("by_folder", [True, False])
def test_each_process_keeps_one_copy(reg, folder, table, by_folder, monkeypatch):
    predictor = BatchPredictor(folder if by_folder else reg)
    sent = pickle.dumps(predictor)
    loads, load = [], inference._load
    monkeypatch.setattr(inference, "_load", lambda model: loads.append(1) or load(model))
    for _ in range(3):
        received = pickle.loads(sent)
        np.testing.assert_array_equal(received(table)["prediction"], reg.predict(table["path"]))
    assert len(loads) == 1
    for _ in range(6):
        BatchPredictor(folder)(table[:1])
    assert len(inference._models) <= inference._MAX_MODELS


def test_dask_dataframe(folder, reg, table):
    dd = pytest.importorskip("dask.dataframe")
    frame = dd.from_pandas(table, npartitions=3)
    for meta in ({}, {"meta": {**frame.dtypes, "prediction": "float64"}}):
        result = frame.map_partitions(BatchPredictor(folder), **meta)
        assert result.dtypes["prediction"] == np.float64
        result = result.compute(scheduler="threads", num_workers=2)
        np.testing.assert_array_equal(result["prediction"], reg.predict(table["path"]))
    series = frame["path"].map_partitions(BatchPredictor(folder)).compute(scheduler="sync")
    np.testing.assert_array_equal(series, reg.predict(table["path"]))


def test_rows_that_dask_makes_up_have_classes_too(table):
    dd = pytest.importorskip("dask.dataframe")
    clf = NumCLIPClassifier(["low", "high"], **TINY_FAST)
    clf.fit(table["path"], np.array(["low", "high"])[(table["y"] > 3).astype(int)])
    result = dd.from_pandas(table, npartitions=2).map_partitions(BatchPredictor(clf))
    computed = result.compute(scheduler="sync")
    assert computed["prediction"].tolist() == clf.predict(table["path"]).tolist()
    assert result.dtypes["prediction"] == computed["prediction"].dtype


def test_images_that_are_missing_are_no_rows_that_dask_makes_up(reg):
    dd = pytest.importorskip("dask.dataframe")
    for name in ("foo", "a"):  # what dask makes up
        with pytest.raises(ImageReadError, match=f"{name}: no such file"):
            BatchPredictor(reg)(pd.DataFrame({"path": [name, name]}))
    missing = dd.from_pandas(pd.DataFrame({"path": ["a", "b"]}), npartitions=1)
    with pytest.raises(ImageReadError, match="a: no such file"):
        missing.map_partitions(BatchPredictor(reg)).compute(scheduler="sync")


class OwnRegressor(NumCLIPRegressor):
    """A user's own."""


@pytest.mark.parametrize(
    ("use", "error", "message"),
    [
        (lambda folder, table: BatchPredictor(None), TypeError, "model must be the folder"),
        (
            lambda folder, table: BatchPredictor(folder / "no")(table),
            SavedModelError,
            "no is not a saved model: there is no such folder",
        ),
        (
            lambda folder, table: BatchPredictor(folder / "model.safetensors")(table),
            SavedModelError,
            "is not a saved model: it is a file, but a model is saved as a folder",
        ),
        (
            lambda folder, table: BatchPredictor(folder)(list(table["path"])),
            TypeError,
            "must be a DataFrame, a Series of images or a mapping .* Got list",
        ),
        (
            lambda folder, table: BatchPredictor(folder, column=["path"])(table),
            ValueError,
            r"There is no column \['path'\] among \['path', 'y'\]",
        ),
        (
            lambda folder, table: BatchPredictor(folder, column="file")({"image": [1]}),
            ValueError,
            r"no column 'file' among \['image'\].*BatchPredictor\(model, column='image'\)",
        ),
    ],
)
def test_what_cannot_be_used_is_named(use, error, message, folder, table):
    with pytest.raises(error, match=message):
        use(folder, table)


def test_a_folder_of_a_class_of_the_users_own_is_named_and_the_advice_works(table, tmp_path):
    reg = OwnRegressor(2, **TINY_FAST).fit(table["path"], table["y"])
    reg.save(tmp_path / "own")
    with pytest.raises(
        SavedModelError, match=r"own contains the class OwnRegressor.*YourClass.load"
    ):
        BatchPredictor(tmp_path / "own")(table)
    result = BatchPredictor(OwnRegressor.load(tmp_path / "own"))(table)
    np.testing.assert_array_equal(result["prediction"], reg.predict(table["path"]))


def test_a_model_whose_tower_is_gone_is_named(clip_models, table, tmp_path):
    tower = shutil.copytree(clip_models["clip"].removeprefix("local-dir:"), tmp_path / "tower")
    reg = NumCLIPRegressor(2, **TINY_FAST | {"model_name": f"local-dir:{tower}"})
    reg.fit(table["path"], table["y"]).save(tmp_path / "model")
    shutil.rmtree(tower)
    with pytest.raises((BackboneError, SavedModelError), match="tower"):
        BatchPredictor(tmp_path / "model")(table)


def test_webdataset_shard(reg, pixels, tmp_path):
    """The lines of docs/cluster.md."""
    webdataset = pytest.importorskip("webdataset")
    shard = str(tmp_path / "shard-000.tar")
    with webdataset.TarWriter(shard) as writer:
        for i, image in enumerate(pixels):
            stream = io.BytesIO()
            Image.fromarray(image).save(stream, "PNG")
            writer.write({"__key__": f"{i:03}", "png": stream.getvalue()})
    predictor = BatchPredictor(reg, column="image")
    samples = webdataset.WebDataset(shard, shardshuffle=False).to_tuple("__key__", "jpg;png")
    found = {}
    for keys, images in samples.batched(3):
        pictures = [Image.open(io.BytesIO(image)) for image in images]
        found.update(zip(keys, predictor({"image": pictures})["prediction"], strict=True))
    assert list(found) == [f"{i:03}" for i in range(8)]
    np.testing.assert_allclose(list(found.values()), reg.predict(pixels), rtol=1e-5)


ENGINES = {
    "dask": """
import dask.dataframe as dd
from distributed import Client, LocalCluster
if __name__ == "__main__":
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        with Client(cluster):
            frame = dd.from_pandas(table, npartitions=4)
            result = frame.map_partitions(BatchPredictor({folder!r})).compute()
            save(result)
""",
    "ray": """
import ray
if __name__ == "__main__":
    ray.init(num_cpus=2, include_dashboard=False)
    result = ray.data.from_pandas(table).map_batches(
        BatchPredictor, fn_constructor_args=[{folder!r}], batch_size=3, concurrency=1
    )
    save(result.to_pandas())
""",
}


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_workers_of(engine, folder, reg, table, tmp_path):
    pytest.importorskip({"dask": "distributed"}.get(engine, engine))
    table.to_csv(tmp_path / "table.csv")
    code = """
import pandas as pd
from sknumclip.inference import BatchPredictor
table = pd.read_csv({table!r}, index_col=0)
def save(result):
    result.to_csv({result!r})
"""
    code = (code + ENGINES[engine]).format(
        folder=str(folder), table=str(tmp_path / "table.csv"), result=str(tmp_path / "result.csv")
    )
    (tmp_path / "script.py").write_text(code)
    run_python([tmp_path / "script.py"], timeout=400)
    result = pd.read_csv(tmp_path / "result.csv").sort_values("path")
    np.testing.assert_allclose(result["prediction"], reg.predict(table["path"]), rtol=1e-5)
