"""Several corpora, each with the labels that it annotates: what `[[data.corpora]]` describes.

Each is read by its own settings, its labels are renamed, its sentences learn which labels were looked for, and what
contradicts that is an error of one line.
"""

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from math import floor
from pathlib import Path

from ner.corpus_settings import CorpusConfig
from ner.data_settings import DataConfig
from ner.errors import ConfigError, DataError
from ner.formats.format import Losses
from ner.formats.sentences import read_sentences
from ner.text.documents import number_documents, opening_document
from ner.text.inventory import rename_labels, with_inventory
from ner.text.partial import UNKNOWN, is_partial, labels_of
from ner.text.sentence import Sentence


@dataclass(frozen=True, slots=True)
class Part:
    """One of several corpora: its tagged sentences, the labels that it annotates, how often it is read in an epoch."""

    name: str
    labels: frozenset[str]
    weight: float
    train: list[Sentence]
    dev: list[Sentence]


def read_parts(data: DataConfig) -> list[Part]:
    """The corpora of `[[data.corpora]]`, in their order, tags as IOB2; their sentences say what they annotate.

    What didn't fit where character ranges became spans of tokens is a warning for each file.

    Raises:
        ConfigError: a map names labels that aren't there, or a label is said to be annotated that no corpus has.
        DataError: a file can't be read as described, or has a label that its corpus is said not to annotate.
    """
    names = names_of(data.corpora)
    parts = [_read(corpus, name, data) for corpus, name in zip(data.corpora, names, strict=True)]
    found = set().union(*(labels_in(part.train) for part in parts))
    stated = {label: name for corpus, name in zip(data.corpora, names, strict=True) for label in corpus.labels or ()}
    if missing := sorted(stated.keys() - found):
        raise ConfigError(
            f"data.corpora: expected every label in some sentence that is trained on, found no {', '.join(missing)}, "
            f"which {stated[missing[0]]} is said to annotate; take it out of labels, or give it a name that occurs"
        )
    most = max(parts, key=lambda part: part.weight * len(part.train))
    if most.train and most.weight * len(most.train) < 1:
        raise ConfigError(
            f"data.corpora: expected a weight that gives a sentence to each epoch, found {most.weight:g} of the "
            f"{len(most.train)} sentences of {most.name}; raise it"
        )
    return parts


def names_of(corpora: Sequence[CorpusConfig]) -> list[str]:
    """What reports call these corpora, each name once."""
    names: list[str] = []
    for corpus in corpora:
        name = plain = corpus.name or "/".join(Path(corpus.train_files[0]).parts[-2:])
        for number in count(2):
            if name not in names:
                break
            name = f"{plain} ({number})"
        names.append(name)
    return names


def labels_in(sentences: Iterable[Sentence]) -> set[str]:
    """The labels of tagged sentences."""
    return set().union(*(labels_of(set(sentence.tags or ())) for sentence in sentences))


def joined(groups: Iterable[Sequence[Sentence]]) -> list[Sentence]:
    """The sentences of several files, one behind the other, none in a document of another file.

    Where just some files mark documents, each sentence of the others is a document of its own.
    """
    groups = list(groups)
    if not any(sentence.opens_document for group in groups for sentence in group):
        return [sentence for group in groups for sentence in group]
    sentences: list[Sentence] = []
    for group in groups:
        marks = any(sentence.opens_document for sentence in group)
        sentences += [opening_document(s) if not (marks and place) else s for place, s in enumerate(group)]
    return sentences


def hold_out(sentences: Sequence[Sentence], share: float) -> tuple[list[Sentence], list[Sentence]]:
    """A share of the documents taken out, spread evenly; where none are marked, of the sentences.

    Returns:
        What is left, and what was taken out, both in their order.
    """
    numbers = number_documents(sentences)
    if not any(numbers):
        numbers = list(range(1, len(sentences) + 1))
    left: list[Sentence] = []
    taken: list[Sentence] = []
    for number, sentence in zip(numbers, sentences, strict=True):
        (taken if floor(number * share) > floor((number - 1) * share) else left).append(sentence)
    return left, taken


def _read(corpus: CorpusConfig, name: str, data: DataConfig) -> Part:
    described = data.of_corpus(corpus)
    train = joined(_read_file(path, described) for path in corpus.train_files)
    dev = joined(_read_file(path, described) for path in corpus.dev_files)
    there = labels_in([*train, *dev])
    if unknown := sorted(corpus.map.keys() - there):
        raise ConfigError(
            f"data.corpora: {name}: expected a map of labels that its files have ({', '.join(sorted(there))}), found "
            f"{', '.join(unknown)}"
        )
    if isinstance(corpus.dev, float):
        whole = train
        train, dev = hold_out(whole, corpus.dev)
        if whole and not (train and dev):
            raise ConfigError(
                f"data.corpora: {name}: expected a share for dev that is a document (where none are marked, a "
                f"sentence) at least and leaves one to train on, found {corpus.dev:.4g} of {len(whole)} sentences"
            )
    train = [rename_labels(sentence, corpus.map) for sentence in train if sentence.spelled]
    dev = [rename_labels(sentence, corpus.map) for sentence in dev]
    if UNKNOWN in corpus.map.values():  # what nobody knows can't be scored
        kept = [sentence for sentence in dev if not is_partial(sentence.tags or ())]
        if len(kept) < len(dev):
            warnings.warn(
                f"data.corpora: {name}: {len(dev) - len(kept):,} of {len(dev):,} dev sentences left out: they hold a "
                'label of which map makes "?", and what nobody knows can\'t be scored',
                stacklevel=4,
            )
        dev = kept
    if corpus.labels is None:
        labels = frozenset(labels_in([*train, *dev]))
    else:
        labels = frozenset(corpus.labels)
        _check_inventory([*train, *dev], labels, name)
    return Part(
        name,
        labels,
        corpus.weight,
        [with_inventory(sentence, labels) for sentence in train],
        [with_inventory(sentence, labels) for sentence in dev],
    )


def _read_file(path: str, data: DataConfig) -> list[Sentence]:
    losses = Losses()
    sentences = read_sentences(path, data, losses)
    for line in losses.lines():
        warnings.warn(f"{path}: {line}", stacklevel=5)
    return sentences


def _check_inventory(sentences: Iterable[Sentence], labels: frozenset[str], name: str) -> None:
    for sentence in sentences:
        if others := sorted(labels_of(set(sentence.tags or ())) - labels):
            raise DataError(
                f"{sentence.source}: expected a label that {name} is said to annotate ({', '.join(sorted(labels))}), "
                f'found {others[0]}; add it to labels, or to map: {{ "{others[0]}" = "" }} makes O of it'
            )
