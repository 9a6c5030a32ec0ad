"""The report by perturbation: what is written, and what it costs a tagger that knows names by heart."""

import pytest

from ner.evaluation.perturbation import PERTURBATIONS, perturb, report_perturbed, table_of
from ner.evaluation.report import report_spans
from ner.evaluation.training_entities import remember
from ner.text.sentence import Span, sentence_from_words

SENTENCES = [
    sentence_from_words(["Ann", "met", "Bob", "Smith", "."], ["B-PER", "O", "B-PER", "I-PER", "O"]),
    sentence_from_words(["Rome", ",", "she", "said"], ["B-LOC", "O", "O", "O"]),
]
KNOWN = {"Ann": "PER", "Rome": "LOC"}


def by_heart(sentences):
    """The report of a tagger that knows two names as they are written."""
    found = [[Span(KNOWN[w], i, i + 1) for i, w in enumerate(s.spelled) if w in KNOWN] for s in sentences]
    return report_spans(sentences, found)


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_every_way_keeps_the_labels_of_the_entities_and_draws_the_same_again(name):
    written = perturb(SENTENCES, name)
    assert [[span.label for span in s.spans] for s in written] == [["PER", "PER"], ["LOC"]]
    assert written == perturb(SENTENCES, name)


def test_a_tagger_that_knows_names_by_heart_loses_them_where_they_are_written_otherwise():
    rows = {row.name: row.report for row in report_perturbed(SENTENCES, by_heart)}
    assert rows["as written"].micro.recall == pytest.approx(2 / 3)
    assert rows["title case"].micro.recall == rows["no punctuation"].micro.recall == pytest.approx(2 / 3)
    assert rows["lower case"].micro.recall == rows["upper case"].micro.recall == 0


def test_unseen_names_are_none_of_training():
    memory = remember([sentence_from_words(["Ann", "Rome"], ["B-PER", "B-LOC"])])
    written = perturb(SENTENCES, "unseen names", memory=memory)
    assert [s.words for s in written] == [
        ["Bob", "Smith", "met", "Bob", "Smith", "."],
        ["Rome", ",", "she", "said"],  # the only place of the text
    ]
    assert perturb(SENTENCES, "unseen names", memory=remember(SENTENCES)) is None


def test_the_table_tells_what_is_lost():
    rows = report_perturbed(SENTENCES, by_heart, memory=remember(SENTENCES))
    lines = table_of(rows).splitlines()
    assert lines[1] == "as written          100.00   66.67   80.00"
    assert lines[2].split() == ["lower", "case", "0.00", "0.00", "0.00", "-80.00"]
    assert lines[-1] == "unseen names     no name of this text is unseen"
