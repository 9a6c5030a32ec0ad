"""Strict scores of tag sequences, as `analyse` counts them beside the table, here with those of each label."""

from collections.abc import Sequence

from ner.evaluation.scores import Scores, score_spans
from ner.text.tags import tags_to_spans, well_formed

Tags = Sequence[Sequence[str]]


def score_strictly(gold: Tags, predicted: Tags, scheme: str) -> tuple[Scores, dict[str, Scores]]:
    """Micro scores, and those of each label, of the entities whose tags are well-formed in this scheme."""
    return score_spans(*([well_formed(tags_to_spans(t), t, scheme) for t in tags] for tags in (gold, predicted)))
