"""The conditional random field that the guides work out by hand, number by number, is what the code computes."""

import math
import re

import numpy as np
import pytest
import torch

from ner.crf.chain import Chain
from ner.crf.layer import CRF
from tests.conftest import ROOT

GUIDES = ["from-rnn-to-bilstm-crf.md", "从RNN到BiLSTM-CRF.md"]
TAGS = "OL"
WORDS = ["to", "New", "York"]
LENGTHS = np.array([3])


def numbers(row: str) -> list[float]:
    """What stands in a row's cells behind its name, behind the last `=` of each."""
    return [float(cell.split("=")[-1]) for cell in row.split("|")[2:-1]]


@pytest.fixture(params=GUIDES)
def rows(request) -> list[str]:
    text = (ROOT / "docs" / request.param).read_text(encoding="utf-8")
    (part,) = re.findall(r"\n### (?:By hand|用手算一遍)\n(.*?)\n### ", text, flags=re.DOTALL)
    return [line for line in part.splitlines() if re.match(r"\| [^|]+ \| ", line)]


@pytest.fixture
def emissions(rows) -> np.ndarray:
    """The scores of the guide's first table, (1, T, K)."""
    weights = [numbers(row) for row in rows if re.match(r"\| [OL] \|", row)]
    assert len(weights) == 2
    return np.log(np.array(weights)).T[None]


@pytest.fixture
def chain() -> Chain:
    return Chain(np.zeros(2), np.log(np.array([[1.0, 1.0], [1.0, 3.0]])), np.zeros(2))


def test_each_tag_sequence_has_the_weight_and_the_probability_of_the_table(rows, emissions, chain) -> None:
    table = {}
    for row in rows:
        if found := re.match(r"\| ([OL] [OL] [OL]) \| (\S+) \| (\S+) \| (\d+) \| (0\.\d{3}) \|$", row):
            tags, emitted, moved, weight, probability = found.groups()
            assert math.prod(int(factor) for factor in f"{emitted}·{moved}".split("·")) == int(weight)
            table[tuple(TAGS.index(tag) for tag in tags.split())] = (int(weight), probability)
    assert len(table) == 8
    assert sum(weight for weight, _ in table.values()) == 110
    (best,) = chain.k_best(emissions, LENGTHS, k=8)
    for tags, log_probability in best:
        weight, written = table[tuple(tags)]
        assert math.exp(log_probability) == pytest.approx(weight / 110)
        assert written == f"{math.exp(log_probability):.3f}"
    assert chain.decode(emissions, LENGTHS) == [[0, 1, 1]]


def test_the_sums_from_word_to_word_give_the_marginals_and_the_best_weight(rows, emissions, chain) -> None:
    table = {row.split("|")[1].strip(): numbers(row) for row in rows if re.match(r"\| \S+ [OL] \|", row)}
    names = list(dict.fromkeys(name.split()[0] for name in table))
    forward, backward, marginal, best = ([table[f"{name} {tag}"] for tag in TAGS] for name in names)
    wanted = chain.marginals(emissions, LENGTHS)[0].T  # (K, T)
    np.testing.assert_allclose(np.multiply(forward, backward) / 110, wanted)
    np.testing.assert_allclose(marginal, wanted, atol=0.0005)
    for index in range(len(WORDS)):  # all ways to a word: the sum over the sequences of the words up to it
        prefix = emissions[:, : index + 1]
        total = math.exp(as_layer(chain).log_partition(torch.from_numpy(prefix)).item())
        assert total == pytest.approx(sum(row[index] for row in forward))
        ((_, log_probability),) = chain.k_best(prefix, np.array([index + 1]), k=1)[0]
        assert math.exp(log_probability) * total == pytest.approx(max(row[index] for row in best))


def test_the_arithmetic_that_is_written_out_is_right(rows) -> None:
    steps = [cell for row in rows for cell in row.split("|") if "=" in cell]
    assert len(steps) == 18
    for step in steps:
        left, right = step.split("=")
        assert re.fullmatch(r"[\d+·()/, max]+", left)
        terms = left.replace("·", "*")
        assert round(eval(terms, {"__builtins__": {}, "max": max}), 3) == float(right)


def as_layer(chain: Chain) -> CRF:
    crf = CRF(2, batch_first=True).double()
    with torch.no_grad():
        crf.start_transitions.zero_()
        crf.end_transitions.zero_()
        crf.transitions.copy_(torch.from_numpy(chain.transitions))
    return crf


def test_the_place_has_the_probability_of_the_one_sequence_that_has_just_it(emissions) -> None:
    # O, B-LOC, I-LOC; no place right behind another, as the tags O and L can't say that.
    allowed = np.array([[1, 1, 0], [1, 0, 1], [1, 0, 1]], dtype=bool)
    moves = np.where(allowed, np.log([[1.0, 1.0, 1.0], [1.0, 1.0, 3.0], [1.0, 1.0, 3.0]]), -math.inf)
    chain = Chain(np.array([0.0, 0.0, -math.inf]), moves, np.zeros(3))
    scores = emissions[:, :, [0, 1, 1]]
    (sequences,) = chain.k_best(scores, LENGTHS, k=20)
    assert len(sequences) == 8
    found = {tuple(tags): math.exp(log_probability) for tags, log_probability in sequences}
    assert found[0, 1, 2] == pytest.approx(36 / 110)
    assert f"{found[0, 1, 2]:.3f}" == "0.327"


def test_the_loss_and_its_gradient_are_those_of_the_text(emissions, chain) -> None:
    scores = torch.from_numpy(emissions).requires_grad_()
    loss = -as_layer(chain)(scores, torch.tensor([[0, 1, 1]]))
    loss.backward()
    assert f"{loss.item():.3f}" == "1.117"
    assert f"{scores.grad[0, 1, 1].item():.3f}" == "-0.364"
    assert scores.grad[0, 1, 0].item() == pytest.approx(-scores.grad[0, 1, 1].item())
    for name in GUIDES:
        text = (ROOT / "docs" / name).read_text(encoding="utf-8")
        assert "= 1.117$" in text
        assert "0.636 − 1 = −0.364" in text
        assert "0.636 · 0.845 = 0.538" in text
