"""Pretrained encoders for whoever reads with one: what runs them is imported once the first is asked for."""

from ner.features.pretrained import PretrainedEncoder
from ner.features.transformer_files import TransformerFiles


def load_encoder(files: TransformerFiles, device: str, bf16: bool) -> PretrainedEncoder:
    """The encoder of these files in memory, as `network.transformer.load_transformer` gives it; a `LoadEncoder`."""
    from ner.network.transformer import load_transformer

    return load_transformer(files, device, bf16)
