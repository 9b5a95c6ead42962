"""RecentlyUsed: keeps what was used last, and not more than it may."""

import numpy as np

from sknumclip.machine.recent import RecentlyUsed


def test_what_was_not_used_for_longest_goes_first():
    recent = RecentlyUsed(max_bytes=24)
    for key in "abc":
        recent.put(key, np.zeros(1))
    recent.get("a")
    recent.put("d", np.zeros(1))
    assert [key for key in "abcd" if recent.get(key) is not None] == ["a", "c", "d"]


def test_what_is_too_large_is_not_kept_and_displaces_nothing():
    recent = RecentlyUsed(max_bytes=24)
    recent.put("b", np.zeros(1))
    recent.put("a", np.zeros(100))
    assert recent.get("a") is None
    assert recent.get("b") is not None


def test_it_forgets():
    recent = RecentlyUsed(max_bytes=24)
    recent.put("a", np.zeros(1))
    recent.clear()
    assert recent.get("a") is None
