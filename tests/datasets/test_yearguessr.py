import numpy as np
import pytest
from PIL import Image

from sknumclip.datasets import load_yearguessr


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "csv").mkdir()
    for split, years in {"train": (1250, 1887), "valid": (1931,), "test": (2001,)}.items():
        rows = [f"{year}.jpg,{year},Spain" for year in years]
        (tmp_path / "csv" / f"{split}.csv").write_text("\n".join(["Picture,Year,Country", *rows]))
        for year in years:
            Image.new("RGB", (4, 4)).save(tmp_path / f"{year}.jpg")
    return tmp_path


def test_years_and_split(folder):
    data = load_yearguessr(folder)
    np.testing.assert_array_equal(data.y, [1250, 1887, 1931, 2001])
    assert list(data.split) == ["train", "train", "valid", "test"]
    assert data.paths[1] == str(folder / "1887.jpg")
    assert "CC BY-SA 4.0" in data.DESCR


def test_images_may_lie_deeper_than_the_table_says(folder):
    (folder / "images").mkdir()
    (folder / "2001.jpg").rename(folder / "images" / "2001.jpg")
    assert load_yearguessr(folder).paths[3] == str(folder / "images" / "2001.jpg")


def test_other_columns_are_asked_for(folder):
    for file in (folder / "csv").iterdir():
        file.write_text(file.read_text().replace("Picture,Year", "photo,built"))
    with pytest.raises(ValueError, match=r"train.csv .* the image; .*'photo'.* Pass .* image="):
        load_yearguessr(folder)
    with pytest.raises(ValueError, match="recognized as the year; .*'built'"):
        load_yearguessr(folder, image="photo")
    data = load_yearguessr(folder, image="photo", year="built")
    np.testing.assert_array_equal(data.y, [1250, 1887, 1931, 2001])


def test_a_missing_part_is_named(folder):
    (folder / "csv" / "valid.csv").unlink()
    with pytest.raises(FileNotFoundError, match="no file .*valid.csv. .*huggingface.co"):
        load_yearguessr(folder)


def test_missing_images_are_listed(folder):
    (folder / "1887.jpg").unlink()
    with pytest.raises(FileNotFoundError, match="1 of the 4 images .*1887.jpg"):
        load_yearguessr(folder)


@pytest.mark.parametrize("column", ["Image", "IMAGE_PATH"])
def test_names_of_images_are_text_as_written_however_their_column_is_called(folder, column):
    names = ["007", "7", "1.5"]
    for name in [*names, "1"]:
        Image.new("RGB", (4, 4)).save(folder / f"{name}.jpg")
    rows = [f"{name},{1900 + i}" for i, name in enumerate(names)]
    for file in (folder / "csv").iterdir():
        file.write_text("\n".join([f"{column},Year", *rows]))
    assert load_yearguessr(folder).paths == [str(folder / f"{name}.jpg") for name in 3 * names]
