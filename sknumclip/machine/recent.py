"""RecentlyUsed: what was used last in this process, up to a number of bytes."""

from collections import OrderedDict
from threading import Lock

__all__ = ["RecentlyUsed"]


class RecentlyUsed:
    """Values with an attribute `nbytes`, by key; those that were not used for longest go first."""

    def __init__(self, max_bytes):
        self.max_bytes = max_bytes
        self._values = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def get(self, key):
        """Return the value of `key`, or None."""
        with self._lock:
            value = self._values.get(key)
            if value is not None:
                self._values.move_to_end(key)
            return value

    def put(self, key, value):
        """Keep `value`, unless `key` has one or it alone is too large."""
        if value.nbytes > self.max_bytes:
            return
        with self._lock:
            if key not in self._values:
                self._values[key] = value
                self._bytes += value.nbytes
            while self._bytes > self.max_bytes:
                self._bytes -= self._values.popitem(last=False)[1].nbytes

    def clear(self):
        """Remove all values."""
        with self._lock:
            self._values.clear()
            self._bytes = 0
