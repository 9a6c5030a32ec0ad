"""Column files in and out: one token a line, blank lines between sentences, as in the CoNLL shared tasks.

The only module that knows what such files do in the wild: `-DOCSTART-` lines with anything behind them,
separators made of one TAB, comments, CRLF, byte-order marks, ragged columns, words that are themselves
exotic spaces. Only the declared separator splits, and only LF or CRLF ends a line.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ner.config import DataConfig
from ner.errors import DataError
from ner.text.sentence import Sentence, sentence_from_words
from ner.text.tags import Scheme, check_prefix, convert_tags, detect_scheme, split_tag

DOCUMENT_START = "-DOCSTART-"
_DEFAULT = DataConfig()
_BLANKS = " \t"
_SPLIT_BLANKS = re.compile(r"[ \t]+").split


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a column file: its number from 1, its text without the line end, and what it holds.

    `kind` is `token`, `blank`, `comment` or `document`; `word` and `tag` are set for a token, `tag` only
    where tags were asked for.
    """

    number: int
    line: str
    kind: str
    word: str = ""
    tag: str = ""


def read_conll(
    path: str | Path,
    *,
    word_column: int = _DEFAULT.word_column,
    tag_column: int = _DEFAULT.tag_column,
    separator: str | None = _DEFAULT.separator,
    scheme: str = _DEFAULT.scheme,
    comment: str | None = _DEFAULT.comment,
    encoding: str = _DEFAULT.encoding,
) -> list[Sentence]:
    """The tagged sentences of a column file, tags as IOB2 whatever the file's scheme.

    The arguments are the settings of `[data]` with the same names.

    Raises:
        DataError: the file is missing, empty, binary, in another encoding, or a line isn't as described.
    """
    settings = {
        "word_column": word_column,
        "tag_column": tag_column,
        "separator": separator,
        "scheme": scheme,
        "comment": comment,
        "encoding": encoding,
    }
    return read_tagged(path, DataConfig.model_validate(settings))


def read_tagged(path: str | Path, data: DataConfig) -> list[Sentence]:
    """The tagged sentences of a file described by `[data]`, tags as IOB2.

    Raises:
        DataError: as `read_conll`.
    """
    sentences, _ = read_as_written(path, data)
    return [replace(s, tags=tuple(convert_tags(s.tags or (), "iob2"))) for s in sentences]


def read_as_written(path: str | Path, data: DataConfig) -> tuple[list[Sentence], Scheme]:
    """The tagged sentences of a file described by `[data]`, tags as they stand there, and their scheme.

    Raises:
        DataError: as `read_conll`.
    """
    text = read_text(path, data.encoding)
    read = _read_token_lists if data.layout == "lines" else _read_columns
    sentences = list(read(text, str(path), data))
    if not sentences:
        raise DataError(f"{path}: expected tagged sentences, found none; is it the right file?")
    return sentences, _check_scheme(sentences, str(path), data)


def read_text(path: str | Path, encoding: str) -> str:
    """A text file's content, without its byte-order mark.

    Raises:
        DataError: no such file, unreadable, binary, or not in this encoding; names the line.
    """
    try:
        content = Path(path).read_bytes()
    except FileNotFoundError:
        raise DataError(
            f"{path}: no such file (paths are taken as given, then relative to the config's folder)"
        ) from None
    except OSError as error:
        raise DataError(f"{path}: expected a readable file: {error.strerror}") from None
    return decode(content, encoding, str(path))


def decode(content: bytes, encoding: str, where: str) -> str:
    """Bytes as text, without a byte-order mark; `where` opens the message of an error.

    Raises:
        DataError: binary, or not in this encoding.
    """
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    if wide and not encoding.lower().startswith(("utf-16", "utf-32", "utf16", "utf32")):
        raise DataError(f'{where}: looks like UTF-16, expected {encoding}; set data.encoding = "utf-16"')
    try:
        text = content.decode(encoding)
    except LookupError:
        raise DataError(
            f'{where}: unknown encoding {encoding!r}; data.encoding is for example "utf-8"'
        ) from None
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found = f"byte 0x{content[error.start]:02x}" if error.start < len(content) else "the end"
        raise DataError(
            f'{where}:{line}: expected {encoding}, found {found}; set data.encoding, for example to "latin-1"'
        ) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise DataError(f"{where}:{line}: expected text, found a NUL character; is it a binary file?")
    return text.removeprefix("\ufeff")


def decode_lines(lines: Iterable[bytes], encoding: str, where: str) -> Iterator[str]:
    """Lines of bytes as text, as they come; a byte-order mark before the first is skipped.

    Raises:
        DataError: not in this encoding; names the line.
    """
    if encoding.lower().startswith(("utf-16", "utf-32", "utf16", "utf32")):
        # A line feed's byte may be half of another character there.
        yield from decode(b"".join(lines), encoding, where).splitlines(keepends=True)
        return
    for number, line in enumerate(lines, start=1):
        try:
            text = line.decode(encoding)
        except (LookupError, UnicodeDecodeError):
            decode(line, encoding, f"{where}:{number}")
            raise
        yield text.removeprefix("\ufeff") if number == 1 else text


def read_rows(lines: Iterable[str], where: str, data: DataConfig, *, tagged: bool) -> Iterator[Row]:
    """Each line of a column file as a `Row`; nothing is left out, so the file can be written again.

    Args:
        lines: with or without their line ends (LF, CRLF).
        where: opens every message.
        data: describes the columns; its `scheme` is not looked at.
        tagged: whether the tag column must be there.

    Raises:
        DataError: too few columns, an empty word.
    """
    first_of_word = re.compile(data.word_pattern).match if data.word_pattern else None
    columns = (data.word_column, data.tag_column) if tagged else (data.word_column,)
    # Two different columns from both ends need two cells: in `word` alone, column 0 is column -1.
    wanted = max(*(column + 1 if column >= 0 else -column for column in columns), len(columns))
    for number, line in enumerate(lines, start=1):
        line = line.removesuffix("\n").removesuffix("\r")
        if not line.strip(_BLANKS):
            yield Row(number, line, "blank")
            continue
        if data.comment and line.startswith(data.comment):
            yield Row(number, line, "comment")
            continue
        cells = _split(line, data.separator)
        # Other columns of a -DOCSTART- line are filled in any way, or missing.
        if cells[0].startswith(DOCUMENT_START) or DOCUMENT_START in cells:
            yield Row(number, line, "document")
            continue
        if len(cells) < wanted:
            found = f"{wanted} columns, found {len(cells)}: {_short(line)}"
            raise DataError(f"{where}:{number}: expected at least {found}")
        word = cells[data.word_column]
        if first_of_word and (match := first_of_word(word)):
            word = match[1]
        if not word:
            raise DataError(f"{where}:{number}: expected a word in column {data.word_column}, found none")
        yield Row(number, line, "token", word, cells[data.tag_column] if tagged else "")


def sentences_of_rows(rows: Iterable[Row], where: str, *, tagged: bool) -> Iterator[Sentence]:
    """Sentences, cut at blank lines and at document boundaries; tags as they stand in the file."""
    words: list[str] = []
    tags: list[str] = []
    first = 0
    opens_document = False

    def sentence() -> Sentence:
        made = sentence_from_words(words, tags if tagged else None)
        return replace(made, opens_document=opens_document, where=f"{where}:{first}")

    for row in rows:
        if row.kind == "token":
            if not words:
                first = row.number
            words.append(row.word)
            tags.append(row.tag)
        elif row.kind != "comment" and words:
            yield sentence()
            words, tags, opens_document = [], [], False
        if row.kind == "document":
            opens_document = True
    if words:
        yield sentence()


def write_conll(path: str | Path, sentences: Iterable[Sentence], *, scheme: Scheme = "iob2") -> None:
    """Writes words and tags, a space between them, a blank line after each sentence.

    Documents are kept as `-DOCSTART- O`. The file appears whole or not at all.

    Raises:
        DataError: a sentence without tags, or a word that would not come back: one with a blank in it.
    """
    lines: list[str] = []
    for sentence in sentences:
        if sentence.tags is None:
            raise DataError(
                f"{path}: expected tagged sentences, found one without tags: {sentence.words[:5]}"
            )
        if sentence.opens_document:
            lines += [f"{DOCUMENT_START} {'O'}", ""]
        for word, tag in zip(sentence.words, convert_tags(sentence.tags, scheme), strict=True):
            if not word or re.search(r"[ \t\r\n]", word):
                raise DataError(f"{path}: expected words without spaces, TABs and line ends, found {word!r}")
            lines.append(f"{word} {tag}")
        lines.append("")
    part = Path(f"{path}.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    part.write_text("\n".join(lines), encoding="utf-8", newline="\n")
    part.replace(path)


def _split(line: str, separator: str | None) -> list[str]:
    return line.split(separator) if separator else _SPLIT_BLANKS(line.strip(_BLANKS))


def _short(line: str) -> str:
    return repr(line if len(line) <= 60 else line[:57] + "...")


def _read_columns(text: str, where: str, data: DataConfig) -> Iterator[Sentence]:
    # Not splitlines(): that also cuts at U+2028, U+0085 and others, which may stand in a word.
    rows = read_rows(text.split("\n"), where, data, tagged=True)
    return sentences_of_rows(rows, where, tagged=True)


def _read_token_lists(text: str, where: str, data: DataConfig) -> Iterator[Sentence]:
    """One sentence a line, as `word:TAG word:TAG`; the last separator of a token parts word and tag."""
    separator = data.separator or ":"
    opens_document = False
    for number, line in enumerate(text.split("\n"), start=1):
        line = line.strip(" \t\r")
        if not line or (data.comment and line.startswith(data.comment)):
            continue
        if line.startswith(DOCUMENT_START):
            opens_document = True
            continue
        parts = [token.rpartition(separator) for token in _SPLIT_BLANKS(line)]
        for word, _, tag in parts:
            if not word:
                raise DataError(f"{where}:{number}: expected word{separator}TAG, found {tag!r}")
        made = sentence_from_words([word for word, _, _ in parts], [tag for _, _, tag in parts])
        yield replace(made, opens_document=opens_document, where=f"{where}:{number}")
        opens_document = False


def _check_scheme(sentences: Sequence[Sentence], where: str, data: DataConfig) -> Scheme:
    """The file's scheme, after every tag was held against it."""
    tags = [sentence.tags or () for sentence in sentences]
    try:
        scheme: Scheme = detect_scheme(tags) if data.scheme == "auto" else data.scheme
        known: set[str] = set()
        for sequence in tags:
            for tag in sequence:
                if tag not in known:
                    check_prefix(tag, scheme)
                    known.add(tag)
    except ValueError as error:
        raise DataError(_place_of_bad_tag(sentences, where, data, str(error))) from None
    return scheme


def _place_of_bad_tag(sentences: Sequence[Sentence], where: str, data: DataConfig, problem: str) -> str:
    for sentence in sentences:
        for position, tag in enumerate(sentence.tags or ()):
            try:
                if data.scheme == "auto":
                    split_tag(tag)
                else:
                    check_prefix(tag, data.scheme)
            except ValueError as error:
                word = sentence.tokens[position].text
                hint = "are data.tag_column and data.scheme right?"
                return (
                    f"{sentence.where}: {error} at {word!r} (token {position + 1} of this sentence); {hint}"
                )
    return f"{where}: {problem}; set data.scheme, or mend the file"
