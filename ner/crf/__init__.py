"""The conditional random field: sums over tag sequences, the best ones, the probability of a span."""
