"""From sentences to spans: batches, windows, words kept, decoding."""
