"""The order of the examples in the gallery."""


class PlotsFirst:
    """Sort the examples that run, by number, before the scripts that are only shown."""

    def __init__(self, src_dir):
        self.src_dir = src_dir

    def __call__(self, filename):
        return not filename.startswith("plot_"), filename

    def __repr__(self):
        return "<PlotsFirst>"
