"""The network: embeddings, a stacked bidirectional encoder, a conditional random field. Tensors in, tensors out."""
