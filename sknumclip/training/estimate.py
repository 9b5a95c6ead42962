"""Estimate how long training takes, and say so early if it is long."""

import math
import time

from skorch.callbacks import Callback
from tqdm import tqdm

__all__ = ["TimeEstimate"]

N_WARM_UP = 2  # steps that take longer: memory is allocated, kernels are chosen
N_TIMED = 3
LONG = 10 * 60  # seconds
FASTER = (
    "Faster ways: fine_tune='none' trains no image tower and takes no longer than one epoch; "
    "max_epochs=15 is often enough; model_name='ViT-B-32' takes a quarter of the time of "
    "'ViT-B-16'. Ctrl-C ends training and keeps what has been learned."
)


class TimeEstimate(Callback):
    """After the first steps, print the expected time of a long fit, and how to shorten it.

    Parameters
    ----------
    steps_per_epoch : int
    always : bool, default=False
        Whether to print the expected time of a short fit too.
    """

    def __init__(self, steps_per_epoch, always=False):
        self.steps_per_epoch = steps_per_epoch
        self.always = always

    def initialize(self):
        """Start counting steps."""
        self.n_steps, self.started = 0, 0.0
        return self

    def on_batch_end(self, net, training=False, **kwargs):
        """Time the first steps after the warm-up."""
        if not training or net.module_.is_frozen or self.n_steps > N_WARM_UP + N_TIMED:
            return
        self.n_steps += 1
        if self.n_steps == N_WARM_UP:
            self.started = time.monotonic()
        elif self.n_steps == N_WARM_UP + N_TIMED:
            per_step = (time.monotonic() - self.started) / N_TIMED
            n_epochs = net.max_epochs - len(net.history) + 1
            is_long = per_step * self.steps_per_epoch * n_epochs >= LONG
            if is_long or self.always:
                message = expected(per_step, self.steps_per_epoch, n_epochs, net.device)
                tqdm.write(message + is_long * f" {FASTER}")


def expected(per_step, n_steps, n_epochs, device):
    """Say how long a fit takes whose steps take `per_step` seconds."""
    return (
        f"Training will take about {_duration(per_step * n_steps * n_epochs)} on {device}: "
        f"{n_epochs} epoch{'s' * (n_epochs > 1)} of {n_steps} steps, {per_step:.2g} s each."
    )


def _duration(seconds):
    if seconds < 90:
        return f"{math.ceil(seconds)} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
