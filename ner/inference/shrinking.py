"""A smaller model of a trained one: with fewer words that training never saw, with weights in fewer bits on disk."""

import copy
from dataclasses import replace

import numpy as np

from ner.errors import ConfigError
from ner.inference.loading import Model, torch_network

STORED_WEIGHTS = ("fp32", "fp16", "int8")
KEPT_VECTORS = ("all", "seen", "small")


def shrink(model: Model, *, weights: str, keep_vectors: str, most_words: int | None = None) -> Model:
    """The same model to be stored in less room; it tags with these weights once it is saved and loaded.

    Args:
        model: stays as it is.
        weights: how weights are stored: `fp32`, `fp16` or `int8`.
        keep_vectors: `seen` drops the pretrained words that training never saw, `all` keeps them; `small` keeps them
            too, sorted, and stores the vectors of all words in two to four bits a number.
        most_words: how many of the words that training never saw are kept, the first of the vectors' file, which in
            most such files are the most frequent; None: all.

    Raises:
        ConfigError: no such way to store weights or vectors; less than one word, or words to keep where none are kept
            or where they aren't in the order of a vectors' file any more.
    """
    for name, value, allowed in (("weights", weights, STORED_WEIGHTS), ("vectors", keep_vectors, KEPT_VECTORS)):
        if value not in allowed:
            raise ConfigError(f"{name}: expected one of {', '.join(allowed)}, found {value!r}")
    if most_words is not None and keep_vectors == "seen":
        raise ConfigError("words: expected vectors all or small, found seen, which keeps none of these words")
    values: dict[str, object] = {"weights": weights}
    network, vocabularies = copy.deepcopy(torch_network(model)), model.vocabularies
    words, table = vocabularies.words, network.embedding.word_table()
    if most_words is not None:
        if most_words < 1:
            raise ConfigError(f"words: expected at least 1, found {most_words}; vectors seen keeps none")
        if model.config.model.vector_storage == "small":
            raise ConfigError(
                "words: expected a model whose vectors are whole, with the most frequent words first, found one made "
                "small, with sorted words; shrink the model it was made of"
            )
        words = replace(words, extra=words.extra[:most_words])
        table.extra = table.extra[:most_words].clone()
    if keep_vectors == "seen":
        values["keep_vectors"] = keep_vectors
        words = replace(words, extra=())
        table.drop_extra()
    if keep_vectors == "small":
        values["vector_storage"] = keep_vectors
        extra = list(words.extra)
        # Sorted as they are stored, they need no numbers.
        order = sorted(range(len(extra)), key=lambda index: extra[index].encode("utf-8", errors="surrogatepass"))
        words = replace(words, extra=tuple(extra[index] for index in order))
        table.extra = table.extra[np.array(order, dtype=np.int64)].clone()
    config = model.config.model_copy(update={"model": model.config.model.model_copy(update=values)})
    vocabularies = vocabularies.with_words(words)
    return replace(model, config=config, network=network, vocabularies=vocabularies, runtime="torch")
