"""How well a recognizer does on sentences whose tags are known: the part of the façade that scores."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from ner.evaluation.training_entities import Memory, Training
from ner.inference import arguments
from ner.inference.decoding import ScoredSpans
from ner.inference.loading import Model
from ner.inference.prediction import Reader
from ner.text.document import Document
from ner.text.sentence import Sentence

if TYPE_CHECKING:  # who only tags shouldn't wait for what evaluates
    from collections.abc import Iterable, Iterator

    from ner.data_settings import DataConfig
    from ner.evaluation.analysis import Analysis
    from ner.evaluation.calibration import Calibration
    from ner.evaluation.report import Report
    from ner.evaluation.shift import Shift


class Judging:
    """The part of `Tagger` that scores it."""

    _model: Model
    _reader: Reader

    if TYPE_CHECKING:  # which `Tagger` has

        def find_spans(self, sentences: Sequence[Sentence]) -> list[ScoredSpans]:
            """As `Tagger.find_spans`."""

        def tag_documents(self, documents: Iterable[Document]) -> Iterator[Document]:
            """As `Tagger.tag_documents`."""

    @property
    def memory(self) -> Memory | None:
        """What it remembers of its training entities; None where it was told to forget."""
        return self._model.memory

    def candidates(self, sentences: Sequence[Sentence]) -> list[ScoredSpans]:
        """Each entity of each sentence that may be, those that overlap too, as probable as the network has it."""
        return self._reader.candidates(arguments.checked_sentences(sentences))

    def calibration(self, sentences: Sequence[Sentence]) -> "Calibration":
        """How well calibrated its scores are on tagged sentences; DataError where no entity is predicted in any."""
        from ner.evaluation import timed

        return timed.calibration(arguments.checked_tagged(sentences), self.find_spans)

    def evaluate(self, sentences: Sequence[Sentence]) -> "Report":
        """How well it tags sentences whose tags are known, as conlleval counts; DataError where one has no tags."""
        from ner.evaluation import timed

        return timed.evaluate(arguments.checked_tagged(sentences), self._reader.spans)

    def analyse(self, sentences: Sequence[Sentence], *, memory: Memory | None = None) -> "Analysis":
        """What lies behind `evaluate`: relaxed scores, mistakes by kind, slices, intervals, calibration.

        Args:
            sentences: whose tags are known.
            memory: of the training entities; None: what the model itself remembers.

        Raises:
            DataError: a sentence has no tags.
        """
        from ner.evaluation import timed

        return timed.analyse(arguments.checked_tagged(sentences), self.find_spans, self._training(memory))

    def analyse_documents(
        self,
        documents: Sequence[Document],
        *,
        memory: Memory | None = None,
        labels: Collection[str] | None = None,
        data: "DataConfig | None" = None,
    ) -> "Analysis":
        """As `analyse`, of texts: cut as this model cuts them, whatever their entities are.

        Args:
            documents: with their entities.
            memory: as in `analyse`.
            labels: those that count; None: all.
            data: what becomes of an entity that isn't one of whole tokens, or shares a character; None: what the
                model's own settings say.

        Raises:
            DataError: there is such an entity, and `data` makes that an error.
        """
        from ner.evaluation import timed

        checked, training = list(arguments.checked_documents(documents)), self._training(memory)
        return timed.analyse_documents(
            checked, self.tag_documents, training, data=data or self._model.config.data, labels=labels
        )

    def shift(
        self, sentences: Sequence[Sentence], others: Sequence[Sentence], *, names: tuple[str, str] = ("one", "other")
    ) -> "Shift":
        """How far other text is from that of these sentences, as this model sees both; no tags are looked at.

        Args:
            sentences: of the text that it was measured or calibrated on.
            others: of the other text, at least fifty of each.
            names: what the two are called in messages.

        Raises:
            DataError: one has fewer sentences.
        """
        from ner.evaluation.shift import find_shift
        from ner.inference.seeing import see

        here, there = (see(self._reader, arguments.checked_sentences(each)) for each in (sentences, others))
        return find_shift(here, there, names=names)

    def _training(self, memory: Memory | None) -> Training:
        known = self._model.vocabularies
        return Training(known.words, memory or self._model.memory, known.script)
