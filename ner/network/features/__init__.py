"""The torch twin of each feature: what makes vectors, or scores, of its numbers."""
