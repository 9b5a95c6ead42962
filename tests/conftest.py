"""Shared by all tests: one thread count, seeds, no network."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"  # a test that reaches for the network must fail, not wait

import pytest
import torch


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)
