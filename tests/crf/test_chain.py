"""The chain in NumPy against enumeration, its forward-backward against that in PyTorch: each is the other's oracle."""

import itertools
import json
import math
import subprocess
import sys

import numpy as np
import pytest
import torch

from ner.crf import forward_backward, k_best, torch_forward_backward, viterbi
from ner.crf.chain import Chain, NotFiniteError
from ner.crf.layer import CRF
from ner.crf.likelihood import sequence_scores
from ner.text.tags import legal_transitions, tags_of_labels


def random_chain(num_tags, seed=0, *, forbidden=False, dtype=np.float64):
    numbers = np.random.default_rng(seed)
    start, transitions, end = (numbers.standard_normal(s) for s in ((num_tags,), (num_tags, num_tags), (num_tags,)))
    if forbidden:
        for part in (start, transitions, end):
            part[numbers.random(part.shape) < 0.4] = -math.inf
        start[0] = transitions[0, 0] = end[0] = 0.5  # so that each sentence has a legal sequence
    return Chain(start.astype(dtype), transitions.astype(dtype), end.astype(dtype))


def bioes_chain(num_labels, seed=0):
    tags = tags_of_labels([f"L{number}" for number in range(num_labels)])
    chain = random_chain(len(tags), seed)
    parts = zip((chain.start, chain.transitions, chain.end), legal_transitions(tags), strict=True)
    return Chain(*(np.where(allowed, part, -math.inf) for part, allowed in parts))


def random_emissions(lengths, num_tags, seed=0, *, dtype=np.float64, scale=2.0):
    shape = (len(lengths), max(lengths), num_tags)
    emissions = scale * np.random.default_rng(seed + 100).standard_normal(shape)
    for row, length in enumerate(lengths):
        emissions[row, length:] = math.nan  # padding may hold anything
    return emissions.astype(dtype)


def every_sequence(chain, emissions):
    """All legal tag sequences of one sentence with their scores, best first; scores by the torch half's own sum."""
    length, num_tags = emissions.shape
    sequences = torch.tensor(list(itertools.product(range(num_tags), repeat=length)))
    batch = torch.from_numpy(emissions).double().expand(len(sequences), -1, -1)
    parts = (torch.from_numpy(part).double() for part in (chain.start, chain.transitions, chain.end))
    scores = sequence_scores(
        torch_forward_backward.Scores(batch, *parts), sequences, torch.full((len(sequences),), length)
    )
    order = [index for index in scores.argsort(descending=True).tolist() if scores[index] > -math.inf]
    return [(sequences[index].tolist(), float(scores[index])) for index in order]


def both_scores(chain, emissions, lengths):
    """The same checked scores for both libraries."""
    scores = chain._scores(emissions, np.array(lengths))
    tensors = (torch.from_numpy(np.ascontiguousarray(part)) for part in scores)
    return scores, torch_forward_backward.Scores(*tensors)


LENGTHS = [[1], [30], [7, 3], [9, 9, 1, 4], [6, 0, 5, 2, 6, 1, 3]]


@pytest.mark.parametrize("forbidden", [False, True])
@pytest.mark.parametrize("num_tags", [2, 5])
@pytest.mark.parametrize("lengths", LENGTHS)
def test_forward_backward_in_numpy_finds_what_that_in_torch_finds(lengths, num_tags, forbidden):
    chain = random_chain(num_tags, len(lengths), forbidden=forbidden)
    ours, theirs = both_scores(chain, random_emissions(lengths, num_tags), lengths)
    scaled = forward_backward.scaled_forward_backward(ours, np.array(lengths))
    in_logs = forward_backward.log_space_forward_backward(ours, np.array(lengths))
    of_torch = torch_forward_backward.scaled_forward_backward(theirs, torch.tensor(lengths))
    chart = torch_forward_backward.log_space_forward_backward(theirs, torch.tensor(lengths))
    rows, steps, tags = np.nonzero(np.ones(ours.emissions.shape))
    real = steps < np.array(lengths)[rows]
    rows, steps, tags = rows[real], steps[real], tags[real]
    for found in (scaled, in_logs):
        np.testing.assert_allclose(found.log_partition, of_torch.log_partition.numpy(), rtol=1e-12, atol=1e-12)
        weights = of_torch.products * of_torch.rate.unsqueeze(2)
        np.testing.assert_allclose(found.marginals, weights.numpy(), rtol=1e-9, atol=1e-12)
        for logs, wanted in ((found.prefix, chart.prefix), (found.suffix, chart.suffix)):
            np.testing.assert_allclose(logs(rows, steps, tags), wanted.numpy()[rows, steps, tags], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("rows", [1, 3, 40])
def test_products_cut_in_pieces_sum_over_the_same_sequences(rows, monkeypatch):
    lengths = [5 + row % 3 for row in range(rows)]
    chain, emissions = random_chain(7), random_emissions(lengths, 7)
    whole = chain.marginals(emissions, np.array(lengths))
    monkeypatch.setattr(forward_backward, "_MOST_FOR_ONE_ROW", 10)
    monkeypatch.setattr(forward_backward, "_MOST_MULTIPLIED", 60)  # two rows, four columns
    np.testing.assert_allclose(chain.marginals(emissions, np.array(lengths)), whole, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rows", [1, 3, 20])
@pytest.mark.parametrize("sparse", [False, True])
def test_decode_finds_the_best_of_all_sequences(rows, sparse, dtype, monkeypatch):
    monkeypatch.setattr(viterbi, "_ENOUGH_SUMS", 0 if sparse else math.inf)
    lengths = [1 + row % 3 for row in range(rows)]
    lengths[0] = 3
    for chain in (bioes_chain(2), random_chain(6, forbidden=True), random_chain(6)):
        emissions = random_emissions(lengths, len(chain.start), rows, dtype=dtype)
        for row, found in enumerate(chain.decode(emissions, np.array(lengths))):
            assert found == every_sequence(chain, emissions[row, : lengths[row]])[0][0]


def test_only_legal_sums_are_made_where_most_transitions_are_forbidden():
    plan = viterbi._plan((bioes_chain(4).transitions > -math.inf).tobytes(), 17)
    assert len(plan.origins) == len(plan.order) - plan.few_origins.shape[1] == 9  # O, and B and S, or E and S
    assert plan.few_origins.shape == (2, 8)
    assert viterbi._plan(np.ones((17, 17), np.bool_).tobytes(), 17) is None


@pytest.mark.parametrize("sparse", [False, True])
def test_a_tag_that_no_tag_may_precede_stands_only_at_the_start(sparse, monkeypatch):
    monkeypatch.setattr(viterbi, "_ENOUGH_SUMS", 0 if sparse else math.inf)
    chain = bioes_chain(2)
    chain.transitions[:, 3] = -math.inf
    emissions = random_emissions([3, 2], 9)
    emissions[:, :, 3] = 50
    for row, found in enumerate(chain.decode(emissions, np.array([3, 2]))):
        assert found == every_sequence(chain, emissions[row, : 3 - row])[0][0]


def test_large_batches_are_decoded_in_parts_to_the_same_tags(monkeypatch):
    lengths = np.array([1 + row % 7 for row in range(50)])
    chain, emissions = random_chain(5), random_emissions(lengths.tolist(), 5)
    whole = chain.decode(emissions, lengths), chain.k_best(emissions, lengths, k=20)
    monkeypatch.setattr(viterbi, "_MOST_AT_ONCE", 100)
    monkeypatch.setattr(k_best, "_MOST_AT_ONCE", 100)
    assert (chain.decode(emissions, lengths), chain.k_best(emissions, lengths, k=20)) == whole


@pytest.mark.parametrize("k", [1, 2, 3, 10, 1000])
@pytest.mark.parametrize("forbidden", [False, True])
def test_k_best_are_the_first_of_all_sequences(k, forbidden):
    lengths = [4, 0, 1, 3, 4]
    for num_tags in (1, 2, 6):
        chain = random_chain(num_tags, k, forbidden=forbidden)
        emissions = random_emissions(lengths, num_tags, k)
        for row, found in enumerate(chain.k_best(emissions, np.array(lengths), k=k)):
            if not lengths[row]:
                assert found == [([], 0.0)]
                continue
            every = every_sequence(chain, emissions[row, : lengths[row]])
            total = np.logaddexp.reduce([score for _, score in every])
            assert [sequence for sequence, _ in found] == [sequence for sequence, _ in every[:k]]
            assert [value for _, value in found] == pytest.approx([score - total for _, score in every[:k]])


@pytest.mark.parametrize("k", [2, 7, 100])
def test_sequences_that_tie_are_listed_once_each(k):
    chain = Chain(*(np.zeros(shape) for shape in ((3,), (3, 3), (3,))))
    (found,) = chain.k_best(np.zeros((1, 4, 3)), np.array([4]), k=k)
    assert len({tuple(sequence) for sequence, _ in found}) == len(found) == min(k, 81)
    assert [value for _, value in found] == pytest.approx([-math.log(81)] * len(found))


def test_the_temperature_divides_all_scores_of_probabilities_and_none_of_the_best_sequence():
    lengths = [4, 2]
    warm, emissions = random_chain(3), random_emissions(lengths, 3)
    cold = Chain(warm.start, warm.transitions, warm.end, temperature=2.0)
    same = Chain(warm.start / 2, warm.transitions / 2, warm.end / 2)
    rows = np.array(lengths)
    np.testing.assert_allclose(cold.marginals(emissions, rows), same.marginals(emissions / 2, rows))
    assert cold.k_best(emissions, rows, k=5) == same.k_best(emissions / 2, rows, k=5)
    assert cold.decode(emissions, rows) == warm.decode(emissions, rows)


def test_the_layer_decodes_half_precision_as_the_numbers_that_it_holds():
    crf = CRF(5, batch_first=True)
    emissions = torch.randn(2, 4, 5, generator=torch.Generator().manual_seed(1)).bfloat16()
    assert crf.decode(emissions) == crf.decode(emissions.float())
    assert crf.marginals(emissions).dtype == torch.bfloat16
    torch.testing.assert_close(crf.marginals(emissions), crf.marginals(emissions.float()).bfloat16())


def test_a_chain_is_a_copy_that_training_leaves_alone():
    crf = CRF(3, batch_first=True)
    chain = crf.chain()
    before = chain.transitions.copy()
    with torch.no_grad():
        crf.transitions += 1
    assert np.array_equal(chain.transitions, before)


SCRIPT = """
import json, sys

class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "torchcrf"):
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, NoTorch())
import numpy as np
from ner.crf.chain import Chain
start, transitions, end, emissions = (np.array(part) for part in json.load(sys.stdin))
chain, lengths = Chain(start, transitions, end), np.array([4, 2])
roles = np.array([[1, 2, 3, 4]])
print(json.dumps([
    chain.decode(emissions, lengths), chain.decode_by_marginals(emissions, lengths),
    chain.marginals(emissions, lengths).tolist(),
    chain.span_posteriors(emissions, lengths, [(0, 1, 4)], roles).tolist(),
    chain.probable_spans(emissions, lengths, roles, 0.1), chain.k_best(emissions, lengths, k=3),
]))
"""


def test_a_chain_decodes_where_torch_cannot_be_imported():
    chain, lengths, roles = random_chain(5), np.array([4, 2]), np.array([[1, 2, 3, 4]])
    emissions = np.random.default_rng(3).standard_normal((2, 4, 5))
    parts = [part.tolist() for part in (chain.start, chain.transitions, chain.end, emissions)]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], input=json.dumps(parts), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    wanted = [
        chain.decode(emissions, lengths),
        chain.decode_by_marginals(emissions, lengths),
        chain.marginals(emissions, lengths).tolist(),
        chain.span_posteriors(emissions, lengths, [(0, 1, 4)], roles).tolist(),
        chain.probable_spans(emissions, lengths, roles, 0.1),
        chain.k_best(emissions, lengths, k=3),
    ]
    assert json.loads(done.stdout) == json.loads(json.dumps(wanted))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda c: c.decode(np.zeros((2, 3, 4)), np.array([3, 3])),
            "expected emissions of 3 dimensions, the last 5, found (2, 3, 4)",
        ),
        (
            lambda c: c.decode(np.zeros((2, 3, 5), np.float16), np.array([3, 3])),
            "expected emissions in float32 or float64, found float16",
        ),
        (
            lambda c: c.decode(np.zeros((2, 3, 5)), np.array([3, 3, 3])),
            "expected lengths of shape (2,), found (3,)",
        ),
        (
            lambda c: c.decode(np.zeros((2, 3, 5)), np.array([3, 4])),
            "sentence 1: expected a length from 0 to 3, found 4",
        ),
        (
            lambda c: c.k_best(np.zeros((2, 3, 5)), np.array([3, 3]), k=0),
            "k: expected at least 1 tag sequence, found 0",
        ),
    ],
)
def test_what_cannot_be_right_is_refused_with_its_place(call, message):
    with pytest.raises(ValueError) as caught:
        call(random_chain(5))
    assert str(caught.value) == message


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_token_that_is_not_finite_is_named(bad):
    emissions = random_emissions([3, 2], 5)
    emissions[1, 1, 4] = bad
    with pytest.raises(NotFiniteError) as caught:
        random_chain(5).decode(emissions, np.array([3, 2]))
    assert str(caught.value) == "sentence 1, token 1: expected finite emissions, found NaN or infinity"


def test_emissions_whose_sum_alone_overflows_are_decoded():
    emissions = np.full((8, 1, 2), 3e38, np.float32)
    emissions[:, :, 1] = 0
    chain = Chain(*(np.zeros(shape, np.float32) for shape in ((2,), (2, 2), (2,))))
    assert chain.decode(emissions, np.full(8, 1)) == [[0]] * 8


def test_nothing_to_decode_gives_nothing():
    chain, roles = random_chain(5), np.array([[1, 2, 3, 4]])
    for shape in ((0, 3, 5), (2, 0, 5)):
        emissions, lengths = np.zeros(shape), np.zeros(shape[0], np.int64)
        assert chain.decode(emissions, lengths) == chain.decode_by_marginals(emissions, lengths) == [[]] * shape[0]
        assert chain.marginals(emissions, lengths).shape == shape
        assert chain.probable_spans(emissions, lengths, roles, 0.1) == [[]] * shape[0]
        assert chain.k_best(emissions, lengths, k=2) == [[([], 0.0)]] * shape[0]
        assert chain.span_posteriors(emissions, lengths, [], np.zeros((0, 4), np.int64)).tolist() == []


def test_scores_at_which_probabilities_vanish_are_summed_in_log_space():
    chain = random_chain(5, dtype=np.float32)
    emissions = random_emissions([6], 5, dtype=np.float32)
    emissions[0, 2] = [-500, 0, -500, -500, 500]
    emissions[0, 3] = [500, 0, -500, -500, -500]
    ours, _ = both_scores(chain, emissions, [6])
    assert forward_backward.scaled_forward_backward(ours, np.array([6])) is None
    wanted = np.zeros((6, 5))
    every = every_sequence(chain, emissions[0])
    total = np.logaddexp.reduce([score for _, score in every])
    for sequence, score in every:
        wanted[np.arange(6), sequence] += math.exp(score - total)
    np.testing.assert_allclose(chain.marginals(emissions, np.array([6]))[0], wanted, rtol=1e-5, atol=1e-6)
