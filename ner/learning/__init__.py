"""How a model comes to be: vectors, batches, prediction, checkpoints, the training loop."""
