"""The CRF against full enumeration of a small world, and against pytorch-crf."""

import copy
import itertools
import math

import pytest
import torch
import torchcrf

from ner.crf.layer import CRF, Constraints
from ner.crf.likelihood import log_partition
from ner.crf.torch_forward_backward import Scores, log_space_forward_backward, scaled_forward_backward


def random_crf(num_tags, generator, *, constrained=False, scale=1.0):
    constraints = None
    if constrained:
        start, end = (torch.rand(num_tags, generator=generator) < 0.6 for _ in range(2))
        transitions = torch.rand(num_tags, num_tags, generator=generator) < 0.6
        # One tag is allowed everywhere, so that each sentence has at least one legal tag sequence.
        start[0] = end[0] = transitions[0, 0] = True
        constraints = Constraints(start, transitions, end)
    crf = CRF(num_tags, batch_first=True, constraints=constraints)
    for parameter in crf.parameters():
        parameter.data = scale * torch.randn(parameter.shape, generator=generator)
    return crf


def legal_sequences(crf, length):
    for sequence in itertools.product(range(crf.num_tags), repeat=length):
        if not sequence or (
            crf.allowed_start[sequence[0]]
            and crf.allowed_end[sequence[-1]]
            and all(crf.allowed_transitions[a, b] for a, b in itertools.pairwise(sequence))
        ):
            yield sequence


def score(crf, emissions, sequence):
    """The score of a tag sequence in double precision, one addend after the other."""
    if not sequence:
        return 0.0
    start, transitions, end = (
        [*part.tolist()] for part in (crf.start_transitions, crf.transitions, crf.end_transitions)
    )
    total = math.fsum(
        [start[sequence[0]], end[sequence[-1]], *(emissions[step, tag].item() for step, tag in enumerate(sequence))]
    )
    return total + math.fsum(transitions[a][b] for a, b in itertools.pairwise(sequence))


def log_sum(values):
    top = max(values)
    return top + math.log(math.fsum(math.exp(value - top) for value in values))


@pytest.fixture(params=[(2, 1), (3, 4), (4, 5), (4, 3)], ids=lambda p: f"K{p[0]}T{p[1]}")
def world(request):
    num_tags, num_steps = request.param
    generator = torch.Generator().manual_seed(num_tags * 10 + num_steps)
    emissions = 2 * torch.randn(4, num_steps, num_tags, generator=generator)
    lengths = torch.randint(0, num_steps + 1, (4,), generator=generator)
    lengths[0] = num_steps
    mask = torch.arange(num_steps) < lengths.unsqueeze(1)
    return num_tags, emissions, mask, lengths.tolist(), generator


@pytest.fixture(params=[False, True], ids=["free", "constrained"])
def crf(request, world):
    return random_crf(world[0], world[4], constrained=request.param)


def test_log_partition_is_the_log_of_the_sum_over_all_legal_sequences(crf, world):
    _, emissions, mask, lengths, _ = world
    found = crf.log_partition(emissions, mask).tolist()
    for row, length in enumerate(lengths):
        wanted = log_sum([score(crf, emissions[row], sequence) for sequence in legal_sequences(crf, length)])
        assert found[row] == pytest.approx(wanted, rel=1e-5, abs=1e-5)


def test_log_likelihood_is_score_less_log_partition_in_every_reduction(crf, world):
    _, emissions, mask, lengths, _ = world
    sequences = [max(legal_sequences(crf, length), key=lambda p: hash(p)) for length in lengths]
    tags = torch.full(mask.shape, -100)
    for row, sequence in enumerate(sequences):
        tags[row, : len(sequence)] = torch.tensor(sequence, dtype=torch.long)
    wanted = [
        score(crf, emissions[row], sequence)
        - log_sum([score(crf, emissions[row], p) for p in legal_sequences(crf, len(sequence))])
        for row, sequence in enumerate(sequences)
    ]
    for reduction, value in (
        ("none", torch.tensor(wanted)),
        ("sum", torch.tensor(sum(wanted))),
        ("mean", torch.tensor(sum(wanted) / 4)),
        ("token_mean", torch.tensor(sum(wanted) / sum(lengths))),
    ):
        torch.testing.assert_close(crf(emissions, tags, mask, reduction), value, rtol=1e-4, atol=1e-4)


def test_decode_gives_a_best_legal_tag_sequence_of_each_sentence(crf, world):
    _, emissions, mask, lengths, _ = world
    for row, sequence in enumerate(crf.decode(emissions, mask)):
        assert len(sequence) == lengths[row]
        best = max(score(crf, emissions[row], p) for p in legal_sequences(crf, lengths[row]))
        assert tuple(sequence) in set(legal_sequences(crf, lengths[row]))
        assert score(crf, emissions[row], sequence) == pytest.approx(best, abs=1e-4)


def probabilities(crf, emissions, length):
    scores = {sequence: score(crf, emissions, sequence) for sequence in legal_sequences(crf, length)}
    total = log_sum(list(scores.values()))
    return {sequence: math.exp(value - total) for sequence, value in scores.items()}


def test_marginals_are_summed_tag_sequence_probabilities(crf, world):
    num_tags, emissions, mask, lengths, _ = world
    found = crf.marginals(emissions, mask)
    for row, length in enumerate(lengths):
        wanted = torch.zeros_like(found[row])
        for sequence, probability in probabilities(crf, emissions[row], length).items():
            for step, tag in enumerate(sequence):
                wanted[step, tag] += probability
        torch.testing.assert_close(found[row], wanted, rtol=1e-4, atol=1e-6)
    assert num_tags == found.shape[2]


def test_marginals_are_the_gradient_of_the_log_partition(crf, world):
    _, emissions, mask, _, _ = world
    emissions.requires_grad_()
    (gradient,) = torch.autograd.grad(crf.log_partition(emissions, mask).sum(), emissions)
    torch.testing.assert_close(gradient, crf.marginals(emissions.detach(), mask), rtol=1e-5, atol=1e-6)


def test_decoding_by_marginals_gives_the_legal_tag_sequence_of_most_expected_correct_tags(crf, world):
    _, emissions, mask, lengths, _ = world
    weights = crf.marginals(emissions, mask)
    for row, sequence in enumerate(crf.decode_by_marginals(emissions, mask)):
        expected = {
            p: sum(float(weights[row, step, tag]) for step, tag in enumerate(p))
            for p in legal_sequences(crf, lengths[row])
        }
        assert expected[tuple(sequence)] == pytest.approx(max(expected.values()), abs=1e-5)


@pytest.mark.parametrize("k", [1, 3, 2000])
def test_k_best_lists_are_the_first_of_all_tag_sequences_by_probability(crf, world, k):
    _, emissions, mask, lengths, _ = world
    for row, found in enumerate(crf.k_best(emissions, mask, k=k)):
        wanted = probabilities(crf, emissions[row], lengths[row])
        ranked = sorted(wanted.values(), reverse=True)[:k]
        assert len({tuple(sequence) for sequence, _ in found}) == len(found) == len(ranked)
        for (sequence, log_probability), probability in zip(found, ranked, strict=True):
            assert math.exp(log_probability) == pytest.approx(probability, rel=1e-3, abs=1e-7)
            assert wanted[tuple(sequence)] == pytest.approx(probability, rel=1e-3, abs=1e-7)


def test_the_best_of_k_is_what_decode_gives(crf, world):
    _, emissions, mask, _, _ = world
    assert [found[0][0] for found in crf.k_best(emissions, mask, k=2)] == crf.decode(emissions, mask)


BIOES = Constraints(  # O B I E S of one label
    torch.tensor([True, True, False, False, True]),
    torch.tensor(
        [
            [True, True, False, False, True],
            [False, False, True, True, False],
            [False, False, True, True, False],
            [True, True, False, False, True],
            [True, True, False, False, True],
        ]
    ),
    torch.tensor([True, False, False, True, True]),
)


def bioes_spans(sequence):
    spans, start = [], None
    for step, tag in enumerate(sequence):
        if tag in (1, 4):
            start = step
        if tag in (3, 4):
            spans.append((start, step + 1))
    return spans


@pytest.mark.parametrize("length", [1, 2, 4, 5])
def test_span_posteriors_are_summed_over_the_tag_sequences_with_that_span(length):
    generator = torch.Generator().manual_seed(length)
    crf = CRF(5, batch_first=True, constraints=BIOES)
    for parameter in crf.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator)
    emissions = torch.randn(2, 5, 5, generator=generator)
    lengths = [5, length]
    mask = torch.arange(5) < torch.tensor(lengths).unsqueeze(1)
    spans = [(r, a, b) for r in (0, 1) for a in range(lengths[r]) for b in range(a + 1, lengths[r] + 1)]
    roles = torch.tensor([[1, 2, 3, 4]]).expand(len(spans), 4)
    found = crf.span_posteriors(emissions, mask, spans, roles).tolist()
    worlds = [probabilities(crf, emissions[row], lengths[row]) for row in (0, 1)]
    for (row, start, end), posterior in zip(spans, found, strict=True):
        wanted = sum(p for sequence, p in worlds[row].items() if (start, end) in bioes_spans(sequence))
        assert posterior == pytest.approx(wanted, rel=1e-4, abs=1e-6)


def test_spans_of_very_unlike_lengths_have_the_posteriors_they_have_alone(monkeypatch):
    generator = torch.Generator().manual_seed(3)
    crf = CRF(5, batch_first=True, constraints=BIOES)
    emissions = torch.randn(1, 40, 5, generator=generator)
    spans = [(0, 0, 40), (0, 3, 4), (0, 5, 25), (0, 39, 40), (0, 7, 9)]
    roles = torch.tensor([[1, 2, 3, 4]])
    alone = [float(crf.span_posteriors(emissions, None, [span], roles)) for span in spans]
    monkeypatch.setattr("ner.crf.span_posteriors._MOST_INSIDE", 50)
    assert crf.span_posteriors(emissions, None, spans, roles.expand(5, 4)).tolist() == pytest.approx(alone)


def test_all_spans_over_a_token_and_no_entity_there_sum_to_one():
    generator = torch.Generator().manual_seed(7)
    crf = CRF(5, batch_first=True, constraints=BIOES)
    emissions = torch.randn(1, 6, 5, generator=generator)
    spans = [(0, a, b) for a in range(6) for b in range(a + 1, 7)]
    posteriors = crf.span_posteriors(emissions, None, spans, torch.tensor([[1, 2, 3, 4]]).expand(len(spans), 4))
    outside = crf.marginals(emissions)[0, :, 0]
    for token in range(6):
        covering = sum(p for (_, a, b), p in zip(spans, posteriors.tolist(), strict=True) if a <= token < b)
        assert covering + float(outside[token]) == pytest.approx(1, abs=1e-5)


def test_partial_labels_sum_over_the_tag_sequences_that_agree(crf, world):
    num_tags, emissions, mask, lengths, generator = world
    allowed = torch.rand(*mask.shape, num_tags, generator=generator) < 0.5
    allowed[:, :, 0] = True  # the tag that is legal everywhere
    found = crf.partial_log_likelihood(emissions, allowed, mask, "none").tolist()
    for row, length in enumerate(lengths):
        agreeing = [
            p
            for sequence, p in probabilities(crf, emissions[row], length).items()
            if all(allowed[row, step, tag] for step, tag in enumerate(sequence))
        ]
        assert math.exp(found[row]) == pytest.approx(math.fsum(agreeing), rel=1e-4, abs=1e-6)


def test_partial_labels_that_are_all_known_give_the_plain_loss_and_gradient(crf, world):
    num_tags, emissions, mask, lengths, _ = world
    tags = torch.zeros_like(mask, dtype=torch.long)
    for row, length in enumerate(lengths):
        tags[row, :length] = torch.tensor(list(legal_sequences(crf, length))[-1], dtype=torch.long)
    emissions.requires_grad_()
    known = torch.nn.functional.one_hot(tags, num_tags).bool()
    losses = crf.partial_log_likelihood(emissions, known, mask), crf(emissions, tags, mask)
    torch.testing.assert_close(*losses, rtol=1e-4, atol=1e-4)
    gradients = [torch.autograd.grad(loss, [emissions, crf.transitions]) for loss in losses]
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def test_partial_labels_of_which_nothing_is_known_give_no_loss_and_no_gradient(crf, world):
    num_tags, emissions, mask, _, _ = world
    emissions.requires_grad_()
    loss = crf.partial_log_likelihood(emissions, torch.ones(*mask.shape, num_tags, dtype=torch.bool), mask)
    gradients = torch.autograd.grad(loss, [emissions, crf.transitions])
    assert float(loss.detach()) == 0
    # But for rounding: both sums are made in one batch.
    assert all(float(gradient.abs().max()) < 1e-6 for gradient in gradients)


def test_all_zero_scores_give_the_log_of_the_number_of_legal_sequences():
    crf = CRF(5, batch_first=True, constraints=BIOES)
    for parameter in crf.parameters():
        parameter.data.zero_()
    wanted = [math.log(len(list(legal_sequences(crf, length)))) for length in (1, 2, 6)]
    mask = torch.arange(6) < torch.tensor([1, 2, 6]).unsqueeze(1)
    assert crf.log_partition(torch.zeros(3, 6, 5), mask).tolist() == pytest.approx(wanted, abs=1e-5)


def test_gradients_pass_gradcheck_in_double_precision():
    generator = torch.Generator().manual_seed(3)
    lengths = torch.tensor([4, 2, 1])
    tensors = [
        torch.randn(shape, generator=generator, dtype=torch.double, requires_grad=True)
        for shape in ((3, 4, 3), (3,), (3, 3), (3,))
    ]
    assert torch.autograd.gradcheck(lambda *parts: log_partition(Scores(*parts), lengths), tensors)


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("ragged", [True, False])
def test_without_constraints_it_equals_pytorch_crf(batch_first, ragged):
    generator = torch.Generator().manual_seed(1)
    ours, theirs = CRF(17, batch_first=batch_first), torchcrf.CRF(17, batch_first=batch_first)
    theirs.load_state_dict(ours.state_dict())  # and so the weights go both ways
    ours.load_state_dict(theirs.state_dict())
    emissions = torch.randn(8, 20, 17, generator=generator)
    tags = torch.randint(0, 17, (8, 20), generator=generator)
    lengths = torch.randint(1, 21, (8,), generator=generator) if ragged else torch.full((8,), 20)
    mask = torch.arange(20) < lengths.unsqueeze(1)
    if not batch_first:
        emissions, tags, mask = (part.transpose(0, 1).contiguous() for part in (emissions, tags, mask))
    results = []
    for crf in (ours, theirs):
        scores = emissions.clone().requires_grad_()
        loss = crf(scores, tags, mask=mask, reduction="token_mean")
        results.append((loss, *torch.autograd.grad(loss, [scores, *crf.parameters()])))
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
    assert ours.decode(emissions, mask) == theirs.decode(emissions, mask)


def double_oracle(scores, lengths):
    return log_space_forward_backward(Scores(*(part.double() for part in scores)), lengths)


@pytest.mark.parametrize("scale", [1, 10, 100, 1000])
@pytest.mark.parametrize("constrained", [True, False])
def test_scores_up_to_a_thousand_agree_with_log_space_in_double_precision(scale, constrained):
    generator = torch.Generator().manual_seed(scale)
    for _ in range(20):
        crf = random_crf(6, generator, constrained=constrained, scale=min(scale, 30))
        emissions = scale * (2 * torch.rand(3, 12, 6, generator=generator) - 1)
        lengths = torch.tensor([12, 7, 1])
        mask = torch.arange(12) < lengths.unsqueeze(1)
        scores = crf._scores(emissions)
        oracle = double_oracle(scores, lengths)
        total = crf.log_partition(emissions, mask).double()
        torch.testing.assert_close(total, oracle.log_partition, rtol=1e-4, atol=1e-4)
        weights = (oracle.prefix + oracle.suffix - oracle.log_partition.view(-1, 1, 1)).exp()
        weights = torch.where(mask.unsqueeze(2), weights, 0)
        torch.testing.assert_close(crf.marginals(emissions, mask).double(), weights, rtol=1e-4, atol=1e-4)


def test_a_single_legal_tag_sequence_is_certain_however_bad_its_score():
    forced = [1, 2, 0, 2, 1]
    start, end = torch.zeros(3, dtype=torch.bool), torch.zeros(3, dtype=torch.bool)
    transitions = torch.zeros(3, 3, dtype=torch.bool)
    start[1] = end[1] = True
    for a, b in itertools.pairwise(forced):
        transitions[a, b] = True
    # From 2 two transitions are allowed; emissions that forbid the wrong one leave a single tag sequence.
    crf = CRF(3, batch_first=True, constraints=Constraints(start, transitions, end))
    emissions = torch.full((1, 5, 3), 1000.0)
    for step, tag in enumerate(forced):
        emissions[0, step, tag] = -1000.0
    sequences = list(legal_sequences(crf, 5))
    wanted = log_sum([score(crf, emissions[0], sequence) for sequence in sequences])
    assert crf.log_partition(emissions).item() == pytest.approx(wanted, rel=1e-4)
    assert tuple(crf.decode(emissions)[0]) in set(sequences)


def test_ordinary_scores_need_no_log_space_forward_backward():
    generator = torch.Generator().manual_seed(5)
    crf = random_crf(5, generator)
    scores = crf._scores(5 * torch.randn(4, 50, 5, generator=generator))
    assert scaled_forward_backward(scores, torch.tensor([50, 3, 20, 50])) is not None


def test_a_batch_of_empty_sentences_has_empty_tag_sequences():
    crf = CRF(3, batch_first=True)
    mask = torch.zeros(2, 4, dtype=torch.bool)
    assert crf.decode(torch.randn(2, 4, 3), mask) == [[], []]
    assert crf.log_partition(torch.randn(2, 4, 3), mask).tolist() == [0, 0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c: c.decode(torch.zeros(2, 3, 4)), "expected emissions of 3 dimensions, the last 5, found (2, 3, 4)"),
        (
            lambda c: c.decode(torch.zeros(2, 3, 5), torch.ones(2, 4, dtype=torch.bool)),
            "expected a mask of shape (2, 3), found (2, 4)",
        ),
        (
            lambda c: c.decode(torch.zeros(2, 3, 5), torch.tensor([[True, True, True], [True, False, True]])),
            "sentence 1: expected all its tokens before its padding, found a hole in the mask",
        ),
        (
            lambda c: c.decode(torch.tensor([0.0, math.nan]).repeat_interleave(5).view(1, 2, 5)),
            "sentence 0, token 1: expected finite emissions, found NaN or infinity",
        ),
        (
            lambda c: c(torch.zeros(2, 3, 5), torch.zeros(2, 2, dtype=torch.long)),
            "expected tags of shape (2, 3), found (2, 2)",
        ),
        (
            lambda c: c(torch.zeros(1, 2, 5), torch.tensor([[0, 7]])),
            "expected tags from 0 to 4, found 0..7",
        ),
        (
            lambda c: c(torch.zeros(2, 2, 5), torch.tensor([[0, 0], [0, 2]])),
            "sentence 1: expected a tag sequence that the constraints allow, found [0, 2]",
        ),
        (
            lambda c: c(torch.zeros(1, 2, 5), torch.tensor([[0, 0]]), reduction="most"),
            "expected a reduction none, sum, mean or token_mean, found 'most'",
        ),
        (
            lambda c: c.partial_log_likelihood(torch.zeros(1, 2, 5), torch.tensor([[[True] * 5, [False] * 5]])),
            "sentence 0, token 1: expected at least one allowed tag, found none",
        ),
        (
            lambda c: c.partial_log_likelihood(
                torch.zeros(1, 1, 5), torch.tensor([[[False, True, False, False, False]]])
            ),
            "sentence 0: expected a legal tag sequence among the allowed tags, found none",
        ),
    ],
)
def test_what_cannot_be_right_is_refused_with_its_place(call, message):
    with pytest.raises(ValueError) as caught:
        call(CRF(5, batch_first=True, constraints=BIOES))
    assert str(caught.value) == message


@pytest.mark.parametrize("num_tags", [5])
def test_probabilities_of_a_long_sentence_are_as_exact_as_those_of_a_short_one(num_tags):
    generator = torch.Generator().manual_seed(2)
    crf = CRF(num_tags, batch_first=True, constraints=BIOES)
    emissions = 4 * torch.randn(1, 3000, num_tags, generator=generator)
    spans = [(0, start, start + 1) for start in range(0, 3000, 50)]
    roles = torch.tensor([[1, 2, 3, 4]]).expand(len(spans), 4)
    double = copy.deepcopy(crf).double()
    found, wanted = (
        crf.span_posteriors(emissions, None, spans, roles),
        double.span_posteriors(emissions.double(), None, spans, roles),
    )
    torch.testing.assert_close(found.double(), wanted, rtol=1e-4, atol=1e-5)
    ((_, value),) = crf.k_best(emissions, k=1)[0]
    ((_, exact),) = double.k_best(emissions.double(), k=1)[0]
    assert value == pytest.approx(exact, abs=1e-3)


def test_sentences_of_no_tokens_at_all_have_one_tag_sequence_of_probability_one():
    crf = CRF(5, batch_first=True, constraints=BIOES)
    nothing = torch.zeros(2, 0, 5)
    assert crf.decode(nothing) == [[], []]
    assert crf.k_best(nothing, k=3) == [[([], 0.0)], [([], 0.0)]]
    assert crf.marginals(nothing).shape == (2, 0, 5)
    assert crf.log_partition(nothing).tolist() == [0, 0]
    assert crf(nothing, torch.zeros(2, 0, dtype=torch.long), reduction="none").tolist() == [0, 0]
    assert crf.span_posteriors(nothing, None, [], torch.zeros(0, 4, dtype=torch.long)).tolist() == []


@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_tempered_partial_labels_sum_over_the_tag_sequences_that_agree_at_that_temperature(crf, world, temperature):
    num_tags, emissions, mask, lengths, generator = world
    crf.temperature = temperature
    allowed = torch.rand(*mask.shape, num_tags, generator=generator) < 0.5
    allowed[:, :, 0] = True  # the tag that is legal everywhere
    found = crf.partial_log_likelihood(emissions, allowed, mask, "none", tempered=True).tolist()
    for row, length in enumerate(lengths):
        scores = {
            sequence: score(crf, emissions[row], sequence) / temperature for sequence in legal_sequences(crf, length)
        }
        agreeing = [
            value
            for sequence, value in scores.items()
            if all(allowed[row, step, tag] for step, tag in enumerate(sequence))
        ]
        assert found[row] == pytest.approx(log_sum(agreeing) - log_sum(list(scores.values())), rel=1e-4, abs=1e-5)


def test_partial_labels_in_training_know_nothing_of_the_temperature(crf, world):
    num_tags, emissions, mask, _, generator = world
    allowed = torch.rand(*mask.shape, num_tags, generator=generator) < 0.5
    allowed[:, :, 0] = True
    before = crf.partial_log_likelihood(emissions, allowed, mask)
    crf.temperature = 2.0
    assert torch.equal(crf.partial_log_likelihood(emissions, allowed, mask), before)


def test_the_gradient_of_tempered_partial_labels_is_their_slope():
    generator = torch.Generator().manual_seed(6)
    crf = random_crf(3, generator, constrained=True).double()
    crf.temperature = 2.0
    emissions = torch.randn(2, 4, 3, generator=generator, dtype=torch.double, requires_grad=True)
    allowed = torch.rand(2, 4, 3, generator=generator) < 0.5
    allowed[:, :, 0] = True

    def tempered(scores):
        return crf.partial_log_likelihood(scores, allowed, reduction="none", tempered=True)

    assert torch.autograd.gradcheck(tempered, [emissions])


def test_transition_scores_are_the_addends_of_a_tag_sequence_and_minus_infinity_where_one_is_forbidden(crf, world):
    num_tags = world[0]
    start, transitions, end = (part.tolist() for part in crf.transition_scores())
    allowed = set(legal_sequences(crf, 3))
    for sequence in itertools.product(range(num_tags), repeat=3):
        a, b, c = sequence
        total = start[a] + transitions[a][b] + transitions[b][c] + end[c]
        wanted = score(crf, torch.zeros(3, num_tags), sequence) if sequence in allowed else -math.inf
        assert total == pytest.approx(wanted, abs=1e-5)
