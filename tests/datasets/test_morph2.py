import numpy as np
import pytest
from PIL import Image

from sknumclip.datasets import load_morph2

# Three people, two images each.
FOLDS = {
    "morph_D_00.txt": [("070081_2F36.JPG", 36), ("070081_3F37.JPG", 37)],
    "morph_D_01.txt": [("332200_02M32.JPG", 32), ("332200_00M31.JPG", 31)],
    "morph_D_02.txt": [("068688_0M44.JPG", 44), ("068688_10M45.JPG", 45)],
}


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / "MORPH" / "Album2"
    folder.mkdir(parents=True)
    for rows in FOLDS.values():
        for name, _ in rows:
            Image.new("RGB", (4, 4)).save(folder / name)
    return tmp_path / "MORPH"


@pytest.fixture
def lists(tmp_path):
    folder = tmp_path / "settingD"
    folder.mkdir()
    for file, rows in FOLDS.items():
        lines = [f"../../datasets/Morph/image/{name} {age}" for name, age in rows]
        (folder / file).write_text("\n".join(lines) + "\n\n")
    return folder


def test_a_folder_of_lists_becomes_folds(images, lists):
    data = load_morph2(images, lists, setting="D")
    np.testing.assert_array_equal(data.y, [36, 37, 32, 31, 44, 45])
    np.testing.assert_array_equal(data.folds, [0, 0, 1, 1, 2, 2])
    np.testing.assert_array_equal(data.groups, [70081, 70081, 332200, 332200, 68688, 68688])
    assert data.paths[3] == str(images / "Album2" / "332200_00M31.JPG")
    assert data.split is None
    assert "Setting D" in data.DESCR


def test_files_become_folds_in_their_order(images, lists):
    files = [lists / "morph_D_02.txt", str(lists / "morph_D_00.txt")]
    data = load_morph2(images, files, setting="C")
    np.testing.assert_array_equal(data.y, [44, 45, 36, 37])
    np.testing.assert_array_equal(data.folds, [0, 0, 1, 1])


def test_named_lists_become_a_split(images, lists):
    files = {"train": lists / "morph_D_01.txt", "test": lists / "morph_D_00.txt"}
    data = load_morph2(images, files)
    assert list(data.split) == ["train", "train", "test", "test"]
    assert data.folds is None


def test_people_must_be_apart_in_setting_d_only(images, lists):
    (lists / "morph_D_00.txt").write_text("070081_2F36.JPG 36\n")
    (lists / "morph_D_02.txt").write_text("070081_3F37.JPG 37\n")
    with pytest.raises(ValueError, match="share the people 70081.* another setting"):
        load_morph2(images, lists, setting="D")
    assert len(load_morph2(images, lists, setting="C").y) == 4


def test_an_image_in_two_lists_is_an_error(images, lists):
    with (lists / "morph_D_01.txt").open("a") as file:
        file.write("image/070081_2F36.JPG 36\n")
    with pytest.raises(ValueError, match="listed twice: 070081_2F36.JPG"):
        load_morph2(images, lists)


def test_missing_images_are_listed(images, lists):
    (images / "Album2" / "068688_0M44.JPG").unlink()
    with pytest.raises(FileNotFoundError, match="1 of the 6 images .*068688_0M44.JPG"):
        load_morph2(images, lists)
    with pytest.warns(UserWarning, match="1 of the 6"):
        assert len(load_morph2(images, lists, on_missing="skip").paths) == 5


@pytest.mark.parametrize("line", ["070081_2F36.JPG", "070081_2F36.JPG old", "cat.jpg 3"])
def test_lines_that_cannot_be_read_are_shown(images, lists, line):
    with (lists / "morph_D_01.txt").open("a") as file:
        file.write(line)
    with pytest.raises(ValueError, match=f"Line 4 of .*morph_D_01.txt .* Got '{line}'"):
        load_morph2(images, lists)


def test_lists_that_are_not_there_say_where_to_get_them(images, tmp_path):
    with pytest.raises(FileNotFoundError, match="no split list .*settingA/0.txt. .*L2RCLIP"):
        load_morph2(images, [tmp_path / "settingA" / "0.txt"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="no split lists in .*empty"):
        load_morph2(images, tmp_path / "empty")
    with pytest.raises(FileNotFoundError, match="no split lists in {}"):
        load_morph2(images, {})


def test_unknown_settings_are_refused(images, lists):
    with pytest.raises(ValueError, match="setting must be 'A', 'B', 'C', 'D' or None. Got 'E'"):
        load_morph2(images, lists, setting="E")
