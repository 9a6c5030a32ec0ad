"""The data doctor: what is in column files, and what looks wrong, before a model is trained on them."""
