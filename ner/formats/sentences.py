"""Tagged sentences of documents and of files of any format: where character ranges become spans of tokens.

What doesn't fit (`ner.text.alignment`) is settled as `[data]` says, and told.
"""

from collections.abc import Container, Iterable, Sequence
from itertools import chain
from pathlib import Path

from ner.collector import no_search_for_cycles
from ner.data_settings import DataConfig
from ner.errors import DataError, NerError
from ner.formats.format import Format, Losses
from ner.formats.rows import PREFIXES_READ, TAG_HINT
from ner.formats.table import find_format, name_for_reading
from ner.text.alignment import align
from ner.text.document import Document
from ner.text.documents import count_documents
from ner.text.misfits import KINDS
from ner.text.sentence import Entity, Sentence
from ner.text.spelling import PREFIX_ALONE
from ner.text.tokenizer import split_sentences


def read_sentences(path: str | Path, data: DataConfig, losses: Losses | None = None) -> list[Sentence]:
    """The tagged sentences of a file of any format, tags as IOB2.

    Raises:
        DataError: the file is missing, empty, or isn't as described; names the line.
        ConfigError: its format is in doubt.
    """
    losses = Losses() if losses is None else losses
    form = find_format(name_for_reading(path, data))
    try:
        return _read(form, Path(path), data, losses)
    except DataError as error:
        if not form.line_reader and _reads_prefixes(form, Path(path), data):
            message = str(error).removesuffix(f"; {TAG_HINT}")
            raise DataError(f"{message}; {PREFIXES_READ}") from None
        raise


def _read(form: Format, path: Path, data: DataConfig, losses: Losses) -> list[Sentence]:
    if form.read_sentences:
        return form.read_sentences(path, data, losses)
    assert form.read
    with no_search_for_cycles():
        sentences = sentences_of(form.read(path, data, losses), data, losses)
    if not sentences:
        raise DataError(f"{path}: expected tagged sentences, found none; is it the right file?")
    return sentences


def _reads_prefixes(form: Format, path: Path, data: DataConfig) -> bool:
    """Whether a file that can't be read can where tags are prefixes alone."""
    if "tag_pattern" not in form.settings or data.tag_pattern:
        return False
    try:
        sentences = _read(form, path, data.model_copy(update={"tag_pattern": PREFIX_ALONE}), Losses())
    except NerError:
        return False
    return any(sentence.spans for sentence in sentences)


def sentences_of(documents: Iterable[Document], data: DataConfig, losses: Losses) -> list[Sentence]:
    """The tagged sentences of documents, in order.

    Those that open a document know it, where any document has several sentences; where each has one, what counts as a
    document is `data.document_sentences` sentences.
    """
    found = [tagged_of(document, data, losses) for document in documents]
    if any(len(sentences) > 1 for sentences in found):
        return [_marked(s, opens=not place) for sentences in found for place, s in enumerate(sentences)]
    plain = [_marked(sentence, opens=False) for sentence in chain(*found)]
    return count_documents(plain, data.document_sentences)


def tagged_of(document: Document, data: DataConfig, losses: Losses) -> list[Sentence]:
    """The tagged sentences of a document, its text cut where it has none, its entities laid over their tokens.

    Raises:
        DataError: an entity doesn't fit, where `data` makes that an error.
    """
    if document.sentences and all(sentence.tags is not None for sentence in document.sentences):
        kept = sum(len(sentence.spans) for sentence in document.sentences)
        if kept < len(document.entities):
            losses.add(
                "entities within others or over them: left out", document.name, count=len(document.entities) - kept
            )
        return list(document.sentences)
    cut: Sequence[Sentence] = document.sentences or cut_text(document, data)
    return list(lay(document.entities, cut, document, data, losses))


def cut_text(document: Document, data: DataConfig) -> list[Sentence]:
    """The sentences of a document's text as a model cuts text that is trained with these settings."""
    sentences = split_sentences(document.text, mode=data.cut)
    return [
        Sentence(None, None, s.opens_document, document.source, spelled=s.spelled, starts=s.starts) for s in sentences
    ]


def lay(
    entities: Iterable[Entity],
    sentences: Sequence[Sentence],
    document: Document,
    data: DataConfig,
    losses: Losses,
    *,
    told: Container[str] = frozenset(KINDS),
) -> tuple[Sentence, ...]:
    """Sentences of a document with the spans of these entities; `told`: the kinds of misfits that are counted.

    Raises:
        DataError: an entity doesn't fit, where `data` makes that an error.
    """
    aligned = align(
        entities,
        sentences,
        text=document.text,
        misaligned=data.misaligned,
        overlaps=data.overlaps,
        name=document.name,
    )
    for misfit in aligned.report.misfits:
        if misfit.kind not in told:
            continue
        entity = misfit.entity
        place = f"{document.name}: {entity.label} {entity.text!r} at character {entity.start}"
        losses.add(f"entities ({misfit.kind}): {KINDS[misfit.kind]}", place)
    return aligned.sentences


def tell_what_tags_lose(document: Document, sentences: Iterable[Sentence], losses: Losses) -> None:
    """Count what of a document is not in its tagged sentences, for formats that write nothing else."""
    words = "\n".join(" ".join(sentence.spelled) for sentence in sentences)
    if document.text != words:
        losses.add("texts: blanks and line ends between words are not kept", document.name)
    if document.id is not None:
        losses.add("names of documents: not kept", document.name)
    if document.meta:
        losses.add("documents with further fields: not kept", f"{document.name}: {', '.join(map(str, document.meta))}")
    if any(entity.score is not None for entity in document.entities):
        losses.add("documents whose entities have probabilities: not kept", document.name)


def _marked(sentence: Sentence, *, opens: bool) -> Sentence:
    if sentence.opens_document == opens:
        return sentence
    # Not `replace`, which would ask every sentence for its tags.
    spelled, starts, spans = sentence.spelled, sentence.starts, sentence.spans
    return Sentence(None, None, opens, sentence.source, spelled=spelled, starts=starts, spans=spans)
