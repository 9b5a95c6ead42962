"""Atomic file writes, and checksums for cache files."""

import contextlib
import errno
import glob
import os
import time
import uuid
import zlib

__all__ = [
    "file_identity",
    "naming_cache_folder",
    "remove_leftovers",
    "with_checksum",
    "without_checksum",
    "write_whole",
]

_CHECKSUM_BYTES = 4
_TICK_NS = 20_000_000


def file_identity(path):
    """Return a key (str) that is another one whenever the file at `path` may be another one.

    It holds where links lead, which file stands there, its size, and when it was last changed:
    not only by the time that programs set as they like (tar, rsync, git), but also by the time
    that the system keeps.

    Raises
    ------
    OSError
        If there is no such file.
    """
    resolved = os.path.realpath(path)
    state = os.stat(resolved)
    # The system's clock ticks, and a file that changed just now may change again before it does.
    if 0 <= (age := time.time_ns() - state.st_ctime_ns) < _TICK_NS:
        time.sleep((_TICK_NS - age) / 1e9)
        state = os.stat(resolved)
    times = f"{state.st_size}\0{state.st_mtime_ns}\0{state.st_ctime_ns}"
    return f"{resolved}\0{state.st_dev}\0{state.st_ino}\0{times}"


def write_whole(file, content, *, durable=False):
    """Write a file beside its place and rename it: there is the old one or the new one.

    Parameters
    ----------
    file : Path
        Its folder is made if needed.
    content : bytes
    durable : bool, default=False
        Whether to wait until it is on the disk, so that it outlives a power cut.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    # Not tempfile's: its files can be read by their owner alone, and models are shared. Not named
    # by process: machines that share a folder have the same numbers.
    temporary = file.with_name(f"{file.name}.{uuid.uuid4().hex}.tmp")
    try:
        with open(temporary, "wb") as stream:
            stream.write(content)
            if durable:
                stream.flush()
                os.fsync(stream.fileno())
        os.replace(temporary, file)
    except BaseException:
        with contextlib.suppress(OSError):  # what stopped the writing matters more
            temporary.unlink()
        raise
    if durable:
        _sync_folder(file.parent)


def remove_leftovers(file, *, min_age=3600.0):
    """Remove what writers of a file left beside it when they were killed.

    Parameters
    ----------
    file : Path
    min_age : float, default=3600.0
        Seconds since its last change after which nobody is still writing.
    """
    for temporary in file.parent.glob(f"{glob.escape(file.name)}.*.tmp"):
        with contextlib.suppress(OSError):  # another process was faster
            if time.time() - temporary.stat().st_mtime > min_age:
                temporary.unlink()


@contextlib.contextmanager
def naming_cache_folder(folder):
    """Context that says in errors of writing to an image cache which folder it is."""
    try:
        yield
    except (OSError, ValueError) as error:
        raise OSError(
            getattr(error, "errno", errno.EINVAL),
            f"The image cache in the folder {str(folder)!r} cannot be written: "
            f"{getattr(error, 'strerror', error)}. Make room, or choose another folder or None for "
            "image_cache",
        ) from error


def with_checksum(content):
    """Return `content` (bytes) with a checksum at its end."""
    return content + _checksum(content)


def without_checksum(content):
    """Return what :func:`with_checksum` was given (bytes or uint8 ndarray), or None if damaged."""
    content, checksum = content[:-_CHECKSUM_BYTES], bytes(content[-_CHECKSUM_BYTES:])
    return content if _checksum(content) == checksum else None


def _checksum(content):
    return zlib.crc32(content).to_bytes(_CHECKSUM_BYTES, "little")


def _sync_folder(folder):
    """Wait until a renaming is on the disk too."""
    if not hasattr(os, "O_DIRECTORY"):  # Windows cannot open folders, and has no need to
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
