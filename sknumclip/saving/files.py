"""The two files of a saved model, JSON and safetensors, replaced as if they were one."""

import contextlib
import os

from ..machine.files import remove_leftovers, write_whole
from .config import CONFIG_FILE, TENSORS_FILE

__all__ = ["locked", "state_of_files", "tensors_file", "write_files"]


def write_files(folder, config, tensors, sha256):
    """Write both files: whoever reads meanwhile, or after a crash, gets the old model or the new.

    New tensors wait beside the old ones until the JSON that names their hash is there.

    Parameters
    ----------
    folder : Path
        Made if needed.
    config, tensors : bytes
    sha256 : str
        Of `tensors`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    waiting = _waiting_file(folder, sha256)
    with locked(folder, writing=True):
        try:
            write_whole(waiting, tensors)
            write_whole(folder / CONFIG_FILE, config)
        except BaseException:
            waiting.unlink(missing_ok=True)
            raise
        os.replace(waiting, folder / TENSORS_FILE)
        # Of writers that were killed, just now or long ago.
        for file in folder.glob(_waiting_file(folder, "*").name):
            file.unlink(missing_ok=True)
        for name in (CONFIG_FILE, TENSORS_FILE):
            remove_leftovers(folder / name)


def tensors_file(folder, sha256):
    """Return the path of the tensors with this hash: beside the old ones, or in their place."""
    waiting = _waiting_file(folder, sha256)
    return waiting if waiting.is_file() else folder / TENSORS_FILE


def state_of_files(folder):
    """Return what is another thing once another model has been written to a folder."""
    files = sorted((entry.name, entry.inode()) for entry in os.scandir(folder))
    return os.stat(folder).st_mtime_ns, files


def _waiting_file(folder, sha256):
    return folder / TENSORS_FILE.replace(".", f"-{sha256[:16]}.")


@contextlib.contextmanager
def locked(folder, *, writing):
    """Context that one writer at a time can enter for a folder, or any number of readers.

    There is no file that stays. Where locks do not work, on Windows and some network disks,
    readers try again.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX if writing else fcntl.LOCK_SH)
        yield
    finally:
        os.close(handle)
