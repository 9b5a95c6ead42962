"""The fit of frozen features, which is solved instead of trained in epochs."""
