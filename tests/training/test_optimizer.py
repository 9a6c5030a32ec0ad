"""Learning rates against the formulas worked by hand, averages against their definition."""

import math
from itertools import pairwise

import pytest
import torch
from torch import nn

from ner.settings import TrainingConfig
from ner.training.optimizer import (
    WeightAverage,
    learning_rate,
    make_optimizer,
    optimizer_tensors,
    restore_optimizer,
)

STEPS = 10  # an epoch


def rate(step: int, **settings: object) -> float:
    config = TrainingConfig.model_validate({"learning_rate": 0.8, "epochs": 4, **settings})
    return learning_rate(config, step, STEPS)


@pytest.mark.parametrize("epoch", [0, 1, 2, 3])
def test_the_inverse_schedule_falls_by_epochs(epoch: int) -> None:
    for step in (epoch * STEPS, epoch * STEPS + STEPS - 1):
        assert rate(step, schedule="inverse", decay=0.25) == pytest.approx(0.8 / (1 + 0.25 * epoch))


@pytest.mark.parametrize(("step", "wanted"), [(0, 0.8), (10, 0.6), (20, 0.4), (30, 0.2), (39, 0.02)])
def test_the_linear_schedule_falls_evenly_to_zero(step: int, wanted: float) -> None:
    assert rate(step, schedule="linear") == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("step", "wanted"),
    [(0, 0.8), (10, 0.4 + 0.4 * math.sqrt(0.5)), (20, 0.4), (30, 0.4 - 0.4 * math.sqrt(0.5))],
)
def test_the_cosine_schedule_falls_along_half_a_wave(step: int, wanted: float) -> None:
    assert rate(step, schedule="cosine") == pytest.approx(wanted)


@pytest.mark.parametrize("step", [0, 17, 39])
def test_the_constant_schedule_stays(step: int) -> None:
    assert rate(step, schedule="constant") == 0.8


@pytest.mark.parametrize("schedule", ["inverse", "linear", "cosine", "constant"])
def test_every_schedule_rises_evenly_over_the_warm_up_and_falls_from_the_full_rate(schedule: str) -> None:
    # A tenth of 40 steps: 1/5, 2/5, 3/5, 4/5 of the rate, then all of it.
    rates = [rate(step, schedule=schedule, warmup=0.1) for step in range(40)]
    assert rates[:5] == pytest.approx([0.16, 0.32, 0.48, 0.64, 0.8])
    assert all(later <= earlier for earlier, later in pairwise(rates[4:]))
    assert min(rates) > 0


def test_linear_and_cosine_end_where_the_warm_up_left_room() -> None:
    # 20 steps of warm-up leave 20: the middle of them is half the rate in both.
    for schedule in ("linear", "cosine"):
        assert rate(30, schedule=schedule, warmup=0.5) == pytest.approx(0.4)


def make_parameters() -> list[nn.Parameter]:
    return [nn.Parameter(torch.arange(6.0).view(2, 3)), nn.Parameter(torch.ones(4))]


def test_sgd_moves_as_its_formula_says() -> None:
    config = TrainingConfig(optimizer="sgd", learning_rate=0.1, momentum=0.5, weight_decay=0.2)
    parameter = nn.Parameter(torch.tensor([1.0]))
    optimizer = make_optimizer(config, [parameter])
    value, velocity = 1.0, 0.0
    for gradient in (3.0, -1.0, 2.0):
        parameter.grad = torch.tensor([gradient])
        optimizer.step()
        velocity = 0.5 * velocity + gradient + 0.2 * value  # Sutskever et al. 2013, with an L2 penalty
        value -= 0.1 * velocity
        assert parameter.item() == pytest.approx(value)


def test_adamw_moves_as_its_formula_says() -> None:
    config = TrainingConfig(optimizer="adamw", learning_rate=0.1, weight_decay=0.2)
    parameter = nn.Parameter(torch.tensor([1.0]))
    optimizer = make_optimizer(config, [parameter])
    value, first, second = 1.0, 0.0, 0.0
    for step, gradient in enumerate((3.0, -1.0, 2.0), start=1):
        parameter.grad = torch.tensor([gradient])
        optimizer.step()
        # Loshchilov & Hutter 2019, algorithm 2, with the usual betas of 0.9 and 0.999.
        first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
        value -= 0.1 * 0.2 * value
        value -= 0.1 * (first / (1 - 0.9**step)) / (math.sqrt(second / (1 - 0.999**step)) + 1e-8)
        assert parameter.item() == pytest.approx(value, rel=1e-5)


@pytest.mark.parametrize("warmup", [3, 10])
@pytest.mark.parametrize("decay", [0.05, 0.9, 0.999])
def test_the_weight_average_is_the_weighted_sum_of_all_weights_so_far(decay: float, warmup: int) -> None:
    parameter = nn.Parameter(torch.tensor([10.0]))
    average = WeightAverage([parameter], decay, warmup=warmup)
    values, decays = [10.0], []
    for step in range(1, 30):
        with torch.no_grad():
            parameter.fill_(math.sin(step))
        average.update()
        values.append(math.sin(step))
        decays.append(min(decay, step / (step + warmup)))
        # Each value counts by its own share times the decay of every later step.
        shares = [(1 - decays[i - 1] if i else 1.0) * math.prod(decays[i:]) for i in range(len(values))]
        assert sum(shares) == pytest.approx(1)
        wanted = sum(share * value for share, value in zip(shares, values, strict=True))
        assert average.values[0].item() == pytest.approx(wanted, abs=1e-5)


def test_swapping_shows_the_average_and_swapping_twice_is_as_before() -> None:
    parameters = make_parameters()
    average = WeightAverage(parameters, 0.5, warmup=10)
    with torch.no_grad():
        for parameter in parameters:
            parameter.add_(1)
    now, mean = [p.detach().clone() for p in parameters], [v.clone() for v in average.values]
    average.swap()
    assert all(torch.equal(p, m) for p, m in zip(parameters, mean, strict=True))
    average.swap()
    assert all(torch.equal(p, n) for p, n in zip(parameters, now, strict=True))
    assert all(torch.equal(v, m) for v, m in zip(average.values, mean, strict=True))


@pytest.mark.parametrize("settings", [{}, {"weight_decay": 0.1}, {"optimizer": "adamw"}])
def test_a_weight_that_gets_its_first_gradient_later_moves_as_one_that_was_made_then(
    settings: dict[str, object],
) -> None:
    config = TrainingConfig.model_validate({"learning_rate": 0.1, "momentum": 0.5, **settings})
    table = nn.Embedding(3, 2)
    late, alone = nn.Parameter(torch.ones(4)), nn.Parameter(torch.ones(4))
    early = [table.weight, nn.Parameter(torch.ones(2, 3))]
    optimizer = make_optimizer(config, [*early, late], [table])
    for number in range(4):
        for parameter in early:
            parameter.grad = None
        loss = table(torch.tensor([number % 3])).sum() + (early[1] ** 2).sum() + (late.cos().sum() if number > 1 else 0)
        loss.backward()
        optimizer.step()
        late.grad = None
    twin = make_optimizer(config, [alone])
    for _ in range(2):
        alone.grad = -alone.detach().sin()
        twin.step()
    torch.testing.assert_close(late, alone)


@pytest.mark.parametrize(
    "settings", [{"optimizer": "sgd"}, {"optimizer": "sgd", "momentum": 0.0}, {"optimizer": "adamw"}]
)
def test_an_optimizer_with_the_state_of_another_moves_as_that_one(settings: dict[str, object]) -> None:
    config = TrainingConfig.model_validate({"learning_rate": 0.1, **settings})

    def step(parameters: list[nn.Parameter], optimizer: torch.optim.Optimizer, number: int) -> None:
        for parameter in parameters:
            parameter.grad = torch.cos(parameter.detach() + number)
        optimizer.step()

    first = make_parameters()
    optimizer = make_optimizer(config, first)
    for number in range(3):
        step(first, optimizer, number)
    second = [nn.Parameter(parameter.detach().clone()) for parameter in first]
    restored = make_optimizer(config, second)
    state = {name: tensor.clone() for name, tensor in optimizer_tensors(optimizer).items()}
    restore_optimizer(restored, state)
    for number in range(3, 6):
        step(first, optimizer, number)
        step(second, restored, number)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
