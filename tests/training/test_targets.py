"""Targets: the label, bin and weight of a sample stay together."""

import numpy as np
import torch

from sknumclip.training.targets import Targets

TARGETS = Targets(torch.tensor([5.0, 15, 25]), torch.tensor([0, 1, 2]), torch.tensor([1.0, 2, 3]))


def as_rows(targets):
    return list(
        zip(targets.y.tolist(), targets.bin_index.tolist(), targets.weight.tolist(), strict=True)
    )


def test_a_batch_has_the_samples_asked_for_in_their_order():
    for indices in (np.array([2, 0]), torch.tensor([2, 0]), [2, 0]):
        batch = TARGETS[indices]
        assert len(batch) == 2
        assert as_rows(batch) == [(25, 2, 3), (5, 0, 1)]


def test_all_three_are_moved_to_a_device_and_the_originals_stay():
    moved = TARGETS.to(torch.device("meta"))
    assert {moved.y.device.type, moved.bin_index.device.type, moved.weight.device.type} == {"meta"}
    assert as_rows(TARGETS)[0] == (5, 0, 1)
