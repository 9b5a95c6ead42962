"""progress_bar(): tqdm for terminals, notebooks and logs."""

import sys
from importlib.util import find_spec

from tqdm import tqdm

__all__ = ["progress_bar"]

DELAY = 2  # seconds; shorter work shows no bar
LOG_INTERVAL = 60  # seconds between lines where there is no terminal


def progress_bar(total, unit, *, verbose=True, leave=False, initial=0, desc=None):
    """Return a tqdm bar that appears after two seconds, or never if `verbose` is false.

    Without a terminal (a log file, a batch job), it prints one line a minute.
    """
    options = dict(total=total, unit=unit, initial=initial, desc=desc, leave=leave, delay=DELAY)
    if not verbose:  # otherwise left to the environment variable TQDM_DISABLE
        options["disable"] = True
    in_notebook = _in_notebook()
    if in_notebook and find_spec("ipywidgets"):
        from tqdm.notebook import tqdm as notebook_tqdm

        return notebook_tqdm(**options)
    if not in_notebook and not sys.stderr.isatty():
        lines = _Lines(sys.stderr)
        options |= dict(file=lines, mininterval=LOG_INTERVAL, maxinterval=LOG_INTERVAL, ncols=80)
    return tqdm(**options)


def _in_notebook():
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return shell is not None and "IPKernelApp" in shell.config


class _Lines:
    """Write each state of a bar as a line, in the place of going back to the line's start."""

    def __init__(self, file):
        self.file = file
        self.last = ""

    def write(self, text):
        """Write what a bar shows, if it is new."""
        text = text.strip()
        if text not in ("", self.last):
            self.file.write(text + "\n")
            self.last = text

    def flush(self):
        """Flush the file."""
        self.file.flush()
