"""What a token looks like as numbers: vocabularies, features, batches."""
