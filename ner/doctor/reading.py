"""A file is read as training would read it, but to its end, whatever is wrong with a line.

The reader of `ner/text` stops at the first fault; here each is kept as a finding, and what can be read goes on
to the other examinations. Whether a file would be read at all is thereby decided by the reader itself.
"""

import contextlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from ner.doctor.advice import advise, propose
from ner.doctor.finding import Finding, found_at
from ner.doctor.layout import odd_lines
from ner.errors import ConfigError, DataError, NerError
from ner.formats.files import read_documents
from ner.formats.format import Losses
from ner.formats.rows import Row
from ner.formats.sentences import sentences_of
from ner.formats.table import find_format, name_for_reading
from ner.settings import DataConfig
from ner.text.encoding import read_text, way_out

_ESCAPED = re.compile(r"[\udc80-\udcff]").search  # what `surrogateescape` makes of a byte that fits nowhere


@dataclass(frozen=True, slots=True)
class Written:
    """A sentence as it stands in a file: words, tags in the file's scheme, and the line of each token.

    `starts` tells where each word starts in its text; None where the file holds words alone.
    """

    words: tuple[str, ...]
    tags: tuple[str, ...]
    lines: tuple[int, ...]
    starts: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Readable:
    """What of a file can be read, and what of it can't or is odd."""

    path: str
    sentences: list[Written]
    documents: int
    findings: list[Finding]


def read_all(path: str, data: DataConfig) -> Readable:
    """All that can be read of a file described by `[data]`."""
    try:
        name = name_for_reading(path, data)
    except ConfigError as error:
        remedy = "say which it is with --set data.format=…"
        return Readable(path, [], 0, [Finding("unreadable-file", path, _without(path, error), remedy)])
    except DataError:
        name = "conll"  # there is no such file, and its reader says so
    line_reader = find_format(name).line_reader
    if line_reader is None:
        return _read_documents(path, data.model_copy(update={"format": name}))
    text, findings = _read_text(path, data.encoding)
    lines = text.split("\n")
    if not lines[-1]:
        del lines[-1]  # what stands behind the last line end is no line
    losses = Losses()
    rows, unreadable = _read_rows(lines, line_reader(path, data, losses))
    remedy = advise(path, data, unreadable=len(unreadable)) if unreadable else ""
    findings += found_at("unreadable-line", path, "lines that can't be read", remedy, places=unreadable)
    findings += _not_kept(path, losses, "nothing, if that is meant; data.comment and data.empty_words choose")
    rows = [row for row in rows if row.kind != "comment"]
    sentences: list[Written] = []
    documents, opens_document = 0, False
    for kind, group in groupby(rows, lambda row: row.kind):
        if kind == "token":
            words, tags, numbers = zip(*((row.word, row.tag, row.number) for row in group), strict=True)
            sentences.append(Written(words, tags, numbers))
            documents += opens_document
            opens_document = False
        opens_document |= kind == "document"
    # A file that can't be read at all has said so already.
    if not sentences and all(finding.severity != "error" for finding in findings):
        findings.append(Finding("no-sentences", path, "no tagged sentence", "is it the right file?"))
    if name == "conll":
        findings += odd_lines(lines, rows, path, data)
    return Readable(path, sentences, documents, findings)


def _read_text(path: str, encoding: str) -> tuple[str, list[Finding]]:
    """The text, as much of it as there is, and the trouble with it."""
    try:
        text = read_text(path, encoding)
        if not Path(path).read_bytes().startswith(b"\xef\xbb\xbf"):
            return text, []
        return text, [Finding("byte-order-mark", path, "it opens with a byte-order mark", "nothing: it is skipped")]
    except DataError as error:
        message = str(error).removeprefix(f"{path}: ")
    text, remedy = "", ""
    with contextlib.suppress(OSError, LookupError, UnicodeError):
        content = Path(path).read_bytes()
        text, remedy = content.decode(encoding, errors="surrogateescape"), way_out(content)
    lines = text.split("\n")
    broken, nul = (_places(path, lines, search) for search in (_ESCAPED, re.compile("\0").search))
    findings = found_at("encoding", path, f"lines that aren't {encoding}", remedy, places=broken)
    findings += found_at("nul-character", path, "lines with a NUL character", "is it a binary file?", places=nul)
    if not findings:
        return "", [Finding("unreadable-file", path, message, "name a text file, and its data.encoding")]
    return text.removeprefix("\ufeff"), findings


def _places(path: str, lines: Sequence[str], search: Callable[[str], object]) -> list[str]:
    return [f"{path}:{number}" for number, line in enumerate(lines, start=1) if search(line)]


def _read_rows(lines: list[str], read_line: Callable[[int, str], Iterable[Row]]) -> tuple[list[Row], list[str]]:
    """The rows of all lines that can be read, and what is said of the others."""
    rows: list[Row] = []
    messages: list[str] = []
    for number, line in enumerate(lines, start=1):
        try:
            rows += read_line(number, line)
        except DataError as error:
            messages.append(str(error).partition("; ")[0])
    return rows, messages


def _read_documents(path: str, data: DataConfig) -> Readable:
    """What can be read of a format that isn't one of lines, up to its first fault."""
    losses = Losses()
    try:
        documents = list(read_documents(path, data, losses))
        sentences = sentences_of(documents, data, losses)
    except DataError as error:
        proposal = propose(path, data)
        remedy = f"it was read as {data.format}: mend it there" + (f", or {proposal}" if proposal else "")
        return Readable(path, [], 0, [Finding("unreadable-file", path, _without(path, error), remedy)])
    findings = _not_kept(path, losses, "nothing, if that is meant; data.misaligned and data.overlaps choose")
    written = []
    for sentence in sentences:
        line = sentence.source.rpartition(":")[2]
        numbers = (int(line) if line.isdecimal() else 1,) * len(sentence.spelled)
        written.append(Written(sentence.spelled, sentence.tags or (), numbers, sentence.starts))
    if not written:
        findings.append(Finding("no-sentences", path, "no tagged sentence", "is it the right file?"))
    marked = sum(sentence.opens_document for sentence in sentences)
    return Readable(path, written, marked, findings)


def _not_kept(path: str, losses: Losses, remedy: str) -> list[Finding]:
    return [
        Finding("not-kept", path, kind, remedy, tuple(losses.places[kind]), count)
        for kind, count in losses.counts.items()
    ]


def _without(path: str, error: NerError) -> str:
    return str(error).removeprefix(f"{path}: ")
