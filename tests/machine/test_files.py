"""Atomic file writes."""

import os

import pytest

from sknumclip.machine.files import remove_leftovers, write_whole


@pytest.mark.parametrize("durable", [False, True])
def test_a_file_is_replaced_and_nothing_is_left_beside_it(tmp_path, durable):
    file = tmp_path / "new" / "file"
    for content in (b"first", b"second"):
        write_whole(file, content, durable=durable)
        assert file.read_bytes() == content
    assert list(file.parent.iterdir()) == [file]


def test_others_may_read_it_as_any_new_file(tmp_path):
    (tmp_path / "plain").touch()
    write_whole(tmp_path / "file", b"")
    assert (tmp_path / "file").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    file = tmp_path / "file"
    write_whole(file, b"old")

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(file, b"new")
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


def test_only_old_leftovers_of_the_same_file_are_removed(tmp_path):
    names = ["a.bin", "a.bin.1.tmp", "a.bin.2.tmp", "b.bin.3.tmp"]
    for name in names:
        (tmp_path / name).touch()
    for name in ("a.bin", "a.bin.1.tmp", "b.bin.3.tmp"):
        os.utime(tmp_path / name, (0, 0))
    remove_leftovers(tmp_path / "a.bin")
    assert sorted(f.name for f in tmp_path.iterdir()) == ["a.bin", "a.bin.2.tmp", "b.bin.3.tmp"]
