"""A BERT of random weights, made in a moment: what any encoder of `transformers` has, in small."""

from pathlib import Path

import pytest

# Whole words and pieces of the tiny corpus, of Chinese, and letters, so that any English word has pieces.
WORDS = ["anna", "lee", "lives", "in", "rome", "is", "old", "bob", "met", "the", "town", "of", "new", "york", "."]
CHINESE = list("王小明在北京住的人")
LETTERS = [letter for each in "abcdefghijklmnopqrstuvwxyz0123456789" for letter in (each, f"##{each}")]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
VOCABULARY = [*SPECIAL, *WORDS, *CHINESE, *LETTERS]
LIMIT = 24


def make_tiny_bert(folder: Path, *, vocabulary: list[str] = VOCABULARY, seed: int = 3, **settings: object) -> Path:
    """A folder of three layers of 16 numbers, as `save_pretrained` writes it."""
    transformers = pytest.importorskip("transformers", reason="the extra `contextual`")
    import tokenizers
    import torch

    ids = {piece: number for number, piece in enumerate(vocabulary)}
    inner = tokenizers.Tokenizer(tokenizers.models.WordPiece(ids, unk_token="[UNK]"))
    inner.normalizer = tokenizers.normalizers.BertNormalizer(lowercase=True)
    inner.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    inner.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", ids["[CLS]"]), ("[SEP]", ids["[SEP]"])]
    )
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    transformers.PreTrainedTokenizerFast(tokenizer_object=inner, **names).save_pretrained(folder)
    shape: dict[str, object] = {
        "vocab_size": len(vocabulary),
        "hidden_size": 16,
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "max_position_embeddings": LIMIT,
        # Weights so far apart that words differ; 0.02, as BERT begins, makes them nearly alike.
        "initializer_range": 0.5,
    }
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        transformers.BertModel(
            transformers.BertConfig(**{**shape, **settings}), add_pooling_layer=False
        ).save_pretrained(folder)
    return folder
