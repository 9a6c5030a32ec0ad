"""The façade: a trained recognizer that tags text.

Text becomes sentences, sentences spans, spans entities with character offsets on the untouched text.
"""

import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ner.collector import no_search_for_cycles
from ner.config import Config
from ner.errors import ConfigError, DataError, ModelError
from ner.evaluation.analysis import Analysis, analyse
from ner.evaluation.calibration import Calibration, measure_calibration
from ner.evaluation.report import Report, report_tags
from ner.evaluation.training_entities import Memory, Training
from ner.formats.corpus import Corpus
from ner.inference.decoding import check_threshold, with_threshold
from ner.inference.loading import Model, load_model, save_model
from ner.inference.prediction import choose_device, make_reader, predict_readings, predict_spans, predict_tags
from ner.inference.shrinking import shrink
from ner.inspection.trace import Inspection, Moves, inspect_sentences, learned_moves
from ner.reporting.curves import draw_curves
from ner.text.alignment import entity_of
from ner.text.partial import is_partial
from ner.text.sentence import Entity, Reading, Sentence, Span, sentence_from_words
from ner.text.tags import spans_to_tags, tags_to_spans
from ner.text.tokenizer import split_sentences
from ner.threads import survive_forks
from ner.training.events import Epoch, Listener
from ner.training.training import train_model

# Of texts that are cut and tagged together; a token takes some 500 bytes on the way.
_MOST_CHARACTERS = 1_000_000


class Tagger:
    """A trained recognizer; made by `ner.load` or `ner.train`.

    Several threads may use one at once, and so may processes forked from this one. It is pickled as the name of its
    model directory, and read from there again.
    """

    def __init__(
        self, model: Model, *, folder: Path | None = None, device: str = "auto", threshold: float | None = None
    ) -> None:
        """`folder` holds the model, if it is saved; `device` and `threshold` are those it is unpickled with."""
        self._model = model
        self._reader = make_reader(model.network, model.vocabularies)
        self._folder = folder
        self._device = device
        self._threshold = threshold
        survive_forks()

    def __reduce__(self) -> tuple[Callable[..., "Tagger"], tuple[str]]:
        if self._folder is None:
            raise ModelError(
                "pickle: expected a Tagger that was loaded or saved, for it is pickled by its model directory, "
                "found one that has none; call its save(FOLDER) first"
            )
        return partial(load, device=self._device, threshold=self._threshold), (str(self._folder),)

    @property
    def labels(self) -> list[str]:
        """The labels it can find, in alphabetic order."""
        return list(self._model.vocabularies.labels)

    @property
    def config(self) -> Config:
        """The settings it was trained with, and decodes by; `data.tokenizer` says how it cuts text."""
        return self._model.config

    @property
    def metrics(self) -> dict[str, Any]:
        """What is known of its making: scores, sizes, versions, as in `metrics.json`."""
        return self._model.metrics

    def tag(self, text: str) -> list[Entity]:
        """The entities of a text of any length, in order; `text[e.start:e.end] == e.text` for each."""
        return next(self.pipe([text]))

    def pipe(self, texts: Iterable[str], *, batch_size: int = 2048) -> Iterator[list[Entity]]:
        """The entities of each text, in the order of the texts.

        Args:
            texts: read as they are needed; never more than one batch is held.
            batch_size: texts that are tagged together, at least 1; long texts are fewer, a million characters together.

        Raises:
            ConfigError: a batch of less than one text.
        """
        if batch_size < 1:
            raise ConfigError(f"batch_size: expected at least 1 text, found {batch_size}")
        for batch in batched_texts(texts, batch_size):
            with no_search_for_cycles():
                cut = [self.split(text) for text in batch]
            spans = iter(self.find_spans([sentence for sentences in cut for sentence in sentences]))
            for text, sentences in zip(batch, cut, strict=True):
                yield [entity_of(text, s, *found) for s in sentences for found in next(spans)]

    def readings(self, text: str, *, k: int) -> list[list[Reading]]:
        """For each sentence of a text its k most probable readings, best first, as many as there are.

        The probabilities are of whole readings; their entities carry no score of their own.
        """
        sentences = self.split(text)
        found = predict_readings(self._model.network, self._model.vocabularies, sentences, k=k, reader=self._reader)
        return [
            [
                Reading(probability, tuple(entity_of(text, sentence, span, None) for span in tags_to_spans(tags)))
                for tags, probability in readings
            ]
            for sentence, readings in zip(sentences, found, strict=True)
        ]

    def split(self, text: str) -> list[Sentence]:
        """The sentences of a text, cut into tokens as the training corpus was."""
        by_character = self._model.config.data.tokenizer == "characters"
        return split_sentences(text, mode="characters" if by_character else "words")

    def tag_words(self, words: Sequence[str]) -> list[str]:
        """IOB2 tags of a sentence that is already cut into words, one a word."""
        return self.tag_sentences([sentence_from_words(words)])[0]

    def tag_sentences(self, sentences: Sequence[Sentence]) -> list[list[str]]:
        """IOB2 tags of each sentence, one a token; tags that the sentences carry aren't looked at."""
        return predict_tags(self._model.network, self._model.vocabularies, sentences, reader=self._reader)

    def find_spans(self, sentences: Sequence[Sentence]) -> list[list[tuple[Span, float]]]:
        """The spans of each sentence, in tokens, each with its probability."""
        return predict_spans(self._model.network, self._model.vocabularies, sentences, reader=self._reader)

    def inspect(self, text: str) -> list[Inspection]:
        """What happens in the network while it reads each sentence of a text: gates, scores, influences, as arrays.

        Raises:
            DataError: a sentence is longer than a picture could show.
        """
        model = self._model
        return inspect_sentences(model.network, model.vocabularies, self.split(text))

    def learned_moves(self) -> Moves:
        """The CRF's transition scores with the tags' names."""
        return learned_moves(self._model.network, self._model.vocabularies)

    def calibration(self, sentences: Sequence[Sentence]) -> Calibration:
        """How honest its scores are on sentences whose tags are known.

        Raises:
            DataError: a sentence has no tags, or nothing is found in any.
        """
        _check_tagged(sentences)
        found = self.find_spans(sentences)
        gold = [set(tags_to_spans(sentence.tags or ())) for sentence in sentences]
        pairs = [(score, span in wanted) for spans, wanted in zip(found, gold, strict=True) for span, score in spans]
        return measure_calibration([score for score, _ in pairs], [right for _, right in pairs])

    def evaluate(self, sentences: Sequence[Sentence]) -> Report:
        """How well it tags sentences whose tags are known, as conlleval counts.

        Raises:
            DataError: a sentence has no tags.
        """
        _check_tagged(sentences)
        start = time.perf_counter()
        predicted = self.tag_sentences(sentences)
        seconds = time.perf_counter() - start
        return report_tags([sentence.tags or () for sentence in sentences], predicted, seconds=seconds)

    def analyse(self, sentences: Sequence[Sentence], *, memory: Memory | None = None) -> Analysis:
        """What lies behind `evaluate`: relaxed scores, mistakes by kind, slices, intervals, calibration.

        Args:
            sentences: whose tags are known.
            memory: of the training entities; None: what the model itself remembers.

        Raises:
            DataError: a sentence has no tags.
        """
        _check_tagged(sentences)
        start = time.perf_counter()
        found = self.find_spans(sentences)
        seconds = time.perf_counter() - start
        return analyse(
            sentences,
            [
                spans_to_tags([span for span, _ in spans], len(sentence.spelled))
                for spans, sentence in zip(found, sentences, strict=True)
            ],
            scheme="iob2",
            scores=[[score for _, score in spans] for spans in found],
            training=Training(self._model.vocabularies.words, memory or self._model.memory),
            seconds=seconds,
        )

    def shrink(self, *, weights: str = "int8", keep_vectors: str = "all") -> "Tagger":
        """The same tagger to be saved in less room; what that costs shows when the saved one is loaded.

        Args:
            weights: how weights are stored: `fp32`, `fp16` or `int8`.
            keep_vectors: `seen` drops the pretrained words that training never saw.
        """
        return Tagger(shrink(self._model, weights=weights, keep_vectors=keep_vectors))

    def save(self, folder: str | Path) -> None:
        """Writes the model directory; it appears whole or not at all.

        Where matplotlib is installed, a picture of the training run is in it. A picture or a card that can't be made
        is a warning, and the model whole without it.

        Raises:
            ModelError: the folder holds something that isn't a model.
        """
        found = save_model(self._model, folder, draw_curves=partial(draw_curves, self._model.history))
        self._folder = Path(folder).resolve()
        for warning in found:
            warnings.warn(warning, stacklevel=2)


def load(folder: str | Path, *, device: str = "auto", threshold: float | None = None) -> Tagger:
    """The recognizer of a model directory.

    Args:
        folder: as `ner train` or `Tagger.save` wrote it, on whatever device.
        device: `auto` (a GPU where there is one), `cpu`, `cuda`, `cuda:1`.
        threshold: find each entity of at least this probability, whatever the model's own `decoding` is.

    Raises:
        ModelError: a file is missing or damaged, or of a newer format.
        ConfigError: no such device, or a threshold that isn't above 0 and below 1.
    """
    if threshold is not None:
        check_threshold(threshold)
    with no_search_for_cycles():
        model = load_model(folder, choose_device(device))
        if threshold is not None:
            model = with_threshold(model, threshold)
        return Tagger(model, folder=Path(folder).resolve(), device=device, threshold=threshold)


def train(
    config: Config,
    corpus: Corpus,
    *,
    on_epoch: Callable[[Epoch], object] | None = None,
    listener: Listener | None = None,
    state: Path | None = None,
    resume: bool = False,
) -> Tagger:
    """A recognizer trained on a corpus; `save` writes it.

    Args:
        config: all settings, from `load_config`.
        corpus: from `load_corpus`.
        on_epoch: called with each `Epoch`; `print` will do.
        listener: hears of each batch, epoch and message; replaces `on_epoch`.
        state: folder for the state of the unfinished run, so that it can be resumed.
        resume: go on from `state`.

    Raises:
        TrainingError: nothing to learn from, or training diverged before there was a model to keep.
        DataError: a sentence hasn't one tag a token.
        VectorsError: the pretrained vectors are missing, damaged or of another width.
        ConfigError: no such device, or a run is resumed under other settings or on another corpus.
        ModelError: there is no whole run to resume, or its state can't be written.
    """
    if listener is None:
        listener = Listener(on_epoch=on_epoch) if on_epoch else Listener()
    return Tagger(train_model(config, corpus, listener=listener, state=state, resume=resume))


def batched_texts(texts: Iterable[str], batch_size: int) -> Iterator[list[str]]:
    """Batches of so many texts, or of as many as reach the number of characters that the memory should hold."""
    batch: list[str] = []
    characters = 0
    for text in texts:
        batch.append(text)
        characters += len(text)
        if len(batch) == batch_size or characters >= _MOST_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _check_tagged(sentences: Sequence[Sentence]) -> None:
    for sentence in sentences:
        if sentence.tags is None or is_partial(sentence.tags):
            found = "without tags" if sentence.tags is None else "with unknown tags"
            where = f"{sentence.where}: " if sentence.where else ""
            raise DataError(f"{where}expected tagged sentences, found one {found}: {sentence.words[:5]}")
