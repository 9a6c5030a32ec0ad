"""How the lines of a file are laid out, and what is odd about them."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from ner.doctor.finding import Finding, found_at, shown
from ner.formats.rows import Row, split_cells
from ner.settings import DataConfig


def odd_lines(lines: Sequence[str], rows: Sequence[Row], path: str, data: DataConfig) -> list[Finding]:
    """What is odd about the lines of a column file that can be read all the same."""
    findings = _ragged(rows, path, data)
    findings += _document_marks(rows, path)
    blank = [row for row in rows if row.kind == "blank"]
    places = [f"{path}:{row.number}" for row in blank if row.line]
    found = "lines between sentences that aren't empty but hold spaces or TABs"
    findings += found_at("blank-separator", path, found, "nothing: they part sentences", places=places)
    places = [f"{path}:{b.number}" for a, b in pairwise(blank) if b.number == a.number + 1]
    found = "blank lines that follow another"
    findings += found_at("extra-blank-lines", path, found, "nothing: together they are one", places=places)
    places = [f"{path}:{number}" for number, line in enumerate(lines, start=1) if line.endswith("\r")]
    found = f"lines, of {len(lines):,}, that end in CRLF"
    return findings + found_at("line-ends", path, found, "nothing: both ends are read", places=places)


def _ragged(rows: Sequence[Row], path: str, data: DataConfig) -> list[Finding]:
    widths = [(len(split_cells(row.line, data.separator)), row.number) for row in rows if row.kind == "token"]
    if not widths:
        return []
    usual = Counter(width for width, _ in widths).most_common(1)[0][0]
    places = [f"{path}:{number}: {width} columns" for width, number in widths if width != usual]
    remedy = f"make sure that the word is in column {data.word_column} and the tag in column {data.tag_column} there"
    return found_at("ragged-columns", path, f"lines that haven't {usual} columns as most have", remedy, places=places)


def _document_marks(rows: Sequence[Row], path: str) -> list[Finding]:
    marks = [(row, after) for row, after in pairwise([*rows, Row(0, "", "blank")]) if row.kind == "document"]
    if not marks:
        return []
    within = sum(after.kind == "token" for _, after in marks)
    forms = Counter(row.line for row, _ in marks).most_common(2)
    written = " or ".join(shown(form) for form, _ in forms)
    stand = {0: "each a sentence of its own", len(marks): "each as the first token of a sentence"}.get(
        within, f"{within:,} of them as the first token of a sentence"
    )
    places = [f"{path}:{row.number}" for row, _ in marks]
    remedy = "nothing: a mark opens a document and is no token"
    return found_at("document-mark", path, f"document marks, {stand}, written {written}", remedy, places=places)
