"""The spaCy component `bilstm_crf_ner`: tags the tokens of a `Doc` as spaCy cut them, and sets its entities.

spaCy makes it by the factory in `bilstm_crf_ner_spacy`, which stands beside the package. Blanks are tokens to spaCy and
none to a recognizer: they are left out of its sentences, and no entity begins or ends with one. Of spaCy a component
is asked for `__call__`, `pipe`, `score` and the four ways of keeping it: https://spacy.io/api/pipe.
"""

import shutil
import warnings
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from ner.errors import ConfigError, ModelError
from ner.inference.documents import batched
from ner.model_files import hold_files, read_files, write_files
from ner.resources.models import find_model
from ner.tagger import Tagger, load
from ner.text.sentence import Sentence

try:
    import srsly
    from spacy.pipeline import Pipe
    from spacy.tokens import Doc, Span, SpanGroup
except ImportError:
    raise ConfigError("bilstm_crf_ner: expected the package `spacy`; pip install 'bilstm-crf-ner[spacy]'") from None

FACTORY = "bilstm_crf_ner"
_FOLDER = "model"  # of the model, in a component's own


@dataclass(frozen=True, slots=True)
class Settings:
    """The component's settings, as `nlp.add_pipe(…, config={…})` takes them.

    `model`, `threshold`, `runtime` and `device` are as `ner.load` takes them. `earlier_ents` says what becomes of the
    entities that a `Doc` has already: `replace` forgets them, `keep` keeps them all and adds those of ours that share
    no token with one, `overwrite` adds all of ours and keeps those that share no token with one. `spans_key` is the
    group of `doc.spans` that all of ours are in, with their scores.
    """

    model: str
    threshold: float | None = None
    runtime: str = "auto"
    device: str = "auto"
    earlier_ents: str = "replace"
    spans_key: str = "ner"


class EntityTagger(Pipe):
    """A tagger as a component of a spaCy pipeline; `nlp.add_pipe("bilstm_crf_ner")` makes one."""

    def __init__(self, name: str, settings: Settings, *, scorer: Callable[..., dict[str, Any]] | None = None) -> None:
        """A model that isn't there is an error when it is first needed: `from_disk` and `from_bytes` bring another."""
        self.name = name
        self.scorer = scorer
        self.settings = settings
        self._tagger: Tagger | None = None
        self._folder: Path | None = None
        self._missing: ModelError | None = None
        add_extensions()
        try:
            self._load(find_model(settings.model, warn=partial(warnings.warn, stacklevel=2)))
        except ModelError as error:
            self._missing = error

    def __reduce__(self) -> tuple[Any, ...]:
        # With its model, which may lie in a folder that goes when this component does.
        content = None if self._missing else self.to_bytes()
        return _restored, (self.name, self.settings, self.scorer, content)

    @property
    def tagger(self) -> Tagger:
        """What tags.

        Raises:
            ModelError: the model that the settings name isn't there, and no other was brought.
        """
        if self._tagger is None:
            assert self._missing is not None
            raise self._missing
        return self._tagger

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels it can predict, in alphabetic order; none where its model is missing."""
        return () if self._tagger is None else tuple(self._tagger.labels)

    def __call__(self, doc: Doc) -> Doc:
        """The same `Doc` with its entities set."""
        self._annotate([doc])
        return doc

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 1000) -> Iterator[Doc]:
        """The same `Doc`s with their entities set, tagged so many together."""
        for docs in batched(stream, batch_size, characters=_count_characters):
            try:
                self._annotate(docs)
            except Exception as error:  # spaCy's manner: who uses the pipeline says what becomes of such documents
                self.get_error_handler()(self.name, self, docs, error)
            else:
                yield from docs

    def _annotate(self, docs: Sequence[Doc]) -> None:
        tagger = self.tagger
        cut = [cut_doc(doc, tagger.split) for doc in docs]
        found = iter(tagger.find_spans([sentence for parts in cut for sentence, _ in parts]))
        for doc, parts in zip(docs, cut, strict=True):
            spans, scores = [], []
            for (_, places), of_sentence in zip(parts, found, strict=False):
                for span, score in of_sentence:
                    spans.append(Span(doc, places[span.start], places[span.end - 1] + 1, span.label))
                    scores.append(score)
            attributes = {"factory": FACTORY, "scores": scores}
            key = self.settings.spans_key
            doc.spans[key] = SpanGroup(doc, name=key, attrs=attributes, spans=spans)
            doc.set_ents(_joined(doc.ents, spans, self.settings.earlier_ents))

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Copies the model into a folder `model` of this one, which may be there."""
        target = Path(path) / _FOLDER
        content = self._files()  # all, lest it be the folder itself
        shutil.rmtree(target, ignore_errors=True)
        write_files(content, target)

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> "EntityTagger":
        """The same component, with the model that `to_disk` copied there.

        Raises:
            ModelError: none is there, or it is damaged.
        """
        self._load(Path(path) / _FOLDER)
        return self

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """The files of the model."""
        content: bytes = srsly.msgpack_dumps(self._files())
        return content

    def from_bytes(self, bytes_data: bytes, *, exclude: Iterable[str] = ()) -> "EntityTagger":
        """The same component, with the model of `to_bytes`; its files lie in a temporary folder as long as it lives.

        Raises:
            ModelError: they are the bytes of something else, or damaged.
        """
        try:
            content = {str(name): bytes(file) for name, file in srsly.msgpack_loads(bytes_data).items()}
        except Exception as error:  # whatever msgpack and what it makes of other bytes raise
            raise ModelError(
                f"{self.name}: expected the bytes that to_bytes makes, found others: {type(error).__name__}; "
                "make them again"
            ) from None
        self._load(hold_files(content, self))
        return self

    def _files(self) -> dict[str, bytes]:
        if self._missing:
            raise self._missing
        assert self._folder is not None
        return read_files(self._folder)

    def _load(self, folder: Path) -> None:
        s = self.settings
        self._tagger = load(folder, device=s.device, runtime=s.runtime, threshold=s.threshold)
        self._folder, self._missing = folder, None


class Part(NamedTuple):
    """A sentence of a `Doc`, and which of the tokens of the `Doc` each of its own is."""

    sentence: Sentence
    places: Sequence[int]


def cut_doc(doc: Doc, split: Callable[[str], list[Sentence]]) -> list[Part]:
    """The sentences of a `Doc`, of all its tokens but blanks, the first opening a document; none has no token.

    They begin where the `Doc` says, or, where it says nothing of sentences, at the tokens that ours begin in.

    Args:
        doc: whose tokens they are of.
        split: cuts a text into sentences.
    """
    words = [token.text for token in doc]
    offsets = doc.to_array("IDX").tolist()
    places: Sequence[int] = range(len(words))
    if any(word.isspace() for word in words):
        places = [place for place, word in enumerate(words) if not word.isspace()]
        words, offsets = [words[place] for place in places], [offsets[place] for place in places]
    if doc.has_annotation("SENT_START"):
        firsts = {bisect_left(places, sentence.start) for sentence in doc.sents}
    else:
        firsts = {bisect_left(offsets, sentence.starts[0]) for sentence in split(doc.text)}
    return [
        Part(
            Sentence(None, None, first == 0, spelled=tuple(words[first:end]), starts=tuple(offsets[first:end])),
            places[first:end],
        )
        for first, end in pairwise(sorted({0, *firsts, len(words)}))
    ]


def _joined(earlier: Sequence[Span], found: Sequence[Span], how: str) -> list[Span]:
    """The entities of a `Doc`, which share no token."""
    if how == "replace" or not earlier:
        return list(found)
    first, second = (earlier, found) if how == "keep" else (found, earlier)
    taken = {place for span in first for place in range(span.start, span.end)}
    return [*first, *(span for span in second if taken.isdisjoint(range(span.start, span.end)))]


def add_extensions() -> None:
    """Add `doc._.ner_scores` and `span._.ner_score`, unless there are extensions of these names.

    Both read the groups of `doc.spans` that the component made; nothing else is stored. A span's own attributes are
    kept by its offsets alone, which a span of another label may share.
    """
    if not Doc.has_extension("ner_scores"):
        Doc.set_extension("ner_scores", getter=scores_of)
    if not Span.has_extension("ner_score"):
        Span.set_extension("ner_score", getter=score_of)


def scores_of(doc: Doc) -> dict[tuple[int, int, str], float]:
    """The probability of each entity that the component found, by its first token, the one behind it, and its label."""
    scores: dict[tuple[int, int, str], float] = {}
    for group in doc.spans.values():
        if group.attrs.get("factory") == FACTORY:
            for span, score in zip(group, group.attrs["scores"], strict=True):
                scores[span.start, span.end, span.label_] = score
    return scores


def score_of(span: Span) -> float | None:
    """The probability of an entity; None where the component did not find it so."""
    return scores_of(span.doc).get((span.start, span.end, span.label_))


def _count_characters(doc: Doc) -> int:
    return doc[-1].idx + len(doc[-1]) if len(doc) else 0


def _restored(name: str, settings: Settings, scorer: Any, content: bytes | None) -> EntityTagger:
    made = EntityTagger(name, settings, scorer=scorer)
    return made if content is None else made.from_bytes(content)
