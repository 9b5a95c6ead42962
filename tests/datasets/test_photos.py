import numpy as np
import pytest
from datasets_shared import draw

from sknumclip.datasets import load_historical_color, load_image_aesthetics

DECADES = ["1930s", "1940s", "1950s", "1960s", "1970s"]


@pytest.fixture
def decades(tmp_path):
    """As in the published archive, with four photographs per decade."""
    images = tmp_path / "HistoricalColor-ECCV2012" / "data" / "imgs" / "decade_database"
    for decade in DECADES:
        for i in range(4):
            draw(images / decade / f"{decade}_decade_{i}.jpg")
    return tmp_path


@pytest.mark.filterwarnings("ignore:The dataset has 265")
class TestHistoricalColor:
    def test_labels_are_the_middle_of_the_decade(self, decades):
        data = load_historical_color(decades, n_folds=2)
        assert len(data.paths) == 20
        for path, year in zip(data.paths, data.y, strict=True):
            assert f"{year // 10 * 10}s" in path
        np.testing.assert_array_equal(data.classes, [1935, 1945, 1955, 1965, 1975])
        np.testing.assert_array_equal(data.classes, data.bins.centers)
        np.testing.assert_array_equal(data.bins.assign(data.y), np.repeat(range(5), 4))

    def test_folds_cover_everything_once_with_every_decade(self, decades):
        data = load_historical_color(decades, n_folds=4)
        for fold in range(4):
            assert sorted(data.y[data.folds == fold]) == [1935, 1945, 1955, 1965, 1975]
        again = load_historical_color(decades, n_folds=4)
        np.testing.assert_array_equal(data.folds, again.folds)
        other = load_historical_color(decades, n_folds=4, random_state=1)
        assert not np.array_equal(data.folds, other.folds)

    def test_images_in_one_folder_are_told_apart_by_their_names(self, tmp_path):
        for decade in DECADES:
            for i in range(2):
                draw(tmp_path / "images" / f"{decade}_decade_{i}ab.jpg")
        data = load_historical_color(tmp_path, n_folds=2)
        np.testing.assert_array_equal(np.sort(data.y), np.repeat([1935, 1945, 1955, 1965, 1975], 2))

    def test_missing_decades_are_named(self, decades):
        for path in decades.rglob("1950s_*"):
            path.unlink()
        with pytest.raises(ValueError, match="no images of the 1950s. .*DecadeDatabase.tar"):
            load_historical_color(decades)


def test_an_incomplete_historical_color_warns(decades):
    with pytest.warns(UserWarning, match="265 images per decade; .*1930: 4"):
        load_historical_color(decades, n_folds=2)


@pytest.fixture
def ratings(tmp_path):
    """As published, with photographs in folders by category."""
    rows = [
        ("100", "nature", "3,4,4,5,2"),
        ("200", "animals", "1,1,2,1,1"),
        ("300", "urban", "3,4,3,4,5,2"),
        ("400", "people", "5,5,5,5,4"),
    ]
    for i, category, _ in rows:
        draw(tmp_path / category / f"{i}.jpg")
    table = ["#flickr_photo_id\tcategory\tbeauty_scores", *map("\t".join, rows)]
    (tmp_path / "beauty-icwsm15-dataset.tsv").write_text("\n".join(table))
    return tmp_path


class TestImageAesthetics:
    def test_labels_are_medians_rounded_down(self, ratings):
        data = load_image_aesthetics(ratings)
        np.testing.assert_array_equal(data.y, [4, 1, 3, 5])
        assert list(data.category) == ["nature", "animals", "urban", "people"]
        assert data.paths[2] == str(ratings / "urban" / "300.jpg")

    def test_bins_are_the_words_of_the_grades(self, ratings):
        data = load_image_aesthetics(ratings)
        words = [data.bins.descriptions[k] for k in data.bins.assign(data.y)]
        assert words == ["professional", "unacceptable", "ordinary", "exceptional"]
        np.testing.assert_array_equal(data.classes, [1, 2, 3, 4, 5])

    def test_photographs_that_left_flickr(self, ratings):
        (ratings / "people" / "400.jpg").unlink()
        with pytest.raises(FileNotFoundError, match="1 of the 4 images .*400.jpg"):
            load_image_aesthetics(ratings)
        with pytest.warns(UserWarning, match="1 of the 4"):
            data = load_image_aesthetics(ratings, on_missing="skip")
        np.testing.assert_array_equal(data.y, [4, 1, 3])

    def test_ratings_that_are_no_grades_are_shown(self, ratings):
        file = ratings / "beauty-icwsm15-dataset.tsv"
        file.write_text(file.read_text().replace("5,5,5,5,4", "5,5,6"))
        with pytest.raises(ValueError, match="grades from 1 to 5, .* Got '5,5,6'"):
            load_image_aesthetics(ratings)

    def test_missing_ratings_say_where_they_are(self, ratings):
        (ratings / "beauty-icwsm15-dataset.tsv").unlink()
        with pytest.raises(FileNotFoundError, match="no file .*dataset.tsv. .*beauty-icwsm15/"):
            load_image_aesthetics(ratings)
