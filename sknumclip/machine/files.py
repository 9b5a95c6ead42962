"""Atomic file writes, identities of files, and checksums for cache files."""

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
    """Return a key (str) that changes whenever the file at `path` may have changed.

    It contains the resolved path, device and inode, the size, and the times of the last change:
    mtime, which programs can set (tar, rsync, git), and ctime, which only the system sets.

    Raises
    ------
    OSError
        If there is no such file.
    """
    resolved = os.path.realpath(path)
    state = os.stat(resolved)
    # The system's clock is coarse: a file that changed just now may change again in the same tick.
    if 0 <= (age := time.time_ns() - state.st_ctime_ns) < _TICK_NS:
        time.sleep((_TICK_NS - age) / 1e9)
        state = os.stat(resolved)
    times = f"{state.st_size}\0{state.st_mtime_ns}\0{state.st_ctime_ns}"
    return f"{resolved}\0{state.st_dev}\0{state.st_ino}\0{times}"


def write_whole(file, content, *, durable=False):
    """Write a file atomically, through a temporary file that is renamed.

    Parameters
    ----------
    file : Path
        Its folder is created if needed.
    content : bytes
    durable : bool, default=False
        Whether to wait until it is on the disk, so that it survives a power failure.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    # Not from tempfile, which makes files that only their owner can read. Not named by process id,
    # which may be the same on machines that share a folder.
    temporary = file.with_name(f"{file.name}.{uuid.uuid4().hex}.tmp")
    try:
        with open(temporary, "wb") as stream:
            stream.write(content)
            if durable:
                stream.flush()
                os.fsync(stream.fileno())
        os.replace(temporary, file)
    except BaseException:
        with contextlib.suppress(OSError):  # the original error matters more
            temporary.unlink()
        raise
    if durable:
        _sync_folder(file.parent)


def remove_leftovers(file, *, min_age=3600.0):
    """Remove temporary files that killed writers of a file left behind.

    Parameters
    ----------
    file : Path
    min_age : float, default=3600.0
        Seconds since the last change; younger files may still be in use.
    """
    for temporary in file.parent.glob(f"{glob.escape(file.name)}.*.tmp"):
        with contextlib.suppress(OSError):  # another process may have removed it
            if time.time() - temporary.stat().st_mtime > min_age:
                temporary.unlink()


@contextlib.contextmanager
def naming_cache_folder(folder):
    """Name the folder in errors of writing to an image cache; a context."""
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
    """Return `content` (bytes) with a checksum appended."""
    return content + _checksum(content)


def without_checksum(content):
    """Undo :func:`with_checksum` for bytes or a uint8 ndarray; return None if damaged."""
    content, checksum = content[:-_CHECKSUM_BYTES], bytes(content[-_CHECKSUM_BYTES:])
    return content if _checksum(content) == checksum else None


def _checksum(content):
    return zlib.crc32(content).to_bytes(_CHECKSUM_BYTES, "little")


def _sync_folder(folder):
    """Wait until renaming is on the disk, too."""
    if not hasattr(os, "O_DIRECTORY"):  # not possible on Windows, and not needed
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
