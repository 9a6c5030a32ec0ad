"""Annotating less, tried out on a corpus that is annotated already: which strategy needs the fewest tokens?

A run begins with a seed set that is drawn, the same for all strategies. Then by turns a model is trained on what counts
as annotated, measured on the dev set, and asked which sentences it wants next. Training sees no dev set, as nobody has
one who begins: the last epoch is kept, and nothing is fitted. Each round is a line of a log, with the sentences of the
next, so that an experiment goes on where it was.
"""

import hashlib
import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ner.config import Config
from ner.errors import ConfigError, DataError
from ner.evaluation.report import report_spans
from ner.features.batches import fingerprint
from ner.formats.corpus import Corpus
from ner.inference.acquisition import check_strategy, rank_sentences, within_budget
from ner.inference.loading import Model
from ner.inference.prediction import reader_of
from ner.text.documents import chosen_sentences
from ner.text.sentence import Sentence
from ner.training.events import Listener
from ner.training.run_keys import key_of, weights_key
from ner.training.training import train_model
from ner.whole_files import named_when_full

ALL = "all"  # in place of a strategy: the whole training set


@dataclass(frozen=True, slots=True)
class Experiment:
    """What is tried out.

    The annotated set grows from `first` to `budget` in `rounds` steps, each by the same factor; both count tokens, or
    sentences. Each strategy is run `runs` times. A training takes at least `steps` steps, however few sentences there
    are. `per` says what a sentence is worth (`rank_sentences`); "": `token` where the budget counts tokens.
    """

    strategies: tuple[str, ...]
    budget: int
    first: int
    rounds: int = 8
    runs: int = 3
    in_tokens: bool = True
    steps: int = 600
    per: str = ""

    def sizes(self) -> list[int]:
        """The size of the annotated set in each round, the first that of the seed set.

        >>> Experiment(("entropy",), budget=800, first=100, rounds=3).sizes()
        [100, 200, 400, 800]
        """
        growth = self.budget / self.first
        return [round(self.first * growth ** (number / self.rounds)) for number in range(self.rounds + 1)]


@dataclass(frozen=True, slots=True)
class Round:
    """A training on what was annotated so far; `chosen` are all its sentences, in order, by their index in training.

    `following` are those that its model asks for next. Scores are of the dev set, as fractions of 1.
    """

    key: str
    strategy: str
    run: int
    number: int
    tokens: int
    f1: float
    precision: float
    recall: float
    seconds: float
    chosen: tuple[int, ...]
    following: tuple[int, ...] = ()


def simulate(
    config: Config,
    corpus: Corpus,
    experiment: Experiment,
    *,
    log: Path,
    start: Model | None = None,
    on_round: Callable[[Round], object] = lambda found: None,
) -> list[Round]:
    """All rounds of an experiment, those that the log has not done again.

    Args:
        config: how each round trains.
        corpus: with training sentences that count as unlabelled until they are chosen, and a dev set.
        experiment: what is tried out.
        log: JSON lines, a round each.
        start: a model that each round goes on from; None: each trains from scratch.
        on_round: called with each round that was trained.

    Raises:
        ConfigError: no dev set, no such strategy, a budget that the training set doesn't have, or a seed set that pays
            for no sentence.
        DataError: the log can't be read.
        TrainingError: no entity among the sentences of a seed set.
    """
    _check(experiment, corpus)
    train = [sentence for sentence in corpus.train if sentence.spelled]
    told = [key_of(config), repr(experiment.sizes()), repr((experiment.in_tokens, experiment.steps, experiment.per))]
    told += [
        fingerprint([*train, *corpus.dev]),
        "" if start is None else f"{key_of(start.config)} {weights_key(start)}",
    ]
    key = hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]
    done = {(each.strategy, each.run, each.number): each for each in read_rounds(log) if each.key == key}
    learner = _Learner(config, train, corpus.dev, experiment, start)
    log.parent.mkdir(parents=True, exist_ok=True)

    def note(found: Round) -> Round:
        with named_when_full(log), log.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(asdict(found)) + "\n")
        done[found.strategy, found.run, found.number] = found
        on_round(found)
        return found

    for run in range(1, experiment.runs + 1):
        for strategy in experiment.strategies:
            if strategy == ALL:
                if run == 1 and (ALL, 1, 0) not in done:
                    note(learner.round_of(key, ALL, 1, 0, tuple(range(len(train)))))
                continue
            chosen = learner.drawn(run)
            for number in range(experiment.rounds + 1):
                found = done.get((strategy, run, number))
                if found is None:
                    found = note(learner.round_of(key, strategy, run, number, chosen))
                chosen = (*found.chosen, *found.following)
    wanted = [(each, run) for run in range(1, experiment.runs + 1) for each in experiment.strategies]
    return [found for found in done.values() if (found.strategy, found.run) in wanted]


def read_rounds(log: Path) -> list[Round]:
    """The rounds of a log; none where there is no log yet.

    Raises:
        DataError: a line isn't a round.
    """
    found = []
    for number, line in enumerate(log.read_text(encoding="utf-8").splitlines() if log.exists() else (), start=1):
        try:
            values = json.loads(line)
            lists = {name: tuple(values[name]) for name in ("chosen", "following")}
            found.append(Round(**{**values, **lists}))
        except (ValueError, TypeError, KeyError) as error:
            raise DataError(
                f"{log}:{number}: expected a round that `ner simulate` logged, found {error}; take another folder"
            ) from None
    return found


def tokens_to_reach(curve: Sequence[tuple[int, float]], f1: float) -> float | None:
    """How many tokens an F1 takes, between two rounds on a straight line over the logarithm; None: it isn't reached.

    Args:
        curve: tokens and F1 of each round, tokens rising.
        f1: to be reached.

    >>> tokens_to_reach([(100, 0.2), (400, 0.4), (1600, 0.8)], 0.6)
    800.0
    """
    before: tuple[int, float] | None = None
    for tokens, reached in curve:
        if reached >= f1:
            if before is None or before[1] >= f1:
                return float(tokens)
            share = (f1 - before[1]) / (reached - before[1])
            return round(math.exp(math.log(before[0]) + share * math.log(tokens / before[0])), 6)
        before = (tokens, reached)
    return None


@dataclass(frozen=True, slots=True)
class _Learner:
    """What stays the same from round to round."""

    config: Config
    train: list[Sentence]
    dev: list[Sentence]
    experiment: Experiment
    start: Model | None

    def drawn(self, run: int) -> tuple[int, ...]:
        """The seed set of a run."""
        order = np.random.default_rng([self.config.training.seed, run]).permutation(len(self.train))
        return self._paid(order, self.experiment.first)

    def round_of(self, key: str, strategy: str, run: int, number: int, chosen: tuple[int, ...]) -> Round:
        """Trains on these sentences, measures, and asks for the next."""
        begun = time.perf_counter()
        sentences = chosen_sentences(self.train, chosen)
        config = self._settings(sentences, run)
        model = train_model(config, Corpus(sentences), listener=Listener(), start=self.start)
        reader = reader_of(model)
        scores = report_spans(self.dev, reader.spans(self.dev)).micro
        following: tuple[int, ...] = ()
        sizes = self.experiment.sizes()
        if strategy != ALL and number < self.experiment.rounds:
            taken = set(chosen)
            pool = [index for index in range(len(self.train)) if index not in taken]
            per = self.experiment.per or ("token" if self.experiment.in_tokens else "sentence")
            ranking = rank_sentences(
                model,
                reader,
                chosen_sentences(self.train, pool),
                strategy=strategy,
                per=per,
                seed=1000 * run + number,
            )
            left = sizes[number + 1] - self._size(chosen)
            following = self._paid(np.array(pool, np.int64)[ranking.order], left)
        return Round(
            key=key,
            strategy=strategy,
            run=run,
            number=number,
            tokens=sum(len(sentence.spelled) for sentence in sentences),
            f1=scores.f1,
            precision=scores.precision,
            recall=scores.recall,
            seconds=round(time.perf_counter() - begun, 1),
            chosen=chosen,
            following=following,
        )

    def _settings(self, sentences: Sequence[Sentence], run: int) -> Config:
        """The settings of a training on so few sentences, without a dev set."""
        training, model = self.config.training, self.config.model
        tokens = sum(len(sentence.spelled) for sentence in sentences)
        batches = (
            math.ceil(tokens / training.batch_tokens)
            if training.batch_tokens
            else math.ceil(len(sentences) / training.batch_size)
        )
        told = {
            "epochs": max(training.epochs, math.ceil(self.experiment.steps / batches)),
            "seed": training.seed + run - 1,
            "calibrate": False,
            "remember_entities": False,
        }
        decoding = "viterbi" if model.decoding == "threshold" else model.decoding
        return self.config.model_copy(
            update={
                "training": training.model_copy(update=told),
                "model": model.model_copy(update={"decoding": decoding}),
            }
        )

    def _size(self, chosen: Sequence[int]) -> int:
        return sum(len(self.train[index].spelled) for index in chosen) if self.experiment.in_tokens else len(chosen)

    def _paid(self, order: np.ndarray[tuple[int], np.dtype[np.int64]], budget: int) -> tuple[int, ...]:
        lengths = np.array([len(sentence.spelled) for sentence in self.train], dtype=np.int64)
        paid = within_budget(order, lengths, max(budget, 0), in_tokens=self.experiment.in_tokens)
        return tuple(paid.tolist())


def _check(experiment: Experiment, corpus: Corpus) -> None:
    for strategy in experiment.strategies:
        if strategy != ALL:
            check_strategy(strategy)
    if not corpus.dev:
        raise ConfigError("data.dev: expected a dev set, on which each round is measured; found none")
    have = sum(len(s.spelled) if experiment.in_tokens else bool(s.spelled) for s in corpus.train)
    unit = "tokens" if experiment.in_tokens else "sentences"
    if not 0 < experiment.first < experiment.budget <= have:
        raise ConfigError(
            f"--first and --budget: expected a seed set smaller than the budget, and the budget at most the {have:,} "
            f"{unit} of the training set, found {experiment.first:,} and {experiment.budget:,}"
        )
    shortest = min(len(s.spelled) for s in corpus.train if s.spelled)
    if experiment.in_tokens and experiment.first < shortest:
        raise ConfigError(
            f"--first: expected the tokens of a sentence, {shortest} or more, found {experiment.first}, which by "
            "default is a sixteenth of --budget"
        )
