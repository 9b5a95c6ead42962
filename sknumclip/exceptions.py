"""Exceptions that users may want to catch."""

__all__ = ["BackboneError", "ImageReadError", "SavedModelError"]


class BackboneError(RuntimeError):
    """Raised if a CLIP model cannot be built or its weights cannot be loaded."""


class ImageReadError(ValueError):
    """Raised if images cannot be read; lists all of them.

    Parameters
    ----------
    failures : dict of str to str
        Reason for each unreadable image, by file name or position.
    n_images : int
        Number of all images.
    n_failures : int, default=None
        Number of unreadable images, if larger than ``len(failures)`` because an image occurs more
        than once.
    """

    def __init__(self, failures, n_images, n_failures=None):
        super().__init__(failures, n_images, n_failures)  # pickle passes these to __init__
        self.failures = failures
        self.n_images = n_images
        self.n_failures = len(failures) if n_failures is None else n_failures

    def __str__(self):
        lines = [f"  {_printable(name)}: {why}" for name, why in self.failures.items()]
        if len(lines) > 20:
            lines[20:] = [f"  … and {len(lines) - 20} more, all in the `failures` attribute"]
        different = len(self.failures)
        return (
            f"{self.n_failures} of {self.n_images} images in X cannot be read"
            + (f", {different} different ones" if different < self.n_failures else "")
            + ":\n"
            + "\n".join(lines)
            + "\n"
            + self._advice()
        )

    def _advice(self):
        is_missing = [why.startswith("no such file in ") for why in self.failures.values()]
        if all(is_missing) and self.n_failures == self.n_images > 1:
            return "Put their folder before the names, as in 'photos/' + table['file']."
        return "Remove or replace them, or leave them out with on_error='skip'."


def _printable(name):
    return name if name.isprintable() else repr(name)  # a legacy encoding, a line break


class SavedModelError(ValueError):
    """Raised if a saved model cannot be read: damaged, of another program or another format."""
