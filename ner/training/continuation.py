"""Going on from a trained model: with more data, and with more labels.

The network keeps what it learned. A new word starts from its pretrained vector, or from a fresh one. The tags of a new
label start as the model's `O` does, a little less probable: whatever tag sequence has them scores as the one that has
`O` in their place, less `log(100 · new labels)` for each such token. So sequences of old tags score among themselves
just as they did, and a new label begins as a hundredth of what the model took for no entity.
"""

import math
from dataclasses import replace

import torch
from torch import Tensor

from ner.config import Config
from ner.errors import ConfigError
from ner.features.vocabulary import Vocabularies, labels_in
from ner.formats.corpus import Corpus
from ner.inference.loading import Model, torch_network
from ner.network.model import BiLSTMCRF
from ner.network.twin import ScoringTwin, twin_type
from ner.text.inventory import with_inventory
from ner.text.recut import natural_cut
from ner.text.sentence import Sentence

_SHARE = 100  # a new label begins with one part in so many of what was `O`
# Settings of `[model]` that don't say what a network is made of, or how words become ids.
_FREE = {
    "vectors",
    "keep_vectors",
    "freeze_vectors",
    "min_count",
    "forget_bias",
    "dropout",
    "char_dropout",
    "variational_dropout",
    "word_dropout",
    "precision",
    "weights",
    "decoding",
    "threshold",
    "temperature",
}


def continued_settings(config: Config, model: Config, corpus: Corpus) -> Config:
    """The settings of a training that goes on from a model: what the network is made of is as the model has it.

    Args:
        config: of the training.
        model: the model's.
        corpus: to train on.

    Raises:
        ConfigError: the training's settings say otherwise, or its corpus is cut as the model doesn't cut text.
    """
    tables = {}
    for section in ("model", "features"):
        mine, theirs = getattr(config, section), getattr(model, section)
        free = _FREE if section == "model" else set()
        kept = {key: getattr(theirs, key) for key in type(theirs).model_fields if key not in free}
        for key, value in kept.items():
            found = getattr(mine, key)
            if key in mine.model_fields_set and found != value:
                raise ConfigError(
                    f"--from: expected {section}.{key} = {value!r}, as the model has it, found {found!r}; "
                    "leave it out, or train without --from"
                )
        if section == "model" and "vectors" not in mine.model_fields_set:
            kept["vectors"] = theirs.vectors
        if section == "model" and not corpus.dev:  # to fit others on
            kept |= {key: getattr(theirs, key) for key in ("decoding", "threshold", "temperature")}
        tables[section] = mine.model_copy(update=kept)
    cut, own = model.data.tokenizer, config.data.tokenizer
    if own == "auto":
        own = natural_cut([word for sentence in corpus.train for word in sentence.spelled])
        own = own if (own == "characters") != (cut == "characters") else cut
    if own != cut:
        raise ConfigError(
            f"--from: expected a corpus cut as the model cuts text, data.tokenizer = {cut!r}, found {own!r}; "
            "cut it so, or train without --from"
        )
    if not corpus.dev:
        tables["training"] = config.training.model_copy(update={"calibrate": False})
    return config.model_copy(update={**tables, "data": config.data.model_copy(update={"tokenizer": cut})})


def annotated_corpus(corpus: Corpus) -> Corpus:
    """The same corpus as one that annotates the labels that it has, where its sentences say nothing of that."""
    labels = frozenset(labels_in([*corpus.train, *corpus.dev]))
    tested = labels.union(labels_in(corpus.test))  # a test set may have the old labels too

    def marked(sentences: list[Sentence], labels: frozenset[str]) -> list[Sentence]:
        return [s if s.annotated is not None or s.tags is None else with_inventory(s, labels) for s in sentences]

    train, dev = marked(corpus.train, labels), marked(corpus.dev, labels)
    return replace(corpus, train=train, dev=dev, test=marked(corpus.test, tested))


def take_over(network: BiLSTMCRF, vocabularies: Vocabularies, start: Model) -> None:
    """Gives a fresh network, of vocabularies that grew from a model's, what the model learned.

    Args:
        network: with the pretrained vectors of its words.
        vocabularies: its own.
        start: the model.
    """
    old_words, words = start.vocabularies.words, vocabularies.words
    learned = {name: tensor.detach().cpu() for name, tensor in torch_network(start).state_dict().items()}
    table, old_table = network.embedding.word_table(), torch_network(start).embedding.word_table()
    of_tags = {"projection.weight", "projection.bias", "crf.start_transitions", "crf.end_transitions"}
    of_tags |= {f"{name}.scores.weight" for name in vocabularies.features if issubclass(twin_type(name), ScoringTwin)}
    source = [start.vocabularies.tags.index(tag) if tag in start.vocabularies.tags else 0 for tag in vocabularies.tags]
    is_new = torch.tensor([tag not in start.vocabularies.tags for tag in vocabularies.tags])
    with torch.no_grad():
        extra_rows = {word: row for row, word in enumerate(old_words.extra)}
        old_extra: Tensor = old_table.extra.cpu()
        table.extra = old_extra[[extra_rows[word] for word in words.extra]]
        for number, word in enumerate(words.trained[len(old_words.trained) :], start=old_words.num_trained):
            if word in extra_rows:
                table.trained.weight[number] = old_extra[extra_rows[word]].to(table.trained.weight.dtype)
        for name, parameter in network.named_parameters():
            value = learned[name].to(parameter.dtype)
            if name == "crf.transitions":
                parameter.copy_(value[source][:, source])
            elif name in of_tags:
                parameter.copy_(value[source])
            else:  # a table of words or characters has grown at its end
                parameter[: len(value)].copy_(value)
        new_labels = len(vocabularies.labels) - len(start.vocabularies.labels)
        if new_labels:
            network.projection.bias[is_new] -= math.log(_SHARE * new_labels)
