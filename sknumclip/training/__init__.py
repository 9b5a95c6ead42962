"""The training loop: batches, net, checkpoints, callbacks."""
