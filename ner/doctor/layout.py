"""How the lines of a file are laid out: what is odd about them, and how a file that can't be read might be meant."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from ner.doctor.finding import Finding, found_at, shown
from ner.formats.columns import spelling_that_reads
from ner.formats.rows import Row, split_cells
from ner.settings import DataConfig
from ner.text.tags import split_tag

_SAMPLE = 2_000  # lines that tell the layout of a file
_MOST = 0.9  # of them; the others are what is wrong with it
_DEFAULT_ADVICE = "mend them, or describe the file with --set data.tag_column=…, data.separator, data.comment"


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


def advise(lines: Sequence[str], data: DataConfig) -> str:
    """How a file that can't be read might be meant: settings to try."""
    if spelling := spelling_that_reads(lines, data):
        return f"with this setting all of the file can be read: --set 'data.{spelling[0]}={spelling[1]}'"
    filled = [line.strip(" \t\r") for line in lines if line.strip(" \t\r")][:_SAMPLE]
    comments = [line for line in filled if line.startswith("#")]
    if comments and not data.comment and all(not _is_tag(line.split()[-1]) for line in comments):
        return "if lines that open with # are comments: --set data.comment=#"
    for separator in (data.separator, None, "\t", ",", ";"):
        cells = [split_cells(line, separator) for line in filled]
        for column in (-1, *range(1, 10), 0):
            if (separator, column) != (data.separator, data.tag_column) and _holds_tags(cells, column):
                part = "" if separator == data.separator else f" --set 'data.separator=\"{repr(separator)[1:-1]}\"'"
                return f"column {column} looks like tags: --set data.tag_column={column}{part}"
    return _DEFAULT_ADVICE


def _holds_tags(cells: Sequence[Sequence[str]], column: int) -> bool:
    found = [row[column] if -len(row) <= column < len(row) and len(row) > 1 else "" for row in cells]
    return any("-" in cell for cell in found) and _share([_is_tag(cell) for cell in found]) >= _MOST


def _share(held: Sequence[bool]) -> float:
    return sum(held) / max(len(held), 1)


def _is_tag(cell: str) -> bool:
    try:
        split_tag(cell)
    except ValueError:
        return False
    return True
