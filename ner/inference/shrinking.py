"""A smaller model of a trained one: without words that training never saw, with weights in fewer bits on disk."""

import copy
from dataclasses import replace

from ner.inference.loading import Model, torch_network


def shrink(model: Model, *, weights: str, keep_vectors: str) -> Model:
    """The same model to be stored in less room; it tags with these weights once it is saved and loaded.

    Args:
        model: stays as it is.
        weights: how weights are stored: `fp32`, `fp16` or `int8`.
        keep_vectors: `seen` drops the pretrained words that training never saw, `all` keeps them.
    """
    values: dict[str, object] = {"weights": weights}
    network, vocabularies = copy.deepcopy(torch_network(model)), model.vocabularies
    if keep_vectors == "seen":
        values["keep_vectors"] = keep_vectors
        network.embedding.word_table().drop_extra()
        vocabularies = vocabularies.with_words(replace(vocabularies.words, extra=()))
    config = model.config.model_copy(update={"model": model.config.model.model_copy(update=values)})
    return replace(model, config=config, network=network, vocabularies=vocabularies, runtime="torch")
