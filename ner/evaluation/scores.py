"""Precision, recall and F1 of entities, counted by seqeval (Nakayama 2018).

The only module that knows seqeval and its traps: its default mode forgives a wrong end, its strict mode is
lenient without a scheme, a file without entities makes its report fail, it strips hyphens off labels, and
its numbers are NumPy's.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ner.text.tags import OUTSIDE, Scheme, convert_tags, plain_tag, split_tag

Tags = Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Scores:
    """Precision, recall and F1 as fractions of 1; how many entities are gold (`support`), found, correct."""

    precision: float
    recall: float
    f1: float
    support: int
    found: int
    correct: int


def score_entities(gold: Tags, predicted: Tags) -> tuple[Scores, dict[str, Scores]]:
    """Micro scores, and those of each label in alphabetic order, as conlleval counts.

    Tags of any scheme are read as conlleval reads them; an entity counts where label and both ends agree.
    Where nothing is found, or nothing was to be found, a score is 0.

    Args:
        gold: one tag sequence a sentence.
        predicted: as many sentences of as many tags.
    """
    return _seqeval([convert_tags(t, "iob2") for t in gold], [convert_tags(t, "iob2") for t in predicted], "iob2")


def score_strictly(gold: Tags, predicted: Tags, scheme: Scheme) -> tuple[Scores, dict[str, Scores]]:
    """As `score_entities`, but a predicted entity counts only where its tags are well-formed in their scheme.

    Args:
        gold: one tag sequence a sentence.
        predicted: as many sentences of as many tags.
        scheme: how both are written. IOB1 has no ill-formed entity, so there the two counts agree.
    """
    if scheme == "iob1":
        return score_entities(gold, predicted)
    return _seqeval(gold, predicted, "iob2" if scheme == "iob2" else "bioes")


def token_accuracy(gold: Tags, predicted: Tags) -> float:
    """Share of tokens whose two tags are the same, as they are written; 0 where there are no tokens."""
    pairs = [pair for g, p in zip(gold, predicted, strict=True) for pair in zip(g, p, strict=True)]
    return sum(g == p for g, p in pairs) / len(pairs) if pairs else 0.0


def _seqeval(gold: Tags, predicted: Tags, scheme: str) -> tuple[Scores, dict[str, Scores]]:
    from seqeval.metrics.v1 import precision_recall_fscore_support
    from seqeval.scheme import IOB2, IOBES, Entities

    kind = IOB2 if scheme == "iob2" else IOBES
    all_tags = {tag for sequences in (gold, predicted) for tags in sequences for tag in tags}
    names = sorted({split_tag(tag)[1] for tag in all_tags} - {""})
    # Each label goes by its number, since seqeval takes `x-` and `-x` for `x`, and knows no M-, L-, U-.
    plain = {tag: _numbered(tag, names) for tag in all_tags}
    # Without a sentence seqeval refuses to count; an empty one changes nothing.
    gold = [[plain[tag] for tag in tags] for tags in gold] or [[]]
    predicted = [[plain[tag] for tag in tags] for tags in predicted] or [[]]
    wanted, found = Entities(gold, scheme=kind), Entities(predicted, scheme=kind)
    labels = sorted(wanted.unique_tags | found.unique_tags)
    numbers = precision_recall_fscore_support(
        gold, predicted, scheme=kind, entities_true=wanted, entities_pred=found, zero_division=0, warn_for=()
    )
    num_found = Counter(entity.tag for sentence in found.entities for entity in sentence)
    scores = {
        names[int(label)]: Scores(
            precision=float(precision),
            recall=float(recall),
            f1=float(f1),
            support=int(support),
            found=num_found[label],
            correct=round(float(recall) * int(support)),
        )
        for label, precision, recall, f1, support in zip(labels, *numbers, strict=True)
    }
    correct, all_found, all_gold = (
        sum(getattr(score, name) for score in scores.values()) for name in ("correct", "found", "support")
    )
    precision = correct / all_found if all_found else 0.0
    recall = correct / all_gold if all_gold else 0.0
    f1 = 2 * precision * recall / (precision + recall) if correct else 0.0
    return Scores(precision, recall, f1, all_gold, all_found, correct), scores


def _numbered(tag: str, names: list[str]) -> str:
    """The tag with its label's place among `names` instead, padded so that both sort alike."""
    prefix, label = split_tag(plain_tag(tag))
    return f"{prefix}-{names.index(label):09d}" if label else OUTSIDE
