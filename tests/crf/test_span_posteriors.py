"""Spans by their own probability, against enumeration of tag sequences and of all ways to choose."""

from itertools import chain, combinations, pairwise

import pytest
import torch
from torch import Tensor

from ner.crf.layer import CRF, Constraints
from ner.crf.span_posteriors import ProbableSpan, choose_spans, tags_of_spans
from ner.text.tags import legal_transitions, tags_of_labels, tags_to_spans

LABELS = ["LOC", "PER"]
TAGS = tags_of_labels(LABELS)
ROLES = [[TAGS.index(f"{role}-{label}") for role in "BIES"] for label in LABELS]


def make_crf(generator: torch.Generator, *, constrained: bool, scale: float = 1.0) -> CRF:
    constraints = Constraints(*(torch.tensor(part) for part in legal_transitions(TAGS))) if constrained else None
    crf = CRF(len(TAGS), batch_first=True, constraints=constraints)
    for parameter in crf.parameters():
        parameter.data = scale * torch.randn(parameter.shape, generator=generator)
    return crf


def every_span(crf: CRF, emissions: Tensor, row: int, length: int) -> list[ProbableSpan]:
    """All spans of one sentence, each with its probability from `span_posteriors`, itself held against enumeration."""
    found = []
    for label, roles in enumerate(ROLES):
        spans = [(row, start, end) for start in range(length) for end in range(start + 1, length + 1)]
        mask = torch.arange(emissions.shape[1]) < torch.tensor([[length]] * len(emissions))
        chances = crf.span_posteriors(emissions, mask, spans, torch.tensor([roles] * len(spans))).tolist()
        found += [ProbableSpan(a, b, label, p) for (_, a, b), p in zip(spans, chances, strict=True)]
    return sorted(found, key=lambda span: (span.end, span.start, span.label))


@pytest.mark.parametrize("constrained", [False, True])
@pytest.mark.parametrize("threshold", [0.01, 0.1, 0.4])
@pytest.mark.parametrize("scale", [1.5, 3.0])
def test_probable_spans_are_all_of_at_least_that_probability(constrained: bool, threshold: float, scale: float) -> None:
    found_any = 0
    for seed in range(5):
        generator = torch.Generator().manual_seed(seed)
        crf = make_crf(generator, constrained=constrained, scale=scale)
        crf.temperature = 1.0 + seed / 2
        emissions = scale * torch.randn(4, 6, len(TAGS), generator=generator)
        lengths = [6, 1, 0, 4]
        mask = torch.arange(6) < torch.tensor(lengths).unsqueeze(1)
        found = crf.probable_spans(emissions, mask, torch.tensor(ROLES), threshold)
        for row, length in enumerate(lengths):
            wanted = [span for span in every_span(crf, emissions, row, length) if span.probability >= threshold]
            assert [span[:3] for span in found[row]] == [span[:3] for span in wanted]
            assert [span[3] for span in found[row]] == pytest.approx([span[3] for span in wanted], abs=1e-5)
            found_any += len(wanted)
    assert found_any > 2


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("threshold", [1e-300, 5e-324])
def test_a_threshold_that_is_nothing_in_the_precision_of_the_scores_finds_all_spans_and_none_in_padding(
    threshold: float,
) -> None:
    generator = torch.Generator().manual_seed(1)
    crf = make_crf(generator, constrained=True)
    emissions = torch.randn(3, 4, len(TAGS), generator=generator)
    lengths = [4, 0, 2]
    mask = torch.arange(4) < torch.tensor(lengths).unsqueeze(1)
    found = crf.probable_spans(emissions, mask, torch.tensor(ROLES), threshold)
    for row, length in enumerate(lengths):
        assert [span[:3] for span in found[row]] == [span[:3] for span in every_span(crf, emissions, row, length)]


@pytest.mark.parametrize("threshold", [0.001, 0.01])
def test_in_a_run_of_alike_tokens_too_all_probable_spans_are_found(threshold: float) -> None:
    generator = torch.Generator().manual_seed(2)
    crf = make_crf(generator, constrained=True)
    emissions = torch.randn(len(TAGS), generator=generator).expand(1, 60, -1).contiguous()
    emissions[:, :, [TAGS.index("I-PER"), TAGS.index("B-PER")]] += 1.5
    (found,) = crf.probable_spans(emissions, None, torch.tensor(ROLES), threshold)
    wanted = [span for span in every_span(crf, emissions, 0, 60) if span.probability >= threshold]
    assert [span[:3] for span in found] == [span[:3] for span in wanted]
    assert max(span.end - span.start for span in found) > 4
    # Of the entities over a token only so many can be that probable.
    for token in range(60):
        assert sum(span.start <= token < span.end for span in found) <= 1 / threshold


def test_a_span_of_thousands_of_tokens_has_the_probability_it_has() -> None:
    crf = make_crf(torch.Generator().manual_seed(4), constrained=True)
    emissions = torch.full((1, 3000, len(TAGS)), -7.3)
    emissions[0, :, TAGS.index("I-PER")] = 8.1
    emissions[0, 0, TAGS.index("B-PER")] = emissions[0, -1, TAGS.index("E-PER")] = 16.7
    exact = make_crf(torch.Generator().manual_seed(4), constrained=True).double()
    roles = torch.tensor(ROLES[1:])
    (wanted,) = exact.span_posteriors(emissions.double(), None, [(0, 0, 3000)], roles).tolist()
    assert wanted > 0.999
    assert crf.span_posteriors(emissions, None, [(0, 0, 3000)], roles).tolist() == [pytest.approx(wanted, abs=5e-4)]
    assert crf.probable_spans(emissions, None, torch.tensor(ROLES), 0.5) == [
        [(0, 3000, 1, pytest.approx(wanted, abs=5e-4))]
    ]


def test_without_tokens_or_sentences_there_are_no_spans() -> None:
    crf = make_crf(torch.Generator().manual_seed(1), constrained=True)
    assert crf.probable_spans(torch.zeros(0, 3, len(TAGS)), None, torch.tensor(ROLES), 0.1) == []
    assert crf.probable_spans(torch.zeros(2, 0, len(TAGS)), None, torch.tensor(ROLES), 0.1) == [[], []]


@pytest.mark.parametrize("threshold", [0.05, 0.2, 0.45, 0.7])
def test_no_other_choice_of_spans_has_more_above_the_threshold(threshold: float) -> None:
    overlapped = 0
    for seed in range(12):
        generator = torch.Generator().manual_seed(seed)
        spans = []
        for _ in range(8):
            start, length = (
                torch.randint(0, 6, (1,), generator=generator),
                torch.randint(1, 4, (1,), generator=generator),
            )
            chance = float(torch.rand(1, generator=generator))
            spans.append(ProbableSpan(int(start), int(start + length), 0, chance))
        spans.sort(key=lambda span: (span.end, span.start))
        chosen = choose_spans(spans, threshold)
        subsets = chain.from_iterable(combinations(spans, size) for size in range(len(spans) + 1))
        best = max((gain(subset, threshold) for subset in subsets if apart(subset)), default=0.0)
        assert apart(chosen)
        assert gain(chosen, threshold) == pytest.approx(best)
        overlapped += len(chosen) < sum(span.probability > threshold for span in spans)
    assert overlapped


def gain(spans: tuple[ProbableSpan, ...] | list[ProbableSpan], threshold: float) -> float:
    return sum(span.probability - threshold for span in spans)


def apart(spans: tuple[ProbableSpan, ...] | list[ProbableSpan]) -> bool:
    return all(a.end <= b.start for a, b in pairwise(sorted(spans)))


def test_tags_of_spans_read_back_as_these_spans() -> None:
    spans = [ProbableSpan(0, 1, 1, 0.9), ProbableSpan(1, 4, 1, 0.9), ProbableSpan(4, 6, 0, 0.9)]
    tags = [TAGS[index] for index in tags_of_spans(spans, 7, ROLES, TAGS.index("O"))]
    assert tags == ["S-PER", "B-PER", "I-PER", "E-PER", "B-LOC", "E-LOC", "O"]
    assert [(s.start, s.end, LABELS.index(s.label)) for s in tags_to_spans(tags)] == [span[:3] for span in spans]
