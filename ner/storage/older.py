"""What older model directories wrote otherwise, as it is written now."""

import re
from typing import Any

from ner.config import Config

# Format 1: a recurrent cell was PyTorch's own module, not one that holds it. Up to 3: features had other names.
_NAMES = (
    (1, re.compile(r"_cell\.(weight|bias)_"), r"_cell.fused.\1_"),
    (3, re.compile(r"^embedding\.bigrams\."), "embedding.bigrams.table."),
    (3, re.compile(r"^embedding\.cases\."), "embedding.casing.table."),
    (3, re.compile(r"^embedding\.characters\."), "embedding.characters.encoder."),
    (3, re.compile(r"^mentions\."), "document_context."),
)


def name_now(name: str, format: int) -> str:
    """What a tensor of a directory of this format is called now.

    >>> name_now("mentions.hidden.weight", 3)
    'document_context.hidden.weight'
    """
    for last, pattern, replacement in _NAMES:
        if format <= last:
            name = pattern.sub(replacement, name)
    return name


def vocabulary_now(values: dict[str, Any], config: Config, format: int) -> dict[str, Any]:
    """The content of `vocabulary.json`, which up to format 3 had the parts of all features side by side.

    Raises:
        ValueError: an entry that tells which features there are is of another kind.
    """
    if format > 3:
        return values
    mentions = values.get("mentions", False)
    if not isinstance(mentions, bool):
        raise ValueError(f"expected mentions to be true or false, found {mentions!r}")
    words = ("words", "extra_words", "lowercase", "normalize_digits")
    stored: dict[str, Any] = {"words": {name: values[name] for name in words if name in values}}
    model = config.model
    lists = {"characters": model.char_encoder != "none", "bigrams": model.bigram_dim, "gazetteers": True}
    for name, wanted in lists.items():
        if wanted and (values.get(name) or name != "gazetteers"):
            stored[name] = {name: values[name]} if name in values else {}
    if values.get("lexicon") is not None:
        stored["lexicon"] = values["lexicon"]
    if model.casing_dim:
        stored["casing"] = {}
    if mentions:
        stored["document_context"] = {}
    return {"labels": values.get("labels"), "features": stored}
