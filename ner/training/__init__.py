"""How a model comes to be: epochs, optimizer, checkpoints, calibration, several runs."""
