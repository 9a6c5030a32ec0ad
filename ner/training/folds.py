"""Cross-fitted training: models that each leave out a part of the sentences, and what these say of it.

What a model says of sentences that it was trained on is too good; a dev set that chooses the epoch and fits the
threshold flatters too, the more the smaller it is. Here each sentence is tagged by a model that didn't see it: so the
number of epochs, the temperature and the threshold come from all sentences there are, and so does an estimate of F1.
What is chosen by all folds together is one number of epochs; each fold's best epoch would flatter again.
"""

import json
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ner.config import Config
from ner.errors import ConfigError, DataError
from ner.evaluation.adjustment import FEWEST_FOR_THRESHOLD, Candidate, fit_thresholds, without_overlaps
from ner.evaluation.out_of_fold import OUT_OF_FOLD, OutOfFold, join, out_of_fold_from_dict, write_out_of_fold
from ner.features.batches import fingerprint
from ner.formats.corpora import joined
from ner.formats.corpus import Corpus
from ner.inference.calibrating import units_of
from ner.inference.loading import Model
from ner.inference.prediction import reader_of
from ner.text.documents import chosen_sentences
from ner.text.partial import is_partial
from ner.text.sentence import Sentence
from ner.training.events import Listener
from ner.training.run_keys import key_of
from ner.training.training import train_model
from ner.training.unfinished import is_unfinished
from ner.whole_files import staged_file


@dataclass(frozen=True, slots=True)
class Folds:
    """What several folds came to: the number of epochs that is best on their mean, and their F1 after so many.

    `threshold` is None where none is asked for, or where there are too few entities to fit one.
    """

    epochs: int
    f1: tuple[float, ...]
    temperature: float
    threshold: float | None
    sentences: int

    @property
    def mean(self) -> float:
        """Of F1, over folds."""
        return statistics.mean(self.f1)

    @property
    def sd(self) -> float:
        """Standard deviation of F1 over folds."""
        return statistics.stdev(self.f1)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "f1": list(self.f1), "mean": self.mean, "sd": self.sd}

    def __str__(self) -> str:
        """One line for the user."""
        scores = f"{len(self.f1)} folds: F1 {100 * self.mean:.2f} ± {100 * self.sd:.2f} after {self.epochs} epochs"
        threshold = "" if self.threshold is None else f", threshold {self.threshold:g}"
        return f"{scores}; temperature {self.temperature:g}{threshold}"


def all_sentences(corpus: Corpus) -> list[Sentence]:
    """The training and dev sentences that have a token, one behind the other, none in a document of the other set."""
    together = joined((corpus.train, corpus.dev))
    return chosen_sentences(together, [index for index, sentence in enumerate(together) if sentence.spelled])


def fold_of(sentences: Sequence[Sentence], count: int, *, seed: int) -> list[int]:
    """The fold of each sentence, documents whole where enough are marked; all folds have about as many tokens.

    Equal documents, or sentences, are in one fold: who saw one knows the other.

    Args:
        sentences: to be dealt out.
        count: of the folds.
        seed: of the order in which they are dealt.
    """
    units = _equal_joined(sentences, units_of(sentences, fewest=max(20, count)))
    sizes = np.bincount(units, weights=[len(sentence.spelled) for sentence in sentences])
    fold = np.zeros(len(sizes), dtype=np.int64)
    filled = np.zeros(count)
    for unit in np.random.default_rng([seed, count]).permutation(len(sizes)):
        fold[unit] = int(filled.argmin())
        filled[fold[unit]] += sizes[unit]
    return [int(number) for number in fold[units]]


def _equal_joined(sentences: Sequence[Sentence], units: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The units, those of the same words as one, counted from 0."""
    words: dict[int, list[tuple[str, ...]]] = {}
    for unit, sentence in zip(units.tolist(), sentences, strict=True):
        words.setdefault(unit, []).append(tuple(sentence.spelled))
    first: dict[tuple[tuple[str, ...], ...], int] = {}
    joined = {unit: first.setdefault(tuple(said), len(first)) for unit, said in words.items()}
    return np.array([joined[unit] for unit in units.tolist()], dtype=np.int64)


def train_folds(
    config: Config,
    corpus: Corpus,
    count: int,
    *,
    folder: Path,
    listener: Listener = Listener(),
    on_fold: Callable[[str], object] = lambda told: None,
    resume: bool = False,
) -> Folds:
    """Trains a model on all but each of some folds; a fold that the folder has already isn't trained again.

    Args:
        config: all settings.
        corpus: its train and dev sentences together are dealt out; those with unknown tags are always trained on. A
            document of which sentences are dealt out stays apart from others, on either side.
        count: of the folds, at least 2.
        folder: gets what the models say of their folds, `fold-1.json` and so on, at the end together `OUT_OF_FOLD`.
        listener: hears of progress.
        on_fold: is told of each fold.
        resume: go on with a fold that was interrupted.

    Raises:
        ConfigError: less than 2 folds, several corpora, or the folder has folds of another corpus or other settings.
        DataError: there are fewer sentences or documents than folds.
    """
    if count < 2:
        raise ConfigError(f"--folds: expected at least 2, found {count}")
    if corpus.parts:
        raise ConfigError("--folds: expected one corpus, found several in [[data.corpora]]; join them in one file")
    together = all_sentences(corpus)
    dealt = [index for index, sentence in enumerate(together) if not is_partial(sentence.tags or ())]
    numbers = fold_of(chosen_sentences(together, dealt), count, seed=config.training.seed) if dealt else []
    if len(set(numbers)) < count:
        raise DataError(f"--folds: expected at least {count} sentences or documents, found {len(set(numbers))}")
    key = [key_of(config), count, fingerprint(together)]
    folder.mkdir(parents=True, exist_ok=True)
    # With patience folds would end at different epochs, of which no mean can be taken.
    config = config.model_copy(update={"training": config.training.model_copy(update={"patience": None})})
    folds = []
    for number in range(1, count + 1):
        path = folder / f"fold-{number}.json"
        left_out = {index for index, own in zip(dealt, numbers, strict=True) if own == number - 1}
        held_out = chosen_sentences(together, left_out)
        if path.exists():
            values = json.loads(path.read_text(encoding="utf-8", errors="surrogatepass"))
            if values["key"] != key:
                raise ConfigError(
                    f"{folder}: expected folds of this corpus and these settings, found others; begin anew with --force"
                )
        else:
            rest = chosen_sentences(together, set(range(len(together))) - left_out)
            part = Corpus(rest, held_out, unlabelled=corpus.unlabelled)
            state = folder / f"fold-{number}.unfinished"
            state.mkdir(exist_ok=True)
            going_on = resume and is_unfinished(state)
            model = train_model(config, part, listener=listener, state=state, resume=going_on)
            values = {"key": key, **_told(model, held_out, number)}
            with staged_file(path) as stage:
                stage.write_text(json.dumps(values), encoding="utf-8", errors="surrogatepass")
            for left in state.iterdir():
                left.unlink()
            state.rmdir()
        folds.append(values)
        best = max(values["f1"])
        on_fold(f"fold {number} of {count}: {len(held_out):,} sentences, best F1 {100 * best:.2f}")
    rows = [out_of_fold_from_dict(row) for values in folds for row in values["rows"]]
    write_out_of_fold(rows, folder / OUT_OF_FOLD)
    return _joined(config, folds, rows)


def refit_settings(config: Config, folds: Folds) -> Config:
    """The settings of a model trained on everything: for as long as the folds say, with what they fitted."""
    training = config.training.model_copy(update={"epochs": folds.epochs, "patience": None, "calibrate": False})
    fitted: dict[str, object] = {"temperature": folds.temperature}
    if config.training.calibrate and config.model.decoding == "threshold":
        # As without a dev set: an unfitted threshold may find less than the most probable tags do.
        fitted |= {"decoding": "viterbi"} if folds.threshold is None else {"threshold": folds.threshold}
    return config.model_copy(update={"training": training, "model": config.model.model_copy(update=fitted)})


def with_folds(model: Model, config: Config, folds: Folds) -> Model:
    """The model that was trained on everything under `refit_settings`, told of the folds and of its own settings.

    Args:
        model: of `train_model`.
        config: the settings that were asked for.
        folds: of `train_folds`.
    """
    values = {"calibrate": config.training.calibrate, "patience": config.training.patience}
    training = model.config.training.model_copy(update=values)
    told = {**model.metrics, "folds": folds.as_dict()}
    return replace(model, config=model.config.model_copy(update={"training": training}), metrics=told)


def _told(model: Model, held_out: Sequence[Sentence], number: int) -> dict[str, Any]:
    """What is kept of a fold: F1 after each epoch, the temperature, what its model says of what was held out."""
    reader = reader_of(model)
    rows = join(held_out, reader.candidates(held_out), number)
    return {
        "f1": [epoch["f1"] for epoch in model.history],
        "temperature": model.config.model.temperature,
        "rows": [row.as_dict() for row in rows],
    }


def _joined(config: Config, folds: Sequence[dict[str, Any]], rows: Sequence[OutOfFold]) -> Folds:
    reached = min(len(values["f1"]) for values in folds)
    means = [statistics.mean(values["f1"][epoch] for values in folds) for epoch in range(reached)]
    best = max(range(reached), key=lambda epoch: means[epoch])
    threshold = None
    if config.model.decoding == "threshold" and config.training.calibrate:
        gold: dict[str, int] = {}
        candidates = []
        for place, row in enumerate(rows):
            spans = set(row.sentence.spans)
            for span in spans:
                gold[span.label] = gold.get(span.label, 0) + 1
            candidates += [
                Candidate(place, place, span.start, span.end, span.label, score, span in spans)
                for span, score in row.candidates
            ]
        threshold = _threshold(candidates, gold)
    temperature = round(statistics.geometric_mean(values["temperature"] for values in folds), 4)
    return Folds(best + 1, tuple(v["f1"][best] for v in folds), temperature, threshold, len(rows))


def _threshold(candidates: Sequence[Candidate], gold: dict[str, int]) -> float | None:
    if sum(gold.values()) < FEWEST_FOR_THRESHOLD or not any(each.correct for each in candidates):
        return None
    return fit_thresholds(without_overlaps(candidates), gold)[0]
