"""Writing files so that nobody ever reads half of one."""

import os
import threading

__all__ = ["write_whole"]


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
    # Not tempfile's: its files can be read by their owner alone, and models are shared.
    temporary = file.with_name(f"{file.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        with open(temporary, "wb") as stream:
            stream.write(content)
            if durable:
                stream.flush()
                os.fsync(stream.fileno())
        os.replace(temporary, file)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
