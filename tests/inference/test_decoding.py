"""What a decoder takes of a batch, against each sentence by itself and its tags read one by one."""

from types import SimpleNamespace

import numpy as np
import pytest

from ner.crf.chain import Chain
from ner.inference.decoding import Decoder, Decoding
from ner.text.tags import legal_transitions, tags_of_labels, tags_to_spans

LABELS = ["LOC", "PER"]
TAGS = tags_of_labels(LABELS)
LENGTHS = np.array([6, 1, 4, 5, 2, 6])


@pytest.fixture
def chain() -> Chain:
    rng = np.random.default_rng(3)
    parts = [np.array(part) for part in legal_transitions(TAGS)]
    start, transitions, end = (np.where(p, rng.normal(size=p.shape), -np.inf).astype(np.float32) for p in parts)
    return Chain(start, transitions, end)


@pytest.fixture
def emissions() -> np.ndarray:
    """Of six sentences, in two of which nothing stands out but O."""
    drawn = np.random.default_rng(4).normal(scale=3, size=(6, 6, len(TAGS))).astype(np.float32)
    drawn[[0, 4], :, TAGS.index("O")] += 30
    return drawn


def decoder(chain: Chain, kind: str) -> Decoder:
    roles = {label: [TAGS.index(f"{role}-{label}") for role in "BIES"] for label in LABELS}
    vocabularies = SimpleNamespace(tags=TAGS, labels=tuple(LABELS), roles=roles.__getitem__)
    return Decoder(chain, vocabularies, Decoding(kind))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["viterbi", "marginals"])
def test_each_sentence_of_a_batch_has_the_spans_and_probabilities_that_it_has_alone(
    chain: Chain, emissions: np.ndarray, kind: str
) -> None:
    found = decoder(chain, kind).scored_spans(emissions, LENGTHS)
    decode = chain.decode if kind == "viterbi" else chain.decode_by_marginals
    assert sum(map(len, found)) > 3
    assert found[0] == found[4] == []
    for row, length in enumerate(LENGTHS):
        one, only = emissions[row : row + 1, :length], LENGTHS[row : row + 1]
        spans = tags_to_spans([TAGS[tag] for tag in decode(one, only)[0]])
        assert [span for span, _ in found[row]] == spans
        for span, probability in found[row]:
            ids = [[TAGS.index(f"{role}-{span.label}") for role in "BIES"]]
            alone = chain.span_posteriors(one, only, [(0, span.start, span.end)], np.array(ids))
            assert probability == pytest.approx(float(alone[0]), abs=1e-5)


def test_a_batch_in_which_nothing_is_found_has_no_spans(chain: Chain, emissions: np.ndarray) -> None:
    rows = [0, 4, 0]
    assert decoder(chain, "viterbi").scored_spans(emissions[rows], LENGTHS[rows]) == [[], [], []]
