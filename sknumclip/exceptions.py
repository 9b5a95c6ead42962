"""Errors that users may want to catch."""

__all__ = ["BackboneError", "ImageReadError", "SavedModelError"]


class BackboneError(RuntimeError):
    """A CLIP model cannot be built, or its weights cannot be loaded."""


class ImageReadError(ValueError):
    """Images cannot be read.

    Parameters
    ----------
    failures : dict of str to str
        What is wrong with each image, by file name or position.
    n_images : int
        How many images there are in all.
    n_failures : int, default=None
        How many of them cannot be read, if more than there are names; the same may come again.
    """

    def __init__(self, failures, n_images, n_failures=None):
        super().__init__(failures, n_images, n_failures)  # all, so that it survives pickling
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
            + "\nRemove or replace them, or leave them out with on_error='skip'."
        )


def _printable(name):
    return name if name.isprintable() else repr(name)  # an encoding of old, a line break


class SavedModelError(ValueError):
    """A saved model cannot be read: a file is damaged, foreign, or of another format."""
