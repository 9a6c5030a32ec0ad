"""What several annotators expect of the training text, as `ner merge` wrote it, in the form of teachers' lessons."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ner.errors import ConfigError
from ner.features.vocabulary import Vocabularies
from ner.storage.soft_targets import read_soft_targets, rows_of
from ner.text.sentence import Sentence
from ner.training.distillation import Lessons


def read_lessons(path: str, sentences: Sequence[Sentence], vocabularies: Vocabularies) -> Lessons:
    """The soft targets of training sentences; all of the loss is theirs, none that of the tags in the training file.

    Args:
        path: of the file that `ner merge` wrote.
        sentences: that are trained on.
        vocabularies: the student's.

    Raises:
        DataError: the file can't be read, or has no targets for a sentence.
        ConfigError: it is of other labels than the training corpus.
    """
    targets = read_soft_targets(Path(path))
    names = vocabularies.tags
    if sorted(targets.tags) != sorted(names):
        wanted, found = (", ".join(sorted({tag[2:] for tag in tags} - {""})) for tags in (names, targets.tags))
        raise ConfigError(
            f"training.soft_targets: expected targets of the labels of the training corpus ({wanted}), found those of "
            f"{found} in {path}; train on the file that `ner merge` wrote beside it"
        )
    order = np.array([targets.tags.index(tag) for tag in names])  # of ours, which of theirs
    ours = np.argsort(order)  # of theirs, which of ours
    size = len(names)
    before, after = np.divmod(targets.pairs, size)
    rows = rows_of(targets, sentences, path)
    lengths = targets.lengths[rows]
    theirs = np.cumsum(targets.lengths) - targets.lengths
    starts = np.cumsum(lengths) - lengths
    tokens = np.repeat(theirs[rows] - starts, lengths) + np.arange(int(lengths.sum()))
    return Lessons(
        starts,
        lengths,
        np.ones(len(sentences), np.float32),
        np.ascontiguousarray(targets.marginals[tokens][:, order]),
        np.ascontiguousarray(targets.transitions[rows]),
        ours[before] * size + ours[after],
    )


def digest_of(lessons: Lessons) -> str:
    """A digest of what the targets say, by which a run that goes on knows whether they are those that it began with."""
    digest = hashlib.sha256()
    for part in (lessons.lengths, lessons.marginals, lessons.transitions, lessons.pairs):
        digest.update(part.tobytes())
    return digest.hexdigest()
