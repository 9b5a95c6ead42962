import numpy as np
import pandas as pd
import pytest
from datasets_shared import draw
from factories import FACES

from sknumclip.datasets import load_adience, load_fgnet, load_utkface


class TestUTKFace:
    def test_ages_are_in_the_names(self, tmp_path):
        draw(tmp_path / "UTKFace" / "26_0_2_20170104023102422.jpg.chip.jpg")
        draw(tmp_path / "UTKFace" / "110_1_4_20170110122858587.jpg.chip.jpg")
        data = load_utkface(tmp_path)
        by_age = np.argsort(data.y)
        np.testing.assert_array_equal(data.y[by_age], [26, 110])
        np.testing.assert_array_equal(data.gender[by_age], [0, 1])
        np.testing.assert_array_equal(data.race[by_age], [2, 4])
        assert data.groups is data.folds is data.split is None
        assert "non-commercial" in data.DESCR

    @pytest.mark.parametrize(
        ("name", "age", "gender", "race"),
        [
            ("61_1_20170109142408075.jpg.chip.jpg", 61, 1, -1),
            ("61_3_20170109150557335.jpg.chip.jpg", 61, -1, 3),
            ("53__0_20170116184028385.jpg", 53, -1, 0),
            ("24_0_1_20170116220224657 .jpg.chip.jpg", 24, 0, 1),
        ],
    )
    def test_the_published_names_that_leave_something_out(self, tmp_path, name, age, gender, race):
        draw(tmp_path / name)
        data = load_utkface(tmp_path)
        assert (data.y[0], data.gender[0], data.race[0]) == (age, gender, race)

    def test_a_table_comes_first(self, tmp_path):
        draw(tmp_path / "images" / "a.jpg")
        draw(tmp_path / "images" / "b.jpg")
        rows = [
            "file,age,gender,race,split",
            "images/b.jpg,7,0,2,test",
            "images/a.jpg,40,1,0,train",
        ]
        (tmp_path / "labels.csv").write_text("\n".join(rows))
        data = load_utkface(tmp_path)
        assert data.paths == [
            str(tmp_path / "images" / "b.jpg"),
            str(tmp_path / "images" / "a.jpg"),
        ]
        np.testing.assert_array_equal(data.y, [7, 40])
        np.testing.assert_array_equal(data.gender, [0, 1])
        assert list(data.split) == ["test", "train"]

    def test_names_in_the_table_are_text_and_what_is_left_out_is_marked(self, tmp_path):
        draw(tmp_path / "007")
        draw(tmp_path / "7")
        rows = ["file,age,gender,split", "007,7,,NA,", "7,40,1,null,"]
        (tmp_path / "labels.csv").write_text("\n".join(rows))
        data = load_utkface(tmp_path)
        assert data.paths == [str(tmp_path / "007"), str(tmp_path / "7")]
        assert data.gender.tolist() == [-1, 1]
        assert data.split.tolist() == ["NA", "null"]

    def test_a_table_that_names_missing_images(self, tmp_path):
        (tmp_path / "labels.csv").write_text("file,age\nimages/b.jpg,7\n")
        with pytest.raises(FileNotFoundError, match="1 of the 1 images .*labels.csv.*b.jpg"):
            load_utkface(tmp_path)

    def test_other_images_are_named(self, tmp_path):
        draw(tmp_path / "26_0_2_20170104023102422.jpg")
        draw(tmp_path / "cat.jpg")
        with pytest.raises(ValueError, match="1 images with unexpected names: cat.jpg. .*http"):
            load_utkface(tmp_path)

    def test_an_empty_folder_says_what_it_must_hold(self, tmp_path):
        with pytest.raises(ValueError, match="no images at all. .*26_0_2_20170104023102422"):
            load_utkface(tmp_path)

    @pytest.mark.skipif(
        not FACES.is_dir(), reason="set SKNUMCLIP_REAL_DATA to a folder with utkface-dev"
    )
    def test_real_names_agree_with_the_table(self):
        table = load_utkface(FACES)
        names = load_utkface(FACES / "images")
        assert len(table.paths) == len(pd.read_csv(FACES / "labels.csv"))
        rows = {path: i for i, path in enumerate(names.paths)}
        order = [rows[path] for path in table.paths]
        np.testing.assert_array_equal(table.y, names.y[order])
        np.testing.assert_array_equal(table.gender, names.gender[order])
        np.testing.assert_array_equal(table.race, names.race[order])
        assert set(table.split) == {"train", "test"}


@pytest.mark.filterwarnings("ignore:FG-NET has 1002")
class TestFGNET:
    def test_person_and_age_are_in_the_names(self, tmp_path):
        for name in ("001A02.JPG", "001A43a.JPG", "001A43b.JPG", "082A00.JPG"):
            draw(tmp_path / "images" / name)
        data = load_fgnet(tmp_path)
        np.testing.assert_array_equal(data.y, [2, 43, 43, 0])
        np.testing.assert_array_equal(data.groups, [1, 1, 1, 82])
        np.testing.assert_array_equal(data.folds, [0, 0, 0, 1])

    def test_other_images_are_named(self, tmp_path):
        draw(tmp_path / "001A02.JPG")
        draw(tmp_path / "thumbnail.jpg")
        with pytest.raises(ValueError, match="unexpected names: thumbnail.jpg. .*FGNET.zip"):
            load_fgnet(tmp_path)


def test_an_incomplete_fgnet_warns(tmp_path):
    draw(tmp_path / "001A02.JPG")
    with pytest.warns(UserWarning, match="FG-NET has 1002 images; .* has 1"):
        load_fgnet(tmp_path)


AGES = {  # as they are written in the published lists
    "(0, 2)": 0,
    "(4, 6)": 1,
    "(8, 12)": 2,
    "13": 2,
    "(15, 20)": 3,
    "(27, 32)": 4,
    "29": 4,
    "(38, 42)": 5,
    "(48, 53)": 6,
    "(60, 100)": 7,
}


def write_adience(folder, ages_of_fold, image="aligned/{}/landmark_aligned_face.{}.{}"):
    columns = ["user_id", "original_image", "face_id", "age", "gender", "x", "y", "dx", "dy"]
    for fold, ages in enumerate(ages_of_fold):
        lines = ["\t".join(columns)]
        for i, age in enumerate(ages):
            user, name = f"3060{fold}@N03", f"{fold}{i}_o.jpg"
            draw(folder / image.format(user, i, name))
            lines.append("\t".join([user, name, str(i), age, "f", "0", "0", "9", "9"]))
        (folder / f"fold_{fold}_data.txt").write_text("\n".join(lines) + "\n")


class TestAdience:
    def test_age_groups_users_and_folds(self, tmp_path):
        labels = list(AGES)
        write_adience(tmp_path, [labels[i::5] for i in range(5)])
        data = load_adience(tmp_path)
        expected = [AGES[label] for i in range(5) for label in labels[i::5]]
        np.testing.assert_array_equal(data.y, expected)
        np.testing.assert_array_equal(data.folds, np.repeat(range(5), 2))
        assert list(data.groups[:3]) == ["30600@N03", "30600@N03", "30601@N03"]
        assert data.paths[1].endswith("aligned/30600@N03/landmark_aligned_face.1.01_o.jpg")

    def test_bins_are_the_groups(self, tmp_path):
        write_adience(tmp_path, [["(0, 2)"], ["(60, 100)"], ["29"], ["13"], ["(4, 6)"]])
        data = load_adience(tmp_path)
        assert data.bins.centers == tuple(range(8))
        words = [data.bins.descriptions[k] for k in data.bins.assign(data.y)]
        assert words[:2] == ["0 to 2 years old", "60 to 100 years old"]
        np.testing.assert_array_equal(data.ages[data.y[2]], [25, 32])
        np.testing.assert_array_equal(data.classes, range(8))

    def test_other_age_labels_are_counted(self, tmp_path):
        others = ["None", "None", "35", "(38, 48)", "(0, 2)"]
        write_adience(tmp_path, [others, ["29"], ["29"], ["29"], ["29"]])
        with pytest.warns(UserWarning, match=r"4 of the 9 faces .*: None \(2\), 35 \(1\)"):
            data = load_adience(tmp_path)
        np.testing.assert_array_equal(data.y, [0, 4, 4, 4, 4])

    def test_faces_that_are_not_aligned(self, tmp_path):
        path = "faces/{}/coarse_tilt_aligned_face.{}.{}"
        write_adience(tmp_path, [["29"]] * 5, path)
        assert len(load_adience(tmp_path, images="faces").paths) == 5
        with pytest.raises(FileNotFoundError, match="5 of the 5 images .*aligned"):
            load_adience(tmp_path)
        with pytest.raises(ValueError, match="images must be 'aligned' or 'faces'. Got 'raw'"):
            load_adience(tmp_path, images="raw")

    def test_a_missing_fold_is_named(self, tmp_path):
        write_adience(tmp_path, [["29"]] * 4)
        with pytest.raises(FileNotFoundError, match="no file .*fold_4_data.txt. .*talhassner"):
            load_adience(tmp_path)
