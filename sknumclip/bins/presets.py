"""Preset bins for the paper's tasks, and generic descriptions for quantile bins."""

from typing import Any

__all__ = ["GENERIC_DESCRIPTIONS", "PRESETS"]

PRESETS: dict[str, dict[str, Any]] = {
    # The five concepts of the paper. The last bin is extended to the oldest human ages, but keeps
    # the center of the paper's range (65 to 101).
    "age": dict(
        descriptions=("child", "teenager", "young adult", "middle adult", "older adult"),
        edges=(0, 13, 19, 35, 65, 121),
        centers=(6.5, 16, 27, 50, 83),
    ),
    # Finer: on faces more accurate than the paper's with few images, slightly less with many.
    "age_fine": dict(
        descriptions=(
            "baby",
            "toddler",
            "child",
            "teenager",
            "person in their twenties",
            "person in their thirties",
            "middle-aged person",
            "person in their sixties",
            "elderly person",
        ),
        edges=(0, 2, 5, 13, 20, 30, 40, 55, 70, 121),
        centers=(1, 3.5, 9, 16.5, 25, 35, 47.5, 62.5, 80),
    ),
    "decade": dict(
        descriptions=("1930s", "1940s", "1950s", "1960s", "1970s"),
        edges=(1930, 1940, 1950, 1960, 1970, 1980),
    ),
    "aesthetics": dict(
        descriptions=("unacceptable", "flawed", "ordinary", "professional", "exceptional"),
        edges=(0.5, 1.5, 2.5, 3.5, 4.5, 5.5),
    ),
}

GENERIC_DESCRIPTIONS = {
    2: ("low", "high"),
    3: ("low", "medium", "high"),
    4: ("very low", "low", "high", "very high"),
    5: ("very low", "low", "medium", "high", "very high"),
    6: ("extremely low", "very low", "low", "high", "very high", "extremely high"),
    7: ("extremely low", "very low", "low", "medium", "high", "very high", "extremely high"),
}
