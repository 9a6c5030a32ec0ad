"""Annotated text that other Python libraries hold: pandas, `datasets`, lists; documents of it, and a data set of them.

Neither library is imported for reading: whoever has such a value has imported it.
"""

import warnings
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

from ner.config import parse_config
from ner.data_settings import DataConfig
from ner.errors import ConfigError, DataError
from ner.formats.corpus import sentences_of_dataset
from ner.formats.format import Losses
from ner.formats.json_text import is_pair, told
from ner.formats.records import document_of
from ner.formats.sentences import tagged_of, tell_what_tags_lose
from ner.text.document import Document, document_from_sentences
from ner.text.sentence import Sentence
from ner.text.tags import OUTSIDE

# How columns are called where people keep a word a row, in lower case.
_SENTENCE = ("sentence #", "sentence_id", "sentence id", "sentence_idx", "sent_id", "sentence")
_WORD = ("word", "words", "token", "tokens")
_TAG = ("tag", "tags", "ner_tag", "ner_tags", "ner", "label", "labels")


def documents_from(value: Any, *, settings: Mapping[str, object] | None = None) -> list[Document]:
    """The documents of annotated text that another library, or Python itself, holds.

    What can't be kept is a warning, with how much of it there is.

    Args:
        value: a pandas DataFrame, a row for each text (`text`, `entities`) or for each word (sentence, word, tag; an
            empty cell means the sentence of the row before); a `datasets.Dataset` of words and tags (names, or numbers
            that a ClassLabel names) or of texts and entities; or an iterable of `(text, [(start, end, label)])`, of
            spaCy's `(text, {"entities": …})`, or of dictionaries that are records of the format `jsonl`.
        settings: settings of `[data]` by name, such as `{"tags_feature": "tags"}`.

    Raises:
        ConfigError: no such setting.
        DataError: the value is none of these, or one of its rows isn't as it should be; names the row.

    >>> documents_from([("Rome!", [(0, 4, "LOC")])])[0].entities
    (Entity(label='LOC', text='Rome', start=0, end=4, score=None),)
    """
    data = parse_config({"data": dict(settings or {})}, "documents_from").data
    losses = Losses()
    library = type(value).__module__.partition(".")[0]
    if library == "pandas" and hasattr(value, "columns"):
        documents = list(_of_frame(value, data, losses))
    elif library == "datasets" and hasattr(value, "column_names") and not isinstance(value, dict):
        documents = list(_of_dataset(value, data, losses))
    elif isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        found = type(value).__name__
        way_out = "; take one of its splits" if library == "datasets" else ""
        raise DataError(
            "documents_from: expected a DataFrame, a Dataset, or a list of (text, [(start, end, label)]) or of "
            f"dictionaries, found {found}{way_out}"
        )
    else:
        documents = list(_of_records(value, "record", data, losses))
    for line in losses.lines():
        warnings.warn(f"documents_from: {line}", stacklevel=2)
    return documents


def to_dataset(documents: Iterable[Document]) -> Any:
    """A `datasets.Dataset` of the tagged sentences of documents.

    A row for each sentence: `document` (its document's place, from 0), `id` (its document's name, or None), `tokens`,
    and `ner_tags`, numbers that a ClassLabel names, IOB2. What it can't hold is a warning.

    Raises:
        ConfigError: the package `datasets` isn't installed.
    """
    try:
        import datasets
    except ImportError:
        raise ConfigError(
            "to_dataset: expected the package `datasets`; pip install 'bilstm-crf-ner[datasets]'"
        ) from None
    losses = Losses()
    rows: list[tuple[int, str | None, Sentence]] = []
    for place, document in enumerate(documents):
        sentences = tagged_of(document, DataConfig(), losses)
        named = Document(document.text, entities=document.entities, meta=document.meta, source=document.name)
        tell_what_tags_lose(named, sentences, losses)
        if not sentences:
            losses.add("documents without a token: left out", document.name)
        rows += [(place, document.id, sentence) for sentence in sentences]
    for line in losses.lines():
        warnings.warn(f"to_dataset: {line}", stacklevel=2)
    labels = sorted({span.label for *_, sentence in rows for span in sentence.spans})
    names = [OUTSIDE, *(f"{prefix}-{label}" for label in labels for prefix in "BI")]
    numbers = {name: number for number, name in enumerate(names)}
    features = datasets.Features(
        {
            "document": datasets.Value("int64"),
            "id": datasets.Value("string"),
            "tokens": datasets.List(datasets.Value("string")),
            "ner_tags": datasets.List(datasets.ClassLabel(names=names)),
        }
    )
    columns = {
        "document": [place for place, _, _ in rows],
        "id": [name for _, name, _ in rows],
        "tokens": [sentence.words for *_, sentence in rows],
        "ner_tags": [[numbers[tag] for tag in sentence.tags or ()] for *_, sentence in rows],
    }
    return datasets.Dataset.from_dict(columns, features=features)


def _of_records(values: Iterable[Any], what: str, data: DataConfig, losses: Losses) -> Iterator[Document]:
    for number, value in enumerate(values, start=1):
        source = f"{what} {number}"
        record = _plain(value)
        if isinstance(record, list) and not is_pair(record):
            if len(record) != 2 or not isinstance(record[0], str) or not isinstance(record[1], list):
                raise DataError(f"{source}: expected (text, [(start, end, label)]), found {told(record)}")
            record = [record[0], {"entities": record[1]}]
        document = document_of(record, source, data, losses)
        if document is not None:
            yield document


def _plain(value: Any) -> Any:
    """A value in terms of JSON: tuples and arrays are lists, NumPy's numbers are Python's, a missing cell is None."""
    if isinstance(value, dict):
        return {str(key): _plain(held) for key, held in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(held) for held in value]
    if type(value).__module__.partition(".")[0] == "numpy":
        return _plain(value.tolist())
    return None if _is_missing(value) else value


def _is_missing(value: Any) -> bool:
    # NaN, NaT: what isn't equal to itself. pandas.NA says so of itself by its name.
    return value is None or type(value).__name__ == "NAType" or (isinstance(value, float) and value != value)


def _of_dataset(value: Any, data: DataConfig, losses: Losses) -> Iterator[Document]:
    if data.tokens_feature not in value.column_names and "text" in value.column_names:
        yield from _of_records(value, "row", data, losses)
        return
    sentences = sentences_of_dataset(value, "row", data, keep_empty=True)
    _tell_left_out(set(value.column_names) - {data.tokens_feature, data.tags_feature, "document", "id"}, losses)
    has_places = {"document", "id"} <= set(value.column_names)
    places = value["document"] if has_places else range(len(sentences))
    names = value["id"] if "id" in value.column_names else [None] * len(sentences)
    rows = zip(places, names, sentences, strict=True)
    for _, group in groupby(rows, key=lambda row: row[0]):
        mine = list(group)
        name = mine[0][1]
        known = [sentence for *_, sentence in mine if sentence.spelled]
        yield document_from_sentences(known, id=None if name is None else str(name), source=mine[0][2].source)


def _tell_left_out(columns: set[str], losses: Losses) -> None:
    if columns:
        losses.add("columns beside words and tags: not kept", ", ".join(sorted(columns)), count=len(columns))


def _of_frame(frame: Any, data: DataConfig, losses: Losses) -> Iterator[Document]:
    columns = [str(column) for column in frame.columns]
    if "text" in columns:
        yield from _of_records(frame.to_dict("records"), "row", data, losses)
        return
    found = [next((n for n, c in enumerate(columns) if c.lower() in names), None) for names in (_SENTENCE, _WORD, _TAG)]
    if None in found:
        if len(columns) != 3:
            raise DataError(
                'documents_from: expected columns "text" and "entities", or a sentence\'s number, "word" and "tag", '
                f"found {', '.join(columns) or 'none'}; rename them"
            )
        found = [0, 1, 2]
    _tell_left_out({column for n, column in enumerate(columns) if n not in found}, losses)
    cells = [_plain(list(frame.iloc[:, place])) for place in found]
    rows: list[tuple[Any, int, str, str]] = []  # of one sentence
    current = None
    for number, (sentence, word, tag) in enumerate(zip(*cells, strict=True), start=1):
        sentence = current if sentence in (None, "") else sentence
        if rows and sentence != current:
            yield _of_rows(rows, data, losses)
            rows = []
        current = sentence
        for kind, cell in (("word", word), ("tag", tag)):
            if not isinstance(cell, str) or not cell:
                raise DataError(
                    f"row {number}: expected a {kind}, found {told(cell)}; pandas.read_csv takes words such as NA for "
                    "missing cells, unless it is told keep_default_na=False"
                )
        rows.append((sentence, number, word, tag))
    if rows:
        yield _of_rows(rows, data, losses)


def _of_rows(rows: list[tuple[Any, int, str, str]], data: DataConfig, losses: Losses) -> Document:
    """The document of the rows of a sentence: its number, the row's, word and tag."""
    record = {data.tokens_feature: [row[2] for row in rows], data.tags_feature: [row[3] for row in rows]}
    document = document_of(record, f"row {rows[0][1]}", data, losses)
    assert document
    return document
