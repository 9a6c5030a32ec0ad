"""What a trained network computes, in NumPy alone: no gradients, no PyTorch."""
