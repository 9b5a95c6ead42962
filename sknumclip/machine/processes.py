"""Data-parallel communication through accelerate; a single process needs none."""

import contextlib
import os

import numpy as np
import torch

__all__ = ["ONE_PROCESS", "Processes"]

_ROWS_AT_ONCE = 16384


class Processes:
    """The processes that run the same code, and the index of this one.

    Samples are distributed round-robin: process `index` gets the samples at ``index, index + n,
    index + 2 * n`` and so on. When gathered, they are in the original order.

    Parameters
    ----------
    accelerator : accelerate.Accelerator or None, default=None
        None is a single process.

    Raises
    ------
    ValueError
        If the accelerator is set up for something that training does not support.
    """

    def __init__(self, accelerator=None):
        self.accelerator = accelerator
        self.n, self.index = 1, 0
        if accelerator is not None:
            _check_accelerator(accelerator)
            self.n, self.index = accelerator.num_processes, accelerator.process_index
        self.is_main = self.index == 0
        # Number of processes that share the memory and the cores of this machine.
        self.n_local = min(self.n, int(os.environ.get("LOCAL_WORLD_SIZE", self.n)))

    def part(self, order):
        """Return this process's share of an ndarray."""
        return order[self.index :: self.n]

    def equal_part(self, order):
        """Like :meth:`part`, but of equal length in all processes: the last may be a filler."""
        part = self.part(order)
        is_short = len(part) * self.n < len(order)
        return np.append(part, order[:1]) if is_short else part

    def all_rows(self, rows, n_rows):
        """Gather the rows of all processes.

        Parameters
        ----------
        rows : Tensor of shape (n, width)
            One for each element of :meth:`equal_part`.
        n_rows : int
            Total number of rows without fillers.

        Returns
        -------
        Tensor of shape (n_rows, width)
            Gradients flow only to this process's own rows.
        """
        if self.n == 1:
            return rows
        parts = list(self.accelerator.gather(rows.detach()).unflatten(0, (self.n, -1)))
        parts[self.index] = rows
        return torch.stack(parts, dim=1).flatten(0, 1)[:n_rows]

    def all_features(self, features, n_rows):
        """Gather the rows of all processes in chunks that fit on a device.

        Parameters
        ----------
        features : float32 ndarray of shape (n, width)
            One row for each element of :meth:`part`.
        n_rows : int
            Total number of rows.

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
        """Average a tensor over all processes; all get bitwise the same result."""
        return values if self.n == 1 else self.accelerator.reduce(values, "mean")

    def from_main(self, compute):
        """Compute something in the main process for all; all raise the same exception."""
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
        """Return a context that the main process of each machine enters first, to download."""
        if self.n == 1:
            return contextlib.nullcontext()
        return self.accelerator.local_main_process_first()

    def check_same(self, digest, what):
        """Raise ValueError unless `digest` is the same in all processes; `what` is a plural."""
        if len(set(self.all_objects(digest))) > 1:
            raise ValueError(
                f"{what} differ between the {self.n} processes. Pass all of them to every process: "
                "fit and predict distribute them."
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
            f"accelerator is set up for {kind}, which splits the model. Here every process needs "
            "the whole model: use plain data-parallel training (`accelerate launch --multi_gpu`)."
        )
