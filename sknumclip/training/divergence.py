"""Detect NaN or infinite losses and weights, and suggest the cause."""

import numpy as np
import torch

__all__ = ["check_losses", "check_weights"]


def check_losses(losses, inputs, net, *, training):
    """Raise if a loss of an epoch is NaN or infinite.

    Parameters
    ----------
    losses : ndarray of shape (n_batches, n_losses)
        In the order of the batches.
    inputs : CanvasStore or Tensor of shape (n, n_features)
        The inputs of all batches.
    net : NumCLIPNet
    training : bool
        Whether these are training losses, not validation losses.

    Raises
    ------
    FloatingPointError
        The message names the epoch, the first such batch, the likely cause and the next step.
    """
    wrong = ~np.isfinite(losses)
    if not wrong.any():
        return
    batch = int(np.argmax(wrong.any(axis=1)))
    epoch = len(net.history)
    value = losses[batch][wrong[batch]][0]
    untrained = training and epoch == 1 and batch < net.accumulate_steps
    causes = [] if untrained else [_lower_rates(net)]
    if untrained:
        causes.append("No step had been taken yet, so the learning rates are not the cause.")
    causes += _causes_in_data(inputs, net)
    raise FloatingPointError(
        f"The loss became {value} in epoch {epoch}, batch {batch + 1} of {len(losses)} "
        f"({'training' if training else 'validation'}). {' '.join(causes)}"
    )


def check_weights(state, net):
    """Raise if a weight is NaN or infinite after the last step.

    Parameters
    ----------
    state : dict of str to Tensor
    net : NumCLIPNet

    Raises
    ------
    FloatingPointError
        The message names the weights, the likely cause and the next step.
    """
    names = [name for name, tensor in state.items() if tensor.is_floating_point()]
    # Fetched together, to wait for the GPU only once.
    finite = torch.stack([state[name].isfinite().all() for name in names]).tolist()
    if all(finite):
        return
    wrong = [name for name, is_finite in zip(names, finite, strict=True) if not is_finite]
    raise FloatingPointError(
        f"After epoch {len(net.history)}, {len(wrong)} of {len(names)} weights are not finite, "
        f"among them {wrong[0]!r}. {_lower_rates(net)}"
    )


def _lower_rates(net):
    rates = ", ".join(f"{rate:g} for {name}" for name, rate in net.param_groups.items())
    return (
        "Most likely the learning rates are too high: lower lr and the parameters that end in _lr "
        f"(now {rates})."
    )


def _causes_in_data(inputs, net):
    if net.autocast_dtype is not None:
        yield "Try precision='fp32' in case numbers were too large for bf16."
    if isinstance(inputs, torch.Tensor):
        largest = inputs[inputs.isfinite()].abs().max().item()
        if largest > 1.001:  # larger than any value of a normalized embedding
            yield (
                f"The largest value in X is {largest:g}: if it is far from the others, remove it, "
                "or scale X, with StandardScaler for example."
            )
    yield "A very large sample_weight can also cause this."
