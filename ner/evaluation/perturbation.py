"""How much a model loses on the same text written otherwise: in another case, misread, mistyped, with other names.

Whatever is done, the gold entities stay in step, and the draws are those of a seed, so that two models are asked the
same.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ner.evaluation.report import Report
from ner.evaluation.training_entities import Memory
from ner.text.noise import (
    misread,
    mistyped,
    names_of,
    respelled,
    titled,
    with_other_names,
    without_punctuation,
)
from ner.text.sentence import Sentence

# Of a page that was read well one character in fifty is wrong; of hasty typing, one in thirty.
_MISREAD_RATE, _MISTYPED_RATE = 0.02, 0.03

PERTURBATIONS = (
    "as written",
    "lower case",
    "upper case",
    "title case",
    "no punctuation",
    "OCR noise",
    "keyboard noise",
    "unseen names",
)


@dataclass(frozen=True, slots=True)
class Perturbed:
    """A way of writing, and how well the text was tagged so; None where it can't be written so."""

    name: str
    report: Report | None

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"name": self.name, "micro": self.report and self.report.micro.as_dict()}


def perturb(
    sentences: Sequence[Sentence], name: str, *, memory: Memory | None = None, seed: int = 1
) -> list[Sentence] | None:
    """The tagged sentences written so; None where there are no names to put in.

    Args:
        sentences: stay as they are.
        name: one of `PERTURBATIONS`.
        memory: of the training entities: names that aren't among them are put in the place of others. None: no name is
            known, so any name of the text is.
        seed: of all draws.
    """
    rng = np.random.default_rng([seed, PERTURBATIONS.index(name)])
    spellings: dict[str, Callable[[str], str]] = {
        "as written": str,
        "lower case": str.lower,
        "upper case": str.upper,
        "title case": titled,
        "OCR noise": lambda word: misread(word, _MISREAD_RATE, rng),
        "keyboard noise": lambda word: mistyped(word, _MISTYPED_RATE, rng),
    }
    if name in spellings:
        return [respelled(sentence, spellings[name]) for sentence in sentences]
    if name == "no punctuation":
        return [without_punctuation(sentence) for sentence in sentences]
    names = names_of(sentences)
    if memory:
        names = {
            label: [words for words in some if memory.seen(words, label) == "never"] for label, some in names.items()
        }
    if not any(names.values()):
        return None
    return [with_other_names(sentence, names, rng) for sentence in sentences]


def report_perturbed(
    sentences: Sequence[Sentence],
    evaluate: Callable[[Sequence[Sentence]], Report],
    *,
    memory: Memory | None = None,
    seed: int = 1,
) -> list[Perturbed]:
    """How well the sentences are tagged, written in each way.

    Args:
        sentences: tagged.
        evaluate: the report of a model on tagged sentences.
        memory: as in `perturb`.
        seed: of all draws.
    """
    found = []
    for name in PERTURBATIONS:
        written = perturb(sentences, name, memory=memory, seed=seed)
        found.append(Perturbed(name, None if written is None else evaluate(written)))
    return found


def table_of(rows: Sequence[Perturbed]) -> str:
    """Lines for the user: F1, precision and recall of each way of writing, and the difference to how it is written."""
    lines = [f"{'':16} {'precision':>9} {'recall':>7} {'F1':>7} {'':>7}"]
    whole = rows[0].report
    for row in rows:
        if row.report is None:
            lines.append(f"{row.name:16} no name of this text is unseen")
            continue
        scores = row.report.micro
        change = 100 * (scores.f1 - whole.micro.f1) if whole and row is not rows[0] else None
        told = "" if change is None else f"{change:+.2f}"
        numbers = f"{100 * scores.precision:9.2f} {100 * scores.recall:7.2f} {100 * scores.f1:7.2f} {told:>7}"
        lines.append(f"{row.name:16} {numbers}".rstrip())
    return "\n".join(lines)
