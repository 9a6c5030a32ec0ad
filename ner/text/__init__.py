"""Text and labels, without tensors: sentences, tags, tokenizer, column files, corpora, vocabularies."""
