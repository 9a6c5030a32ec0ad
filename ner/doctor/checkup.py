"""The whole checkup of the files of one corpus: counts, findings, and whether a training would start."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ner.doctor.cutting import examine_cut
from ner.doctor.finding import Finding, by_seriousness
from ner.doctor.order import examine_order
from ner.doctor.reading import read_all
from ner.doctor.repeats import examine_contexts, examine_repeats
from ner.doctor.sequences import Tagged, compare_labels, examine_tags
from ner.doctor.words import examine_words
from ner.settings import DataConfig

_WRONG_WORDS = {"glued-digits", "index-words"}  # which no text is cut into


@dataclass(frozen=True, slots=True)
class FileCounts:
    """What is in one file; `longest` counts the tokens of its longest sentence."""

    path: str
    scheme: str
    documents: int
    sentences: int
    tokens: int
    entities: int
    longest: int
    labels: dict[str, int]


@dataclass(frozen=True, slots=True)
class Checkup:
    """Counts of each file, and all findings, most serious first."""

    files: tuple[FileCounts, ...]
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> list[Finding]:
        """What keeps a training from starting."""
        return [finding for finding in self.findings if finding.severity == "error"]

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain JSON values; `ok`: a training would start."""
        return {
            "ok": not self.errors,
            "files": [{name: getattr(file, name) for name in FileCounts.__slots__} for file in self.files],
            "findings": [finding.as_dict() for finding in self.findings],
        }

    def __str__(self) -> str:
        """Tables of counts, then the findings, then the verdict."""
        rows = [["file", "sentences", "tokens", "entities", "documents", "longest", "scheme"]]
        for f in self.files:
            numbers = (f.sentences, f.tokens, f.entities, f.documents, f.longest)
            rows.append([f.path, *(f"{number:,}" for number in numbers), f.scheme or "none"])
        labels = list(dict.fromkeys(label for file in self.files for label in file.labels))
        table = [["entities", *(file.path for file in self.files)]]
        table += [[_plain(label), *(f"{file.labels.get(label, 0):,}" for file in self.files)] for label in labels]
        counts = {s: sum(f.severity == s for f in self.findings) for s in ("error", "warning", "note")}
        told = ", ".join(f"{n} {severity}{'' if n == 1 else 's'}" for severity, n in counts.items())
        verdict = f"training would {'fail' if self.errors else 'work'}: {told}"
        blocks = [_table(rows), _table(table) if labels else "", *map(str, self.findings), verdict]
        return "\n\n".join(block for block in blocks if block)


def check_files(paths: Sequence[str | Path], data: DataConfig) -> Checkup:
    """The checkup of files described by `[data]`, the first of them the one to learn from.

    Nothing that is wrong with a file is an exception here: it is a finding.
    """
    _, counts, findings = examine_files(paths, data)
    return Checkup(tuple(counts), tuple(by_seriousness(findings)))


def examine_files(
    paths: Sequence[str | Path], data: DataConfig, *, training: int = 1
) -> tuple[list[Tagged], list[FileCounts], list[Finding]]:
    """What files of one corpus hold, their counts, and all that is found; the first `training` are to learn from."""
    findings: list[Finding] = []
    files: list[Tagged] = []
    counts: list[FileCounts] = []
    for path in paths:
        readable = read_all(str(path), data)
        tagged = examine_tags(readable, data, training=len(files) < training)
        of_words = examine_words(readable, data)
        findings += readable.findings + tagged.findings + of_words + examine_order(readable, data)
        if not files and not _WRONG_WORDS & {finding.kind for finding in of_words}:
            findings += examine_cut(readable, data)
        files.append(tagged)
        lengths = [len(s.words) for s in tagged.sentences]
        entities, longest = sum(tagged.labels.values()), max(lengths, default=0)
        numbers = (readable.documents, len(lengths), sum(lengths), entities, longest)
        counts.append(FileCounts(tagged.path, tagged.scheme, *numbers, tagged.labels))
    findings += compare_labels(files) + examine_repeats(files) + examine_contexts(files)
    return files, counts, findings


def _plain(text: str) -> str:
    return text if text.isprintable() else repr(text)


def _table(rows: Sequence[Sequence[str]]) -> str:
    """Rows in columns: the first column to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(c.rjust(w) if n else c.ljust(w) for n, (c, w) in enumerate(zip(row, widths, strict=True)))
        for row in rows
    )
