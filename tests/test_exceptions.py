"""ImageReadError: names, reasons and the next step; pickling."""

import pickle

from sknumclip.exceptions import ImageReadError


def test_names_that_cannot_be_printed_are_quoted():
    message = str(ImageReadError({"caf\udce9.jpg": "no such file", "a\nb.jpg": "no"}, 2))
    message.encode()
    assert r"'a\nb.jpg': no" in message


def test_the_error_names_images_and_a_next_step_and_can_be_pickled():
    error = ImageReadError({f"{i}.jpg": "no such file" for i in range(30)}, 100)
    message = str(pickle.loads(pickle.dumps(error)))
    assert "30 of 100" in message
    assert "0.jpg: no such file" in message
    assert "and 10 more" in message
    assert "on_error='skip'" in message


def test_if_no_name_has_a_file_the_folder_is_missing():
    why = "no such file in /home/me"
    none = ImageReadError({"1.jpg": why, "2.jpg": why}, 2)
    assert "Put their folder before the names, as in 'photos/' + table['file']" in str(none)
    for others in (ImageReadError({"1.jpg": why}, 2), ImageReadError({"1.jpg": why}, 1)):
        assert "Remove or replace them" in str(others)
