"""The defaults of the settings while model directories were of format 1 to 3.

Such a directory doesn't hold every setting, nor does the state of a run begun then: one that came after the format was
only written where it differed from its default. What isn't written there means the default of that time, whatever
`ner/settings.py` says today. This table is history: nobody changes it. From format 4 on a directory holds every
setting.
"""

from typing import Any

from ner.config import MOVED, value_now

LAST_FORMAT = 3  # of a directory that leaves out settings

OLD_DEFAULTS: dict[str, dict[str, Any]] = {
    "data": {
        "train": None,
        "dev": None,
        "test": None,
        "dataset": None,
        "dataset_config": None,
        "tokens_feature": "tokens",
        "tags_feature": "ner_tags",
        "layout": "columns",
        "word_column": 0,
        "tag_column": -1,
        "separator": None,
        "scheme": "auto",
        "unknown_tag": None,
        "comment": None,
        "trailer": None,
        "encoding": "utf-8",
        "word_pattern": None,
        "document_sentences": None,
        "tokenizer": "auto",
    },
    "features": {
        "lexicon": None,
        "lexicon_dim": 100,
        "gazetteer": [],
        "mentions": False,
        "mention_dim": 100,
    },
    "model": {
        "word_dim": 100,
        "vectors": None,
        "keep_vectors": "all",
        "freeze_vectors": False,
        "lowercase": True,
        "normalize_digits": True,
        "min_count": 1,
        "char_encoder": "cnn",
        "char_dim": 30,
        "char_hidden_dim": 30,
        "char_kernel_size": 3,
        "bigram_dim": 0,
        "case_dim": 0,
        "cell": "lstm",
        "forget_bias": 1.0,
        "clock_periods": [1, 2, 4, 8],
        "bidirectional": True,
        "hidden_dim": 200,
        "num_layers": 1,
        "connection": "none",
        "context": "none",
        "context_dim": 100,
        "dropout": 0.5,
        "char_dropout": 0.5,
        "variational_dropout": False,
        "precision": "fp32",
        "weights": "fp32",
        "constraints": True,
        "decoding": "viterbi",
        "threshold": 0.5,
        "temperature": 1.0,
        "word_dropout": 0.0,
    },
    "training": {
        "epochs": 30,
        "batch_size": 16,
        "batch_tokens": None,
        "optimizer": "sgd",
        "learning_rate": 0.015,
        "momentum": 0.9,
        "weight_decay": 0.0,
        "schedule": "inverse",
        "decay": 0.05,
        "warmup": 0.0,
        "clip_norm": 5.0,
        "unknown_rate": 0.5,
        "patience": None,
        "average": None,
        "average_every": "step",
        "calibrate": False,
        "remember_entities": True,
        "seed": 1,
    },
}


def with_old_defaults(values: dict[str, Any]) -> dict[str, Any]:
    """Tables of settings of that time by the names of today, every one written out, none of the machine that trained.

    What isn't a table stays as it is, for whoever checks them.

    >>> with_old_defaults({"model": {"char_encoder": "none"}})["model"]["casing_dim"]
    0
    """
    whole = {}
    for section, defaults in OLD_DEFAULTS.items():
        table = values.get(section, {})
        if isinstance(table, dict):
            named = {MOVED.get(f"{section}.{name}", f"{section}.{name}"): v for name, v in (defaults | table).items()}
            named = {key: value_now(key, value) for key, value in named.items()}
            start = f"{section}."
            whole[section] = {name.removeprefix(start): v for name, v in named.items() if name.startswith(start)}
    return values | whole
