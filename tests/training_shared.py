"""A callback that notes epochs and may interrupt a fit, and a comparison of two fits."""

import pandas as pd
import torch
from skorch.callbacks import Callback

EPOCHS_SEEN = []


class Watch(Callback):
    """Note epochs; interrupt one, as Ctrl-C would."""

    def __init__(self, interrupt_at=None):
        self.interrupt_at = interrupt_at

    def on_epoch_end(self, net, **kwargs):
        EPOCHS_SEEN.append(len(net.history))

    def on_batch_end(self, net, **kwargs):
        if len(net.history) == self.interrupt_at:
            raise KeyboardInterrupt


def assert_same_fit(one, other):
    columns = [name for name in one.history_ if name != "dur"]
    pd.testing.assert_frame_equal(one.history_[columns], other.history_[columns], check_exact=True)
    for name, value in one.net_.module_.state_dict().items():
        assert torch.equal(value, other.net_.module_.state_dict()[name]), name
