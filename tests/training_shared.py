"""A callback that notes epochs and may interrupt a fit."""

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
