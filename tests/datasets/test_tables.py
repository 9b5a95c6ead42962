import pytest
from PIL import Image

from sknumclip.datasets._tables import images_below, images_by_stem, some


@pytest.fixture
def folder(tmp_path):
    for name in ("b/2.JPG", "a/1.png", "a/notes.txt", "a/._1.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        if "notes" in name or "._" in name:
            (tmp_path / name).write_text("not an image")
        else:
            Image.new("RGB", (4, 4)).save(tmp_path / name)
    return tmp_path


def test_images_are_found_in_order_whatever_their_case(folder):
    assert images_below(folder) == [folder / "a" / "1.png", folder / "b" / "2.JPG"]


def test_names_lead_to_images(folder):
    assert images_by_stem(folder) == {"1": folder / "a" / "1.png", "2": folder / "b" / "2.JPG"}


def test_two_images_of_one_name_are_not_told_apart_by_guessing(folder):
    Image.new("RGB", (4, 4)).save(folder / "b" / "1.jpg")
    with pytest.raises(ValueError, match=r"two images of the same name: .*1.png and .*1.jpg"):
        images_by_stem(folder)


def test_long_lists_are_cut_and_say_so():
    assert some([1, 2, 3]) == "1, 2, 3"
    assert some(list("abcdefg")) == "a, b, c, d, e and 2 more"
