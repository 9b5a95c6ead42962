"""Files of a saved model: replace JSON and safetensors together, atomically."""

import contextlib
import os

from ..machine.files import remove_leftovers, write_whole
from .config import CONFIG_FILE, TENSORS_FILE

__all__ = ["locked", "state_of_files", "tensors_file", "write_files"]


def write_files(folder, config, tensors, sha256):
    """Write both files so that a reader always gets the old model or the new one, even in a crash.

    The new tensors stay beside the old ones until the JSON with their hash is written.

    Parameters
    ----------
    folder : Path
        Created if needed.
    config, tensors : bytes
    sha256 : str
        Hash of `tensors`.
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
        # Leftovers of writers that were killed.
        for file in folder.glob(_waiting_file(folder, "*").name):
            file.unlink(missing_ok=True)
        for name in (CONFIG_FILE, TENSORS_FILE):
            remove_leftovers(folder / name)


def tensors_file(folder, sha256):
    """Return the path of the tensors with this hash: the new file, or the one that replaced it."""
    waiting = _waiting_file(folder, sha256)
    return waiting if waiting.is_file() else folder / TENSORS_FILE


def state_of_files(folder):
    """Return a value that changes whenever another model is written to the folder."""
    files = sorted((entry.name, entry.inode()) for entry in os.scandir(folder))
    return os.stat(folder).st_mtime_ns, files


def _waiting_file(folder, sha256):
    return folder / TENSORS_FILE.replace(".", f"-{sha256[:16]}.")


@contextlib.contextmanager
def locked(folder, *, writing):
    """Lock a folder, as a context: for one writer, or any number of readers.

    It leaves no lock file. On systems without such locks (Windows, some network disks) it does
    nothing, and readers retry.
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
