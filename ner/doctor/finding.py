"""A finding of the data doctor: what was seen, how serious it is, where, and the way out.

`KINDS` is the whole list of what the doctor looks for, most serious first: an error keeps a training from
starting, a warning may cost accuracy or flatter a score, a note is read as it is meant and only worth knowing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

KINDS = {
    "unreadable-file": "error",
    "encoding": "error",
    "nul-character": "error",
    "unreadable-line": "error",
    "mixed-prefixes": "error",
    "no-sentences": "error",
    "no-labels": "error",
    "unknown-tags-in-dev": "error",
    "unannotated-label": "error",
    "unknown-in-map": "error",
    "outside-inventory": "error",
    "mixed-openings": "warning",
    "leaked-sentence": "warning",
    "tagged-otherwise": "warning",
    "contradictory-corpora": "warning",
    "no-labels-here": "warning",
    "orphan-tag": "warning",
    "unclosed-entity": "warning",
    "unlearnable-label": "warning",
    "like-labels": "warning",
    "mojibake": "warning",
    "replacement-character": "warning",
    "glued-digits": "warning",
    "index-words": "warning",
    "cut-otherwise": "warning",
    "one-token-sentences": "warning",
    "invisible-character": "warning",
    "control-character": "warning",
    "private-character": "warning",
    "lookalike-letters": "warning",
    "inconsistent-context": "warning",
    "duplicate-sentence": "warning",
    "long-sentence": "warning",
    "not-kept": "warning",
    "long-word": "note",
    "blank-in-word": "note",
    "decomposed-letters": "note",
    "rare-label": "note",
    "absent-label": "note",
    "schemes-differ": "note",
    "redundant-b": "note",
    "ragged-columns": "note",
    "document-mark": "note",
    "running-text": "note",
    "blank-separator": "note",
    "extra-blank-lines": "note",
    "line-ends": "note",
    "byte-order-mark": "note",
    "unknown-tags": "note",
}
_RANK = {kind: rank for rank, kind in enumerate(KINDS)}
_SHOWN = 3  # places in the text for a reader; JSON has them all


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found in one file.

    `found` says what, `count` how often, `places` where (`file:line`, with the words or tags in question), and
    `remedy` what to do about it.
    """

    kind: str
    path: str
    found: str
    remedy: str
    places: tuple[str, ...] = ()
    count: int = 1

    @property
    def severity(self) -> str:
        """`error`, `warning` or `note`."""
        return KINDS[self.kind]

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain JSON values."""
        return {
            "severity": self.severity,
            "kind": self.kind,
            "path": self.path,
            "count": self.count,
            "found": self.found,
            "places": list(self.places),
            "remedy": self.remedy,
        }

    def __str__(self) -> str:
        """A line of what was found, the first places, and the way out."""
        lines = [f"{self.severity:7}  {self.path}: {self.found}", *(f"         {p}" for p in self.places[:_SHOWN])]
        if len(self.places) > _SHOWN:
            lines.append(f"         … and {len(self.places) - _SHOWN:,} more (--json lists them)")
        return "\n".join([*lines, f"         → {self.remedy}"])


def by_seriousness(findings: Iterable[Finding]) -> list[Finding]:
    """The same findings, most serious first."""
    return sorted(findings, key=lambda finding: _RANK[finding.kind])


def found_at(kind: str, path: str, found: str, remedy: str, *, places: Sequence[str]) -> list[Finding]:
    """A finding that ends in the number of its places; none where there are no places."""
    if not places:
        return []
    return [Finding(kind, path, f"{found}: {len(places):,}", remedy, tuple(places), len(places))]


def shown(text: str) -> str:
    r"""A text from a file, safe to print and short.

    >>> print(shown("Rome"), shown("a\u200bb"), len(shown("x" * 1000)))
    'Rome' 'a\u200bb' 42
    """
    return repr(text if len(text) <= 40 else text[:39] + "…")


def shown_tag(tag: str) -> str:
    """A tag from a file, as `shown` but without quotes."""
    return shown(tag)[1:-1]
