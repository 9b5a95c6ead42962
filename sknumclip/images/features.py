"""Features that were computed before, where a user passes them in the place of images."""

__all__ = ["Features"]


class Features:
    """Rows of features, with what :class:`~sknumclip.images.reading.Images` offers.

    Parameters
    ----------
    items : float32 ndarray of shape (n, n_features)
    """

    are_images = False

    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def name(self, i):
        """Return what to call row `i` in a message."""
        return f"row {i}"

    def add_to(self, digest):
        """Add the features to a hash."""
        digest.update(self.items.tobytes())

    def embeddings(self, embed):
        """Return the features as they are, and that none of them is unreadable."""
        return self.items, {}
