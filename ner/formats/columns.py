"""Column files in and out: one token a line, blank lines between sentences, as in the CoNLL shared tasks.

What a line may hold, `row_reader` knows; here are whole files: which scheme their tags are in, which settings would
read one that can't be read, and what is written so that it comes back. Only LF or CRLF ends a line.
"""

import json
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain, count
from pathlib import Path

from ner.collector import no_search_for_cycles
from ner.config import parse_config
from ner.data_settings import DataConfig
from ner.errors import ConfigError, DataError, check_type
from ner.formats.column_writer import line_writer
from ner.formats.format import LineReader, Losses
from ner.formats.row_reader import read_rows
from ner.formats.rows import DOCUMENT_START, PREFIXES_READ, TAG_HINT, Row, as_iob2, sentences_of_rows
from ner.schemes import SCHEMES, find_scheme
from ner.text.documents import count_documents
from ner.text.encoding import read_text
from ner.text.partial import known_runs, labels_of
from ner.text.sentence import Sentence
from ner.text.spelling import HYPHEN, PREFIX_ALONE
from ner.text.tags import OUTSIDE, PREFIXES, DoubledPrefixError, detect_scheme

_DEFAULT = DataConfig()
_JOINERS = "_:/|"  # of prefix and label, besides the hyphen, where a file isn't read and others are tried
# OntoNotes has 18 labels and Few-NERD 66, while a few pages of text have more different words; and in a sample of a
# few sentences labels come again already, words hardly.
_MOST_LABELS = 100
_COMES_AGAIN = 2


def read_conll(
    path: str | Path,
    *,
    word_column: int = _DEFAULT.word_column,
    tag_column: int = _DEFAULT.tag_column,
    separator: str | None = _DEFAULT.separator,
    scheme: str = _DEFAULT.scheme,
    tag_pattern: str | None = _DEFAULT.tag_pattern,
    label: str = _DEFAULT.label,
    comment: str | Sequence[str] | None = _DEFAULT.comment,
    encoding: str = _DEFAULT.encoding,
    sentence_column: int | None = _DEFAULT.sentence_column,
    empty_words: str = _DEFAULT.empty_words,
    document_sentences: int | None = _DEFAULT.document_sentences,
) -> list[Sentence]:
    """The tagged sentences of a column file, tags as IOB2 whatever the file's scheme.

    The arguments are settings of `[data]`. What is left out or may be meant otherwise is a warning.

    Raises:
        ConfigError: an argument of the wrong type or value.
        DataError: the file is missing, empty, binary, in another encoding, or a line isn't as described.
    """
    check_type("path", path, str | Path, "the path of a file")
    settings = {
        "word_column": word_column,
        "tag_column": tag_column,
        "separator": separator,
        "scheme": scheme,
        "tag_pattern": tag_pattern,
        "label": label,
        "comment": comment,
        "encoding": encoding,
        "sentence_column": sentence_column,
        "empty_words": empty_words,
        "document_sentences": document_sentences,
    }
    losses = Losses()
    sentences = read_tagged(path, parse_config({"data": settings}, "read_conll").data, losses)
    for line in losses.lines():
        warnings.warn(f"{path}: {line}", stacklevel=2)
    return sentences


def read_tagged(path: str | Path, data: DataConfig, losses: Losses | None = None) -> list[Sentence]:
    """The tagged sentences of a file described by `[data]`, tags as IOB2; `losses` is told what is left out.

    Raises:
        DataError: as `read_conll`.
    """
    sentences, scheme = read_as_written(path, data, losses=losses)
    with no_search_for_cycles():
        return [as_iob2(sentence, scheme) for sentence in sentences]


def read_as_written(
    path: str | Path, data: DataConfig, line_reader: LineReader | None = None, *, losses: Losses | None = None
) -> tuple[list[Sentence], str]:
    """The tagged sentences of a file described by `[data]`, tags in the file's scheme, and that scheme.

    Args:
        path: of the file.
        data: describes it.
        line_reader: makes rows of a line; None: a line is a row of columns.
        losses: is told what is left out, or may be meant otherwise.

    Raises:
        DataError: as `read_conll`.
    """
    # Not splitlines(): that also cuts at U+2028, U+0085 and others, which may stand in a word.
    lines = read_text(path, data.encoding).split("\n")
    try:
        return _read_lines(lines, str(path), data, line_reader, Losses() if losses is None else losses)
    except DataError as error:
        raise advised(error, path, data, line_reader) from None


def advised(error: DataError, path: str | Path, data: DataConfig, line_reader: LineReader | None) -> DataError:
    """The error of a file's reader, with the setting that reads the file where one does."""
    message = str(error)
    if not message.endswith(TAG_HINT):
        return error
    if not (found := spelling_that_reads(read_text(path, data.encoding).split("\n"), data, line_reader)):
        return error
    told = f"data.{found[0]} = {json.dumps(found[1])} reads the file"
    told = PREFIXES_READ if found[1] == PREFIX_ALONE else told
    return DataError(f"{message.removesuffix(TAG_HINT)}{told}")


def _read_lines(
    lines: Sequence[str], path: str, data: DataConfig, line_reader: LineReader | None, losses: Losses
) -> tuple[list[Sentence], str]:
    rows: Iterable[Row] = (
        chain.from_iterable(map(line_reader(path, data, losses), count(1), lines))
        if line_reader
        else read_rows(lines, path, data, tagged=True, losses=losses)
    )
    return sentences_as_written(rows, path, data)


def sentences_as_written(rows: Iterable[Row], path: str, data: DataConfig) -> tuple[list[Sentence], str]:
    """The tagged sentences of the rows of a file, tags in its scheme, and that scheme.

    Raises:
        DataError: no sentence, or tags of several schemes or with two prefixes.
    """
    with no_search_for_cycles():
        sentences = list(count_documents(sentences_of_rows(rows, path, tagged=True), data.document_sentences))
    if not sentences:
        raise DataError(f"{path}: expected tagged sentences, found none; is it the right file?")
    return sentences, scheme_of(sentences, path) if data.scheme == "auto" else data.scheme


def scheme_of(sentences: Iterable[Sentence], path: str) -> str:
    """The scheme of the tags of a file's sentences.

    Raises:
        DataError: tags of several schemes or with two prefixes.
    """
    try:
        return detect_scheme(run for sentence in sentences for run in known_runs(sentence.tags or ()))
    except ValueError as error:
        remedy = (
            "if the second is of the label" if isinstance(error, DoubledPrefixError) else "to learn which line is wrong"
        )
        raise DataError(f"{path}: {error}; set data.scheme {remedy}") from None


def spelling_that_reads(
    lines: Sequence[str], data: DataConfig, line_reader: LineReader | None = None
) -> tuple[str, str] | None:
    """A setting of `[data]` and its value with which all lines can be read that can't be without it.

    Comments are tried where lines open with `#`, a TAB where lines hold one. Labels alone (`scheme`: `io`) are found
    only where they look like labels and not like words: with `O` among them, few, and come again; prefixes alone with
    `O` among them. None: no such setting was found.
    """
    patterns = [HYPHEN, *(f"{{prefix}}{joiner}{{label}}" for joiner in _JOINERS)]
    patterns += [f"{{label}}{joiner}{{prefix}}" for joiner in ("-", *_JOINERS)]
    patterns.append(PREFIX_ALONE)
    bare = [] if data.tag_pattern else [name for name, scheme in SCHEMES.items() if scheme.is_bare]
    marks = ("# ", "#") if not data.comments and any(line.startswith("#") for line in lines) else ()
    tabs = ("\t",) if not data.separator and any("\t" in line for line in lines) else ()
    tried = [
        *(("comment", mark) for mark in marks),
        *(("separator", tab) for tab in tabs),
        *(("tag_pattern", pattern) for pattern in patterns),
        *(("scheme", name) for name in bare),
    ]
    for key, value in tried:
        if value == (getattr(data, key) or HYPHEN):
            continue
        try:
            sentences, scheme = _read_lines(lines, "", data.model_copy(update={key: value}), line_reader, Losses())
        except DataError:
            continue
        tags = Counter(tag for sentence in sentences for tag in sentence.tags or ())
        # `B` and `I` alone are prefixes without a label.
        few = (
            not PREFIXES.issuperset(labels_of(tags))
            and len(tags) <= _MOST_LABELS
            and tags[OUTSIDE]
            and tags.total() >= _COMES_AGAIN * len(tags)
        )
        if few or (not find_scheme(scheme).is_bare and (value != PREFIX_ALONE or tags[OUTSIDE])):
            return key, value
    return None


def write_conll(
    path: str | Path, sentences: Iterable[Sentence], *, scheme: str = "iob2", tag_pattern: str | None = None
) -> None:
    """Writes words and tags, a space between them, a blank line after each sentence.

    Documents are kept as `-DOCSTART- O`. The file appears whole or not at all.

    Args:
        path: of the file; its folder is made.
        sentences: tagged ones, tags in any scheme.
        scheme: the scheme to write; IO doesn't part entities of one label that touch.
        tag_pattern: how to join prefix and label, as the setting `data.tag_pattern`.

    Raises:
        ConfigError: no such scheme, or a pattern that is none.
        DataError: a sentence without tags, or a word or label that would not come back.
    """
    check_type("path", path, str | Path, "the path of a file", "write_conll(PATH, SENTENCES) takes it first")
    data = parse_config({"data": {"scheme": scheme, "tag_pattern": tag_pattern}}, "write_conll").data
    if data.scheme == "auto":
        raise ConfigError(f"write_conll: expected one of the schemes {', '.join(SCHEMES)}, found 'auto'")
    lines: list[str] = []
    write = line_writer(data, parts_at_blanks=True)
    try:
        for sentence in sentences:
            if sentence.opens_document:
                lines += [f"{DOCUMENT_START} {OUTSIDE}", ""]
            lines += [*write(sentence), ""]
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    # A reader takes a first U+FEFF for a byte-order mark, so a word that opens with one gets it twice.
    mark = "\ufeff" if lines and lines[0].startswith("\ufeff") else ""
    part = Path(f"{path}.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    part.write_bytes((mark + "\n".join(lines)).encode("utf-8"))
    part.replace(path)
