"""Annotated labels against all complete tag sequences that agree with what was annotated."""

import itertools
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ner.crf.layer import CRF, Constraints
from ner.features.batches import encode
from ner.text.inventory import (
    annotated_spans,
    rename_labels,
    unannotated,
    with_inventory,
    with_labels,
)
from ner.text.partial import possible_tags
from ner.text.sentence import Sentence, Span, sentence_from_words, sentence_with_spans
from ner.text.tags import legal_transitions, spans_to_tags, tags_of_labels, tags_to_spans
from tests.tiny import vocabularies_of

LABELS = ("X", "Y", "Z")
NAMES = tags_of_labels(LABELS)
START, TRANSITIONS, END = legal_transitions(NAMES)
WORDS = ["a", "b", "c", "d"]


def legal_sequences(length: int) -> list[tuple[int, ...]]:
    found = []
    for ids in itertools.product(range(len(NAMES)), repeat=length):
        if START[ids[0]] and END[ids[-1]] and all(TRANSITIONS[a][b] for a, b in itertools.pairwise(ids)):
            found.append(ids)
    return found


# Each legal sequence with its spans, read by what reads files.
ALL = {
    length: [(ids, tags_to_spans([NAMES[tag] for tag in ids])) for ids in legal_sequences(length)]
    for length in range(1, 4)
}


def drawn_sentence(data: st.DataObject) -> tuple[Sentence, frozenset[str]]:
    """A sentence of which some annotators saw no entity but those of their labels."""
    length = data.draw(st.integers(1, 3))
    _, spans = data.draw(st.sampled_from(ALL[length]))
    annotated = frozenset(data.draw(st.sets(st.sampled_from(LABELS))))
    bare = sentence_from_words(WORDS[:length])
    seen = sentence_with_spans(bare, [span for span in spans if span.label in annotated])
    return with_inventory(seen, annotated), annotated


def agrees(spans: list[Span], sentence: Sentence, annotated: frozenset[str]) -> bool:
    """Whether the annotators of this sentence would have left these entities as it has them."""
    return [span for span in spans if span.label in annotated] == list(sentence.spans)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_legal_sequences_of_possible_tags_are_those_that_agree_with_what_was_annotated(data: st.DataObject) -> None:
    sentence, annotated = drawn_sentence(data)
    possible = possible_tags(sentence.tags or (), unannotated(sentence, LABELS))
    allowed = [{NAMES.index(tag) for tag in tags} for tags in possible if tags is not None]
    assert len(allowed) == len(sentence.spelled)
    for ids, spans in ALL[len(allowed)]:
        fits = all(tag in tags for tag, tags in zip(ids, allowed, strict=True))
        assert fits == agrees(spans, sentence, annotated)


@settings(max_examples=15, deadline=None)
@given(st.data())
def test_the_loss_of_an_encoded_sentence_is_that_of_the_sum_over_the_sequences_that_agree(data: st.DataObject) -> None:
    sentence, annotated = drawn_sentence(data)
    whole = [sentence_with_spans(sentence_from_words(["a"]), [Span(label, 0, 1)]) for label in LABELS]
    vocabularies = vocabularies_of(whole)
    assert vocabularies.tags == NAMES
    encoded = encode([sentence, whole[0]], vocabularies, tagged=True)
    length = len(sentence.spelled)
    generator = torch.Generator().manual_seed(data.draw(st.integers(0, 99)))
    crf = CRF(len(NAMES), batch_first=True, constraints=Constraints(*map(torch.tensor, (START, TRANSITIONS, END))))
    for parameter in crf.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator)
    emissions = torch.randn(1, length, len(NAMES), generator=generator)
    weights, agreeing = [], []
    for ids, spans in ALL[length]:
        score = crf.start_transitions[ids[0]] + crf.end_transitions[ids[-1]]
        score = score + sum(emissions[0, step, tag] for step, tag in enumerate(ids))
        score = score + sum(crf.transitions[a, b] for a, b in itertools.pairwise(ids))
        weights.append(float(score.detach()))
        agreeing.append(agrees(spans, sentence, annotated))
    wanted = np.logaddexp.reduce([w for w, fits in zip(weights, agreeing, strict=True) if fits])
    wanted -= np.logaddexp.reduce(weights)
    assert encoded.tags is not None
    if set(LABELS) <= annotated:
        assert encoded.allowed_tags is None
        found = crf(emissions, torch.from_numpy(encoded.tags[None, :length]))
    else:
        assert encoded.allowed_tags is not None
        found = crf.partial_log_likelihood(
            emissions, torch.from_numpy(encoded.allowed_tags[encoded.tags[:length]])[None]
        )
    assert float(found.detach()) == pytest.approx(wanted, abs=1e-4)


def test_an_inventory_is_part_of_a_sentence_and_goes_where_it_goes() -> None:
    plain = sentence_from_words(["Bob", "left"], ["B-PER", "O"])
    sentence = with_inventory(plain, frozenset({"PER"}))
    assert plain.annotated is None
    assert sentence.annotated == {"PER"}
    assert sentence != plain
    assert sentence == pickle.loads(pickle.dumps(sentence))
    assert sentence_with_spans(sentence, []).annotated == {"PER"}
    assert with_inventory(sentence, None) == plain
    assert sentence.spans == plain.spans
    assert with_inventory(sentence_from_words(["?"], ["?-PER"]), frozenset({"LOC"})).tags == ("?-PER",)
    assert with_inventory(sentence_from_words(["a"]), frozenset({"LOC"})).tags is None


def test_spans_of_labels_that_nobody_looked_for_are_left_out() -> None:
    spans = [Span("PER", 0, 1), Span("LOC", 1, 2)]
    sentence = sentence_from_words(["a", "b"], ["O", "O"])
    assert annotated_spans(sentence, spans) == spans
    assert annotated_spans(with_inventory(sentence, frozenset({"LOC"})), spans) == spans[1:]


def test_a_sentence_with_some_labels_alone_annotates_no_other() -> None:
    sentence = with_inventory(sentence_from_words(["a", "b"], ["B-PER", "B-LOC"]), frozenset({"PER", "LOC"}))
    found = with_labels(sentence, ["LOC", "ORG"])
    assert found.spans == (Span("LOC", 1, 2),)
    assert found.annotated == {"LOC"}


def test_labels_are_renamed_dropped_and_made_unknown() -> None:
    tags = ["B-person", "I-person", "B-politician", "O", "B-junk", "I-junk", "B-gpe", "?-gpe", "?-person", "B-ORG"]
    sentence = sentence_from_words(tags, tags, source="f:1")
    names = {"person": "PER", "politician": "PER", "junk": "", "gpe": "?"}
    found = rename_labels(sentence, names)
    assert found.tags == ("B-PER", "I-PER", "B-PER", "O", "O", "O", "?", "?", "?-PER", "B-ORG")
    assert (found.words, found.source) == (tags, "f:1")
    assert rename_labels(sentence, {"other": "PER"}) is sentence
    assert spans_to_tags(rename_labels(sentence_from_words(["a"], ["B-x"]), {"x": ""}).spans, 1) == ["O"]
