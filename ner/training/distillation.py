"""Learning from trained models: what teachers expect of the training text, and the loss of a student that hears it.

A teacher's distribution over the tag sequences of a sentence is known exactly, and so is the cross-entropy between it
and the student's (knowledge distillation, Hinton et al. 2015; between sequence labellers, Wang et al. 2020). A chain's
score is a sum over tags and transitions, so of the teacher only the marginals of each token and the expected
transitions of each sentence are needed. Those of several teachers are averaged. They are found once, before training.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ner.config import Config
from ner.crf.chain import Chain
from ner.crf.layer import CRF
from ner.errors import ConfigError
from ner.features.contextual import Contextual
from ner.features.feature import Numbers
from ner.features.vocabulary import Vocabularies
from ner.formats.corpus import Corpus
from ner.inference.loading import load_model
from ner.inference.prediction import reader_of
from ner.network.inputs import Inputs
from ner.network.model import BiLSTMCRF
from ner.resources.models import find_model
from ner.storage.model_directory import OpenModel, open_model
from ner.text.sentence import Sentence
from ner.text.tags import legal_transitions
from ner.training.distributed import ALONE, Group
from ner.training.events import Listener

Floats = npt.NDArray[np.float32]
Legal = tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_], npt.NDArray[np.bool_]]

# Sentences that a teacher reads at once: their encodings, some hundred bytes a token, are gone when the next come.
# A teacher with a pretrained encoder reads all of them at once, as in its own training: of the same corpus their states
# are on the disk then (`features.kept_states`), and of another they are once they were read.
_TOGETHER = 10_000


class Lesson(NamedTuple):
    """What teachers expect of a batch."""

    weights: Tensor  # share of the teachers in each sentence's loss (B,)
    marginals: Tensor  # 0 at padding (B, T, K)
    transitions: Tensor  # expected count of each in each sentence (B, K, K)


@dataclass(frozen=True, slots=True, eq=False)
class Lessons:
    """What teachers expect of S training sentences of N tokens, flat, over K tags and P transitions.

    `weights` say how much of each sentence's loss is the teachers'; the rest is that of its gold tags.
    """

    starts: Numbers  # index of the first token of each sentence (S,)
    lengths: Numbers  # tokens of each (S,)
    weights: Floats  # (S,)
    marginals: Floats  # (N, K)
    transitions: Floats  # expected count of each (S, P)
    pairs: Numbers  # which transitions they are: indices into the flat (K, K), from row to column (P,)

    @property
    def size(self) -> int:
        """Bytes."""
        return self.marginals.nbytes + self.transitions.nbytes

    def of(self, rows: Numbers) -> Lesson:
        """What they expect of these sentences (B,)."""
        num_tags = self.marginals.shape[1]
        lengths = self.lengths[rows]
        steps = np.arange(int(lengths.max()))
        mask = steps < lengths[:, None]  # (B, T)
        marginals = self.marginals[np.where(mask, self.starts[rows][:, None] + steps, 0)]
        marginals[~mask] = 0
        transitions = np.zeros((len(rows), num_tags * num_tags), np.float32)
        transitions[:, self.pairs] = self.transitions[rows]
        found = (self.weights[rows], marginals, transitions.reshape(-1, num_tags, num_tags))
        return Lesson(*map(torch.from_numpy, found))


def training_sentences(corpus: Corpus) -> list[Sentence]:
    """All sentences that are trained on, first those with tags; the tags of unlabelled ones, all outside, say nothing.

    Documents stay apart: where one of the two marks none, and the other does, each of its sentences is one.
    """
    if not corpus.unlabelled:
        return list(corpus.train)
    train_marked, unlabelled_marked = (
        any(sentence.opens_document for sentence in part) for part in (corpus.train, corpus.unlabelled)
    )
    marked = train_marked or unlabelled_marked
    train = corpus.train
    if marked and not train_marked:
        train = [replace(sentence, opens_document=True) for sentence in train]
    unlabelled = [
        Sentence(
            None,
            None,
            marked and (s.opens_document or not unlabelled_marked or not index),
            s.source,
            spelled=s.spelled,
            starts=s.starts,
            spans=(),
        )
        for index, s in enumerate(corpus.unlabelled)
    ]
    return [*train, *unlabelled]


def check_teachers_named(config: Config, corpus: Corpus) -> None:
    """Raise ConfigError where there is unlabelled text and no teacher to tell of it."""
    if corpus.unlabelled and not config.training.teachers:
        raise ConfigError(
            "data.unlabelled: expected a teacher that tells of its text, found none; name one with --teacher "
            "(training.teachers), or leave data.unlabelled out"
        )


def take_lessons(
    config: Config,
    sentences: Sequence[Sentence],
    *,
    vocabularies: Vocabularies,
    num_labelled: int,
    listener: Listener,
    group: Group = ALONE,
) -> Lessons | None:
    """What the teachers expect of training sentences; None where there is no teacher.

    Args:
        config: names the teachers; they read on its device.
        sentences: of `training_sentences`.
        vocabularies: the student's.
        num_labelled: the first so many have gold tags.
        listener: hears how far each teacher is.
        group: of processes, which share the reading.

    Raises:
        ModelError: a teacher can't be loaded.
        ConfigError: a teacher finds other labels than the training corpus has, or cuts raw text otherwise.
    """
    teachers = [str(find_model(teacher, warn=listener.on_message)) for teacher in config.training.teachers]
    if not teachers:
        return None
    for teacher in teachers:  # all of them, before the first begins to read
        _check(open_model(teacher), teacher, config, vocabularies, raw=num_labelled < len(sentences))
    begun = time.perf_counter()
    lengths = np.array([len(sentence.spelled) for sentence in sentences], dtype=np.int64)
    starts = np.cumsum(lengths) - lengths
    legal = _legal(config, vocabularies)
    num_tags = len(vocabularies.tags)
    pairs = np.flatnonzero(np.ones(num_tags * num_tags, np.bool_) if legal is None else legal[1].ravel())
    marginals = np.zeros((int(lengths.sum()), num_tags), np.float32)
    transitions = np.zeros((len(sentences), len(pairs)), np.float32)
    for number, teacher in enumerate(teachers, start=1):
        reader = reader_of(load_model(teacher, config.run.device))
        chain = _constrained(reader.backend.chain, legal)
        at_once = Contextual.name in reader.vocabularies.features and group.size == 1
        done = 0
        for index, portion in enumerate([sentences] if at_once else _portions(sentences)):
            done += len(portion)
            if index % group.size != group.rank:
                continue
            for read in reader.emitted(portion):
                counts = chain.expected_counts(read.emissions, read.lengths)
                mask = np.arange(read.emissions.shape[1]) < read.lengths[:, None]
                rows = read.rows + done - len(portion)
                tokens = starts[rows][:, None] + np.arange(mask.shape[1])
                marginals[tokens[mask]] += counts.marginals[mask] / len(teachers)
                transitions[rows] += counts.transitions.reshape(len(rows), -1)[:, pairs] / len(teachers)
            seconds = time.perf_counter() - begun
            listener.on_message(
                f"teacher {number} of {len(teachers)}, {teacher}: "
                f"{done:,} of {len(sentences):,} sentences read, {seconds:.0f} s"
            )
    for table in (marginals, transitions):  # zeros where others read
        group.add_up(torch.from_numpy(table))
    weights = np.ones(len(sentences), np.float32)
    weights[:num_labelled] = config.training.teacher_weight
    lessons = Lessons(starts, lengths, weights, marginals, transitions, pairs)
    listener.on_message(f"what the teachers expect takes {lessons.size / 1e6:,.0f} MB of memory")
    return lessons


def loss_with_teachers(
    network: BiLSTMCRF, inputs: Inputs, tags: Tensor, lesson: Lesson, *, allowed: Tensor | None = None
) -> Tensor:
    """The loss of gold tags and that of the teachers, mixed by each sentence's weight; the mean, a scalar.

    Args:
        network: the student.
        inputs: a batch.
        tags: gold tags (B, T).
        lesson: what the teachers say of these sentences.
        allowed: the tags that each token may have (B, T, K), in place of `tags`.
    """
    emissions = network.emissions(inputs)
    if allowed is None:
        gold = -network.crf(emissions, tags, inputs.mask, reduction="none")
    else:
        gold = -network.crf.partial_log_likelihood(emissions, allowed, inputs.mask, reduction="none")
    weights, marginals, transitions = (part.to(emissions.device) for part in lesson)
    taught = cross_entropy(network.crf, emissions, inputs.mask, marginals, transitions)
    return torch.lerp(gold, taught, weights).mean()


def cross_entropy(crf: CRF, emissions: Tensor, mask: Tensor, marginals: Tensor, transitions: Tensor) -> Tensor:
    """Cross-entropy of a distribution over tag sequences with the CRF's, for each sentence (B,), natural logarithm.

    Args:
        crf: with `batch_first`.
        emissions: scores of each tag at each token (B, T, K).
        mask: True at real tokens (B, T).
        marginals: of that distribution, 0 at padding (B, T, K).
        transitions: expected count of each in each sentence (B, K, K), 0 where the CRF's constraints forbid it; so
            are the marginals of a start or an end that they forbid.
    """
    first = marginals[:, 0]  # (B, K)
    rows = torch.arange(len(marginals), device=marginals.device)
    last = marginals[rows, mask.sum(1).clamp(min=1) - 1]  # (B, K)
    # A forbidden one is -inf, and 0 · -inf is NaN.
    start, passed, end = (part.masked_fill(part == -torch.inf, 0) for part in crf.transition_scores())
    expected = (
        (marginals * emissions).sum((1, 2)) + first @ start + last @ end + transitions.flatten(1) @ passed.flatten()
    )
    return crf.log_partition(emissions, mask) - expected


def _check(teacher: OpenModel, name: str, config: Config, vocabularies: Vocabularies, *, raw: bool) -> None:
    """Raise ConfigError unless a teacher speaks of what the student is to learn; `raw`: of text without tags too."""
    if teacher.vocabularies.labels != vocabularies.labels:
        wanted, found = (", ".join(labels) for labels in (vocabularies.labels, teacher.vocabularies.labels))
        raise ConfigError(
            f"{name}: expected a teacher of the labels of the training corpus ({wanted}), found one of {found}; "
            "train one on a corpus with these labels"
        )
    wanted, found = config.data.cut, teacher.config.data.cut
    if raw and wanted != found:
        raise ConfigError(
            f'{name}: expected a teacher whose data.tokenizer is "{wanted}", as the text of data.unlabelled was cut, '
            f'found "{found}"; set data.tokenizer = "{found}", or name another teacher'
        )


def _legal(config: Config, vocabularies: Vocabularies) -> Legal | None:
    """Which starts (K,), transitions (K, K) and ends (K,) the student's constraints allow; None: it has none."""
    if not config.model.constraints:
        return None
    start, transitions, end = (np.array(allowed) for allowed in legal_transitions(vocabularies.tags))
    return start, transitions, end


def _constrained(chain: Chain, legal: Legal | None) -> Chain:
    """A teacher's chain with what the student can't learn forbidden; as the loss, it knows no temperature."""
    start, transitions, end = chain.start, chain.transitions, chain.end
    if legal is not None:
        parts = zip((start, transitions, end), legal, strict=True)
        start, transitions, end = (np.where(allowed, part, -np.inf) for part, allowed in parts)
    return Chain(start, transitions, end)


def _portions(sentences: Sequence[Sentence]) -> Iterator[Sequence[Sentence]]:
    """All sentences in order, so many at once; where documents are marked, no document is in two portions."""
    marked = any(sentence.opens_document for sentence in sentences)
    begin = 0
    for index in range(1, len(sentences)):
        if index - begin >= _TOGETHER and (sentences[index].opens_document or not marked):
            yield sentences[begin:index]
            begin = index
    yield sentences[begin:]
