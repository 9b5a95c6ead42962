"""Data-parallel communication through accelerate; a single process needs none."""

import contextlib
import os

import numpy as np
import torch

__all__ = ["ONE_PROCESS", "Processes"]

_ROWS_AT_ONCE = 16384


class Processes:
    """This process among all that run the same code.

    Samples are dealt out like cards: of a batch of all processes, number `index` gets the samples
    at ``index, index + n, index + 2 * n`` and so on. Put together again, they are in their order.

    Parameters
    ----------
    accelerator : accelerate.Accelerator or None, default=None
        None is a process of its own.

    Raises
    ------
    ValueError
        If the accelerator is set up for what training does not do.
    """

    def __init__(self, accelerator=None):
        self.accelerator = accelerator
        self.n, self.index = 1, 0
        if accelerator is not None:
            _check_accelerator(accelerator)
            self.n, self.index = accelerator.num_processes, accelerator.process_index
        self.is_main = self.index == 0
        # How many share the memory and the cores of this machine.
        self.n_local = min(self.n, int(os.environ.get("LOCAL_WORLD_SIZE", self.n)))

    def part(self, order):
        """Take this process's share of an ndarray."""
        return order[self.index :: self.n]

    def equal_part(self, order):
        """As :meth:`part`, but of the same length in all processes: one element may be a filler."""
        part = self.part(order)
        is_short = len(part) * self.n < len(order)
        return np.append(part, order[:1]) if is_short else part

    def all_rows(self, rows, n_rows):
        """Put the rows of all processes together.

        Parameters
        ----------
        rows : Tensor of shape (n, width)
            One for each element of :meth:`equal_part`.
        n_rows : int
            How many there are without fillers.

        Returns
        -------
        Tensor of shape (n_rows, width)
            Gradients flow to this process's own rows only.
        """
        if self.n == 1:
            return rows
        parts = list(self.accelerator.gather(rows.detach()).unflatten(0, (self.n, -1)))
        parts[self.index] = rows
        return torch.stack(parts, dim=1).flatten(0, 1)[:n_rows]

    def all_features(self, features, n_rows):
        """Put the rows of all processes together, as many at a time as a device has room for.

        Parameters
        ----------
        features : float32 ndarray of shape (n, width)
            One for each element of :meth:`part`.
        n_rows : int
            How many there are in all.

        Returns
        -------
        float32 ndarray of shape (n_rows, width)
        """
        if self.n == 1:
            return features
        everything = np.empty((n_rows, features.shape[1]), dtype=np.float32)
        for start in range(0, n_rows, _ROWS_AT_ONCE * self.n):
            chunk = everything[start : start + _ROWS_AT_ONCE * self.n]
            own = torch.zeros(-(-len(chunk) // self.n), features.shape[1])
            piece = features[start // self.n :][: len(self.part(chunk))]
            own[: len(piece)] = torch.from_numpy(piece)
            chunk[:] = self.all_rows(own.to(self.accelerator.device), len(chunk)).cpu()
        return everything

    def all_objects(self, mine):
        """Return every process's object, a list of length `n`."""
        if self.n == 1:
            return [mine]
        from accelerate.utils import gather_object

        return gather_object([mine])

    def mean(self, values):
        """Average a tensor over all processes; they get the same bits."""
        return values if self.n == 1 else self.accelerator.reduce(values, "mean")

    def from_main(self, compute):
        """Let the main process compute something for all; what it raises, all raise."""
        if self.n == 1:
            return compute()
        from accelerate.utils import broadcast_object_list

        result, error = None, None
        if self.is_main:
            try:
                result = compute()
            except Exception as raised:
                error = raised
        result, error = broadcast_object_list([result, error])
        if error is not None:
            raise error
        return result

    def main_first(self):
        """Context in which the main process of each machine goes first, so that it downloads."""
        if self.n == 1:
            return contextlib.nullcontext()
        return self.accelerator.local_main_process_first()

    def check_same(self, digest, what):
        """Raise ValueError unless all processes have the same digest of `what` (str, a plural)."""
        if len(set(self.all_objects(digest))) > 1:
            raise ValueError(
                f"{what} differ between the {self.n} processes. Pass all of them to every process: "
                "fit and predict deal them out themselves."
            )


ONE_PROCESS = Processes()


def _check_accelerator(accelerator):
    if accelerator.mixed_precision != "no":
        raise ValueError(
            f"accelerator has mixed_precision={accelerator.mixed_precision!r}; precision is set by "
            "the estimator. Use Accelerator(mixed_precision='no') and precision='bf16' or 'auto'."
        )
    if accelerator.gradient_accumulation_steps != 1:
        raise ValueError(
            "accelerator has gradient_accumulation_steps="
            f"{accelerator.gradient_accumulation_steps}. Use the estimator's accumulate_steps."
        )
    kind = getattr(accelerator.distributed_type, "value", accelerator.distributed_type)
    if kind in ("FSDP", "DEEPSPEED", "MEGATRON_LM", "TP"):
        raise ValueError(
            f"accelerator is set up for {kind}, which cuts the model in pieces. Here every process "
            "needs all of it: use plain data-parallel training (`accelerate launch --multi_gpu`)."
        )
