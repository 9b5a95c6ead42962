"""Training in epochs: batches, net, loop, checkpoints, callbacks."""
