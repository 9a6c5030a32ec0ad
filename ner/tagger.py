"""The façade: a trained recognizer that tags text.

Text becomes sentences, sentences spans, spans entities with character offsets on the untouched text.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ner.collector import no_search_for_cycles
from ner.config import Config
from ner.errors import ModelError, check_type
from ner.inference import arguments
from ner.inference.combining import Combiner
from ner.inference.decoding import ScoredSpans, as_calibrated, check_threshold, with_threshold
from ner.inference.documents import batched, labellings_of, tag_batches
from ner.inference.loading import Model, in_short, load_model, save_model, torch_network
from ner.inference.prediction import Reader, SpanLabelling, reader_of
from ner.judging import Judging
from ner.resources.models import find_model
from ner.sharing import Shared
from ner.text.alignment import entity_of
from ner.text.document import Document
from ner.text.sentence import Entity, Labelling, Sentence, sentence_from_words
from ner.text.tags import spans_to_tags
from ner.text.tokenizer import split_sentences

if TYPE_CHECKING:  # who only tags shouldn't wait for what evaluates
    from ner.inspection.trace import Inspection, Transitions

_SHORT = 10_000  # characters of a text that others may wait for


class Tagger(Judging, Shared):
    """A trained recognizer; made by `ner.load` or `ner.train`.

    Several threads may use one at once (what they ask in the same moment is read in one batch, which may change a last
    digit), and so may processes forked from this one. It is pickled as the name of its model directory.
    """

    def __init__(
        self,
        model: Model,
        *,
        folder: Path | None = None,
        device: str = "auto",
        threshold: float | None = None,
        calibration: str = "use",
    ) -> None:
        """`folder` holds the model, if it is saved; with the others, which `load` explains, it is unpickled."""
        self._model, self._reader, self._together = model, reader_of(model), Combiner()
        self._folder = folder
        runtime = model.runtime
        self._load = partial(load, device=device, runtime=runtime, threshold=threshold, calibration=calibration)

    def __reduce__(self) -> tuple[Callable[..., "Tagger"], tuple[str]]:
        if self._folder is None:
            raise ModelError(
                "pickle: expected a Tagger that was loaded or saved, for it is pickled by its model directory, "
                "found one that has none; call its save(FOLDER) first"
            )
        return self._load, (str(self._folder),)

    def __repr__(self) -> str:
        return in_short(self._model, self._folder)

    @property
    def model(self) -> Model:
        """What it is made of: settings, vocabularies, network, what is known of its making. Not to be changed."""
        return self._model

    @property
    def reader(self) -> Reader:
        """What reads sentences for it, with all that it can tell of them: marginals, candidates, emissions."""
        return self._reader

    @property
    def labels(self) -> list[str]:
        """The labels it can predict, in alphabetic order."""
        return list(self._model.vocabularies.labels)

    @property
    def config(self) -> Config:
        """The settings it was trained with, and decodes by; `data.tokenizer` says how it cuts text."""
        return self._model.config

    @property
    def metrics(self) -> dict[str, Any]:
        """What is known of its making: scores, sizes, versions, as in `metrics.json`."""
        return self._model.metrics

    @property
    def runtime(self) -> str:
        """What computes its emissions: `torch`, `onnx` or `numpy`."""
        return self._model.runtime

    def tag(self, text: str) -> list[Entity]:
        """The entities of a text of any length, in order; `text[e.start:e.end] == e.text` for each."""
        if len(arguments.checked_text(text)) > _SHORT:
            return next(self.pipe([text]))
        entities: list[Entity] = self._together.ask("tag", [text], lambda texts: list(self.pipe(texts)))[0]
        return entities

    __call__ = tag

    def pipe(self, texts: Iterable[str], *, batch_size: int = 2048) -> Iterator[list[Entity]]:
        """The entities of each text, in the order of the texts.

        Args:
            texts: read as they are needed; never more than one batch is held.
            batch_size: texts that are tagged together, at least 1; long texts are fewer, a million characters together.

        Raises:
            ConfigError: a batch of less than one text.
        """
        for batch, cut in self._cut(texts, batch_size):
            spans = iter(self.find_spans([sentence for sentences in cut for sentence in sentences]))
            for text, sentences in zip(batch, cut, strict=True):
                yield [entity_of(text, s, *each) for s in sentences for each in next(spans)]

    def pipe_k_best(
        self, texts: Iterable[str], *, k: int, batch_size: int = 2048
    ) -> Iterator[tuple[list[Entity], list[list[Labelling]]]]:
        """Of each text the entities, as `pipe` gives them, and the labellings, as `k_best` does, read once.

        Args:
            texts: read as they are needed; never more than one batch is held.
            k: labellings of each sentence, at most.
            batch_size: as in `pipe`.

        Raises:
            ConfigError: k is less than 1, or a batch of less than one text.
        """
        for batch, cut in self._cut(texts, batch_size):
            answers = iter(self.find_k_best([sentence for sentences in cut for sentence in sentences], k=k))
            for text, sentences in zip(batch, cut, strict=True):
                entities: list[Entity] = []
                labellings = []
                for sentence in sentences:
                    spans, best = next(answers)
                    entities += [entity_of(text, sentence, *each) for each in spans]
                    labellings.append(labellings_of(text, sentence, best))
                yield entities, labellings

    def tag_documents(self, documents: Iterable[Document], *, batch_size: int = 2048) -> Iterator[Document]:
        """The same documents with the predicted entities in place of their own, and with their sentences tagged.

        Sentences that a document has are kept; the text of one without any is cut here. What the rest of a document
        says of a word, a model that asks for it learns from that document alone.

        Args:
            documents: read as they are needed; never more than one batch is held.
            batch_size: documents that are tagged together, as texts in `pipe`.

        Raises:
            ConfigError: a batch of less than one document.
        """
        batches = batched(arguments.checked_documents(documents), batch_size, characters=lambda each: len(each.text))
        yield from tag_batches(batches, self.split, self.find_spans)

    def k_best(self, text: str, *, k: int) -> list[list[Labelling]]:
        """For each sentence of a text its k most probable labellings, best first; their entities have no score."""
        return next(self.pipe_k_best([arguments.checked_text(text)], k=k))[1]

    def _cut(self, texts: Iterable[str], batch_size: int) -> Iterator[tuple[list[str], list[list[Sentence]]]]:
        """Batches of texts, and the sentences of each text."""
        for batch in batched(arguments.checked_texts(texts), batch_size, characters=len):
            with no_search_for_cycles():
                cut = [self.split(text) for text in batch]
            yield batch, cut

    def split(self, text: str) -> list[Sentence]:
        """The sentences of a text, cut into tokens as the training corpus was."""
        return split_sentences(text, mode=self._model.config.data.cut)

    def tag_words(self, words: Sequence[str]) -> list[str]:
        """IOB2 tags of a sentence that is already cut into words, one a word."""
        return self.tag_sentences([sentence_from_words(arguments.checked_words(words))])[0]

    def tag_sentences(self, sentences: Sequence[Sentence]) -> list[list[str]]:
        """IOB2 tags of each sentence, one a token; tags that the sentences carry aren't looked at."""
        predicted = self._reader.spans(arguments.checked_sentences(sentences))
        return [spans_to_tags(spans, len(s.spelled)) for spans, s in zip(predicted, sentences, strict=True)]

    def find_spans(self, sentences: Sequence[Sentence], *, threshold: float | None = None) -> list[ScoredSpans]:
        """The spans of each sentence, in tokens, each with its probability; with a threshold, as `load` takes it."""
        return self._reader.at(threshold).scored_spans(arguments.checked_sentences(sentences))

    def find_k_best(
        self, sentences: Sequence[Sentence], *, k: int, threshold: float | None = None
    ) -> list[tuple[ScoredSpans, list[SpanLabelling]]]:
        """Of each sentence what `find_spans` gives, and its k (at least 1) most probable labellings, best first."""
        return self._reader.at(threshold).k_best(arguments.checked_sentences(sentences), k=k)

    def entropy(self, sentences: Sequence[Sentence]) -> list[float]:
        """The exact entropy over all tag sequences of each sentence, natural logarithm; 0 where it is sure."""
        return self._reader.entropies(arguments.checked_sentences(sentences))

    def inspect(self, text: str) -> "list[Inspection]":
        """What happens in the network at each sentence of a text: gates, cell states, scores, influences, as arrays.

        Raises DataError where one is longer than a picture could show, ConfigError where PyTorch isn't installed.
        """
        from ner.inspection.trace import inspect_sentences

        return inspect_sentences(self._model, self.split(text))

    def learned_transitions(self) -> "Transitions":
        """The CRF's transition scores with the tags' names."""
        from ner.inspection.trace import learned_transitions

        return learned_transitions(torch_network(self._model), self._model.vocabularies)

    def shrink(self, *, weights: str = "int8", keep_vectors: str = "all", most_words: int | None = None) -> "Tagger":
        """The same tagger to be saved in less room, as `ner.inference.shrinking.shrink` makes it of a model.

        What that costs shows when the saved one is loaded.
        """
        from ner.inference.shrinking import shrink

        return Tagger(shrink(self._model, weights=weights, keep_vectors=keep_vectors, most_words=most_words))

    def save(self, folder: str | Path) -> None:
        """Writes the model directory, with a picture of its training if matplotlib is there; whole or not at all.

        A picture or a card that can't be made is a warning, and the model whole without it.

        Raises:
            ConfigError: what is given is no path.
            ModelError: the folder holds something that isn't a model.
        """
        from ner.reporting.curves import draw_curves

        check_type("folder", folder, str | Path, "where the model directory goes")
        warned = save_model(self._model, folder, draw_curves=partial(draw_curves, self._model.history))
        self._folder = Path(folder).resolve()
        for warning in warned:
            warnings.warn(warning, stacklevel=2)


def load(
    folder: str | Path,
    *,
    device: str = "auto",
    runtime: str = "auto",
    threshold: float | None = None,
    calibration: str = "use",
) -> Tagger:
    """The recognizer of a model directory, or of a ready-made model.

    Args:
        folder: as `ner train` or `Tagger.save` wrote it, on whatever device; or the name of a ready-made model, unless
            it is a `Path`, has a slash in it, or a folder has that name, which is taken with a warning.
        device: `auto` (a GPU where there is one), `cpu`, `cuda`, `cuda:1`.
        runtime: what computes: `torch`, `onnx` (ONNX Runtime), `numpy`, or `auto`, the fastest that is installed. The
            tags are the same, the probabilities to the fifth digit.
        threshold: predict each entity of at least this probability, whatever the model's own `decoding` is.
        calibration: `use` what `ner calibrate` fitted, find what is to be looked at too (`review`), or `ignore` it.

    Raises:
        ModelError: no such model; or as `load_model`.
        ConfigError: no such device, runtime or way of calibration, or none here, or a threshold outside 0 to 1.
    """
    check_type("folder", folder, str | Path, "a model directory, or the name of a ready-made model")
    if threshold is not None:
        check_threshold(threshold)
    with no_search_for_cycles():
        found = find_model(folder, warn=partial(warnings.warn, stacklevel=3))
        loaded = as_calibrated(load_model(found, device, runtime=runtime), calibration)
        model = loaded if threshold is None else with_threshold(loaded, threshold)
        return Tagger(model, folder=found.resolve(), device=device, threshold=threshold, calibration=calibration)
