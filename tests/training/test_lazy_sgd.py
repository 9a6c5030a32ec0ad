"""Row by row gives what PyTorch's dense SGD gives."""

import pytest
import torch
from torch import nn

from ner.config import parse_config
from ner.formats.corpus import Corpus
from ner.settings import TrainingConfig
from ner.text.sentence import sentence_from_words
from ner.training import lazy_sgd
from ner.training.lazy_sgd import RowwiseSGD
from ner.training.optimizer import clip_gradient, make_optimizer, optimizer_tensors, restore_optimizer
from ner.training.training import train_model

NUM_ROWS, DIM = 40, 3


def make_network() -> nn.ModuleList:
    torch.manual_seed(1)
    return nn.ModuleList([nn.Embedding(NUM_ROWS, DIM, padding_idx=0), nn.Linear(DIM, 2)]).double()


def train(network: nn.ModuleList, optimizer: torch.optim.Optimizer, *, steps: int, clip: float | None = None) -> None:
    """Few of the rows at each step, some twice, some never; the rate falls and rises."""
    generator = torch.Generator().manual_seed(2)
    table, linear = network
    for step in range(steps):
        rows = torch.randint(0, NUM_ROWS - 5, (3, 2), generator=generator)
        optimizer.param_groups[0]["lr"] = 0.02 / (1 + step % 7)
        optimizer.zero_grad()
        (linear(torch.tanh(table(rows))) - 1).square().sum().backward()
        if clip:
            clip_gradient(network.parameters(), clip)
        optimizer.step()


@pytest.mark.parametrize("window", [1, 2, 13, 1024])
@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9, 0.99])
def test_rows_move_as_under_dense_sgd(monkeypatch: pytest.MonkeyPatch, momentum: float, window: int) -> None:
    monkeypatch.setattr(lazy_sgd, "_WINDOW", window)
    dense, sparse = make_network(), make_network()
    train(dense, torch.optim.SGD(dense.parameters(), lr=1, momentum=momentum), steps=50)
    optimizer = RowwiseSGD(sparse.parameters(), [sparse[0]], lr=1, momentum=momentum)
    train(sparse, optimizer, steps=50)
    optimizer.settle()
    for ours, theirs in zip(sparse.parameters(), dense.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)


def test_reading_a_row_brings_it_up_to_date_and_leaves_the_others() -> None:
    dense, sparse = make_network(), make_network()
    train(dense, torch.optim.SGD(dense.parameters(), lr=1, momentum=0.9), steps=9)
    train(sparse, RowwiseSGD(sparse.parameters(), [sparse[0]], lr=1, momentum=0.9), steps=9)
    behind = (sparse[0].weight - dense[0].weight).abs().amax(1) > 1e-9
    row = int(behind.nonzero()[0])
    read = sparse[0](torch.tensor([row]))
    torch.testing.assert_close(read[0], dense[0].weight[row], rtol=0, atol=1e-12)
    assert int(((sparse[0].weight - dense[0].weight).abs().amax(1) > 1e-9).sum()) == int(behind.sum()) - 1


def test_clipping_is_that_of_pytorch_with_sparse_gradients_among_the_others() -> None:
    dense, sparse = make_network(), make_network()
    optimizer = RowwiseSGD(sparse.parameters(), [sparse[0]], lr=1, momentum=0.9)
    rows = torch.tensor([[1, 1, 2], [0, 3, 1]])
    for table, linear in (dense, sparse):
        linear(table(rows)).square().sum().backward()
    wanted = float(torch.nn.utils.clip_grad_norm_(dense.parameters(), 0.1))
    assert clip_gradient(sparse.parameters(), 0.1) == pytest.approx(wanted, rel=1e-12)
    assert sparse[0].weight.grad is not None
    assert sparse[0].weight.grad.is_sparse
    # PyTorch divides by the norm plus a millionth.
    torch.testing.assert_close(sparse[0].weight.grad.to_dense(), dense[0].weight.grad, rtol=1e-4, atol=0)
    torch.testing.assert_close(sparse[1].weight.grad, dense[1].weight.grad, rtol=1e-4, atol=0)
    assert clip_gradient(sparse.parameters(), 0.1) == pytest.approx(0.1, rel=1e-9)
    kept = sparse[1].weight.grad.clone()
    clip_gradient(sparse.parameters(), 1.0)
    assert torch.equal(sparse[1].weight.grad, kept)
    optimizer.zero_grad()
    assert sparse[0].weight.grad is None


def test_what_it_remembers_survives_being_saved() -> None:
    once, twice = make_network(), make_network()
    optimizers = [RowwiseSGD(n.parameters(), [n[0]], lr=1, momentum=0.9) for n in (once, twice)]
    for network, optimizer in zip((once, twice), optimizers, strict=True):
        train(network, optimizer, steps=6)
        optimizer.settle()
    tensors = {name: tensor.clone() for name, tensor in optimizer_tensors(optimizers[1]).items()}
    resumed = make_network()
    fresh = RowwiseSGD(resumed.parameters(), [resumed[0]], lr=1, momentum=0.9)
    resumed.load_state_dict(twice.state_dict())
    restore_optimizer(fresh, tensors)
    for network, optimizer in ((once, optimizers[0]), (resumed, fresh)):
        train(network, optimizer, steps=6)
        optimizer.settle()
    for ours, theirs in zip(resumed.parameters(), once.parameters(), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize(
    ("settings", "rowwise_wanted"),
    [
        ({"optimizer": "sgd"}, True),
        ({"optimizer": "sgd", "momentum": 0.0}, True),
        ({"optimizer": "sgd", "weight_decay": 0.01}, False),
        ({"optimizer": "sgd", "average": 0.9, "average_every": "step"}, False),
        ({"optimizer": "adamw"}, False),
    ],
)
def test_rows_move_apart_where_nothing_else_touches_the_whole_table(
    settings: dict[str, object], rowwise_wanted: bool
) -> None:
    network = make_network()
    config = TrainingConfig.model_validate(settings)
    optimizer = make_optimizer(config, list(network.parameters()), [network[0]])
    assert isinstance(optimizer, RowwiseSGD) == rowwise_wanted
    assert not isinstance(make_optimizer(config, list(network.parameters())), RowwiseSGD)


def test_when_it_is_released_the_embedding_is_as_it_was_found() -> None:
    dense, sparse = make_network(), make_network()
    train(dense, torch.optim.SGD(dense.parameters(), lr=1, momentum=0.9), steps=9)
    optimizer = RowwiseSGD(sparse.parameters(), [sparse[0]], lr=1, momentum=0.9)
    train(sparse, optimizer, steps=9)
    optimizer.release()
    optimizer.zero_grad()
    sparse[0](torch.tensor([1])).sum().backward()
    assert not sparse[0]._forward_pre_hooks
    assert not sparse[0].weight.grad.is_sparse
    torch.testing.assert_close(sparse[0].weight, dense[0].weight, rtol=0, atol=1e-12)


def test_a_trained_network_keeps_nothing_of_its_optimizer() -> None:
    words = ["Anna", "lives", "in", "Rome"]
    sentences = [sentence_from_words(words, ["B-PER", "O", "O", "B-LOC"])]
    model = train_model(
        parse_config({"training": {"epochs": 1}, "run": {"device": "cpu"}}, ""), Corpus(sentences, [], [])
    )
    table = model.network.embedding.words.trained
    assert not table._forward_pre_hooks
    assert not table.sparse
