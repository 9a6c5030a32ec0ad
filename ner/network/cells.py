"""The recurrent cells: each one's `step` is its paper's equations and nothing else.

The three that PyTorch has kernels for run on those; their `step` says what the kernel computes (a test holds
the two together), and lets every gate be seen.

In the equations x is the input, h the hidden state, c the cell state, σ the logistic function, ⊙ a product unit
by unit; h' and c' are those of the token before.
"""

from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor, nn

from ner.network.cell import Cell, CellOptions, FusedCell, State


class RNN(FusedCell):
    """The vanilla recurrent network (Elman 1990): h = tanh(W x + U h' + b)."""

    kernel = nn.RNN
    blocks = ("candidate",)

    def step(self, drive: Tensor, state: State, weight: Tensor) -> tuple[State, dict[str, Tensor]]:
        """No gates."""
        hidden = torch.tanh(drive + self.recurrent(state.hidden, weight))
        return State(hidden, hidden), {}


class LSTM(FusedCell):
    """Long short-term memory (Hochreiter & Schmidhuber 1997) with a forget gate (Gers et al. 2000).

    i, f, o = σ(W x + U h' + b), each its own; g = tanh(W x + U h' + b);
    c = f ⊙ c' + i ⊙ g; h = o ⊙ tanh(c).
    """

    kernel = nn.LSTM
    blocks = ("input", "forget", "candidate", "output")

    def step(self, drive: Tensor, state: State, weight: Tensor) -> tuple[State, dict[str, Tensor]]:
        """Gates: forget, input, output."""
        summed = drive + self.recurrent(state.hidden, weight)
        to_input, to_forget, to_candidate, to_output = summed.chunk(4, dim=1)
        input_gate, forget, output = to_input.sigmoid(), to_forget.sigmoid(), to_output.sigmoid()
        cell_state = forget * state.cell_state + input_gate * to_candidate.tanh()
        return State(output * cell_state.tanh(), cell_state), {"forget": forget, "input": input_gate, "output": output}


class GRU(FusedCell):
    """The gated recurrent unit (Cho et al. 2014), its reset gate behind the recurrent product as the kernels have it.

    r, z = σ(W x + U h' + b), each its own; n = tanh(W x + b + r ⊙ (U h' + b)); h = (1 - z) ⊙ n + z ⊙ h'.
    """

    kernel = nn.GRU
    blocks = ("reset", "update", "candidate")

    def step(self, drive: Tensor, state: State, weight: Tensor) -> tuple[State, dict[str, Tensor]]:
        """Gates: reset, update."""
        from_input = drive.chunk(3, dim=1)
        from_state = self.recurrent(state.hidden, weight).chunk(3, dim=1)
        reset, update = ((x + h).sigmoid() for x, h in zip(from_input[:2], from_state[:2], strict=True))
        candidate = torch.tanh(from_input[2] + reset * from_state[2])
        hidden = torch.lerp(candidate, state.hidden, update)
        return State(hidden, hidden), {"reset": reset, "update": update}


class PeepholeLSTM(Cell):
    """An LSTM whose gates see the cell state (Gers & Schmidhuber 2000), unit by unit.

    i, f = σ(W x + U h' + p ⊙ c' + b); c = f ⊙ c' + i ⊙ tanh(W x + U h' + b);
    o = σ(W x + U h' + p ⊙ c + b): the output gate sees the new cell state; h = o ⊙ tanh(c).
    """

    blocks: ClassVar[tuple[str, ...]] = ("input", "forget", "candidate", "output")

    def __init__(self, input_dim: int, hidden_dim: int, options: CellOptions = CellOptions()) -> None:
        super().__init__(input_dim, hidden_dim, options)
        # Of the input, forget and output gate. From zero: it starts as a plain LSTM.
        self.peepholes = nn.Parameter(torch.zeros(3, hidden_dim))

    def step(self, drive: Tensor, state: State, weight: Tensor) -> tuple[State, dict[str, Tensor]]:
        """Gates: forget, input, output."""
        to_input, to_forget, to_candidate, to_output = torch.addmm(drive, state.hidden, weight).chunk(4, dim=1)
        input_peephole, forget_peephole, output_peephole = self.peepholes.unbind(0)
        input_gate = torch.addcmul(to_input, input_peephole, state.cell_state).sigmoid()
        forget = torch.addcmul(to_forget, forget_peephole, state.cell_state).sigmoid()
        cell_state = torch.addcmul(forget * state.cell_state, input_gate, to_candidate.tanh())
        output = torch.addcmul(to_output, output_peephole, cell_state).sigmoid()
        return State(output * cell_state.tanh(), cell_state), {"forget": forget, "input": input_gate, "output": output}


class CoupledLSTM(Cell):
    """An LSTM that takes in just what it forgets (Greff et al. 2015, CIFG): the input gate is 1 - f.

    f, o = σ(W x + U h' + b), each its own; c = f ⊙ c' + (1 - f) ⊙ tanh(W x + U h' + b); h = o ⊙ tanh(c).
    """

    blocks = ("forget", "candidate", "output")

    def step(self, drive: Tensor, state: State, weight: Tensor) -> tuple[State, dict[str, Tensor]]:
        """Gates: forget, output."""
        to_forget, to_candidate, to_output = torch.addmm(drive, state.hidden, weight).chunk(3, dim=1)
        forget, output = to_forget.sigmoid(), to_output.sigmoid()
        cell_state = torch.lerp(to_candidate.tanh(), state.cell_state, forget)
        return State(output * cell_state.tanh(), cell_state), {"forget": forget, "output": output}


class DepthGatedLSTM(PeepholeLSTM):
    """A peephole LSTM whose cell state also takes from the layer below (Yao et al. 2015).

    d = σ(W x + p ⊙ c' + q ⊙ m + b), where m is the cell state below at the same token;
    c = d ⊙ m + f ⊙ c' + i ⊙ tanh(W x + U h' + b). Below the first layer lies the input: there m is V x.
    """

    reads_cell_states_below = True

    def __init__(self, input_dim: int, hidden_dim: int, options: CellOptions = CellOptions()) -> None:
        super().__init__(input_dim, hidden_dim, options)
        self.depth = nn.Linear(input_dim, hidden_dim)
        self.depth_peepholes = nn.Parameter(torch.zeros(2, hidden_dim))  # to the cell state before, to that below
        self.entrance = None if options.stacked else nn.Linear(input_dim, hidden_dim, bias=False)
        nn.init.xavier_uniform_(self.depth.weight)
        nn.init.zeros_(self.depth.bias)
        if self.entrance is not None:
            nn.init.xavier_uniform_(self.entrance.weight)

    def drive(self, inputs: Tensor, below: Tensor | None) -> Tensor:
        """As `Cell.drive`, then for the depth gate, then the cell states below."""
        if self.entrance is not None:
            below = self.entrance(inputs)
        assert below is not None  # the layer hands it up
        to_depth = torch.addcmul(self.depth(inputs), self.depth_peepholes[1], below)
        return torch.cat((super().drive(inputs, None), to_depth, below), dim=-1)  # (B, T, 6H)

    def step(self, drive: Tensor, state: State, weight: Tensor) -> tuple[State, dict[str, Tensor]]:
        """Gates: forget, input, output, depth."""
        own, to_depth, below = torch.split(drive, [4 * self.hidden_dim, self.hidden_dim, self.hidden_dim], dim=1)
        to_input, to_forget, to_candidate, to_output = torch.addmm(own, state.hidden, weight).chunk(4, dim=1)
        input_peephole, forget_peephole, output_peephole = self.peepholes.unbind(0)
        input_gate = torch.addcmul(to_input, input_peephole, state.cell_state).sigmoid()
        forget = torch.addcmul(to_forget, forget_peephole, state.cell_state).sigmoid()
        depth = torch.addcmul(to_depth, self.depth_peepholes[0], state.cell_state).sigmoid()
        cell_state = torch.addcmul(forget * state.cell_state, input_gate, to_candidate.tanh())
        cell_state = torch.addcmul(cell_state, depth, below)
        output = torch.addcmul(to_output, output_peephole, cell_state).sigmoid()
        gates = {"forget": forget, "input": input_gate, "output": output, "depth": depth}
        return State(output * cell_state.tanh(), cell_state), gates


class ClockworkRNN(Cell):
    """A vanilla network in modules that tick at their own pace (Koutník et al. 2014).

    A module of period p computes h = tanh(W x + U h' + b) at the steps 0, p, 2p, … and keeps its state between;
    its U reads its own module and slower ones only. Periods ascend, so U is block-triangular.
    """

    blocks = ("candidate",)
    periods: Tensor
    reachable: Tensor

    def __init__(self, input_dim: int, hidden_dim: int, options: CellOptions = CellOptions()) -> None:
        super().__init__(input_dim, hidden_dim, options)
        modules = torch.arange(hidden_dim, device="cpu").tensor_split(len(options.clock_periods))
        by_unit = [torch.full_like(m, p) for m, p in zip(modules, options.clock_periods, strict=True)]
        module_of = torch.cat([torch.full_like(m, n) for n, m in enumerate(modules)])
        # Not saved: they follow from the settings. Real tensors even where the network is built on the meta device.
        self.register_buffer("periods", torch.cat(by_unit), persistent=False)  # (H,)
        # (H, H), from column to row.
        self.register_buffer("reachable", module_of >= module_of.unsqueeze(1), persistent=False)

    def drive(self, inputs: Tensor, below: Tensor | None) -> Tensor:
        """As `Cell.drive`, then 1 where a unit ticks, 0 where it waits."""
        steps = torch.arange(inputs.shape[1], device=inputs.device).unsqueeze(1)
        ticks = (steps % self.periods == 0).to(inputs.dtype).expand(inputs.shape[0], -1, -1)
        return torch.cat((super().drive(inputs, None), ticks), dim=-1)  # (B, T, 2H)

    def recurrent_weight(self) -> Tensor:
        """As `Cell.recurrent_weight`, zero from faster modules into slower ones."""
        return (self.weight_hh * self.reachable).t()

    def step(self, drive: Tensor, state: State, weight: Tensor) -> tuple[State, dict[str, Tensor]]:
        """No gates."""
        own, ticks = drive.chunk(2, dim=1)
        candidate = torch.addmm(own, state.hidden, weight).tanh()
        hidden = torch.lerp(state.hidden, candidate, ticks)
        return State(hidden, hidden), {}


# A new cell is its class and one line here.
CELLS: dict[str, Callable[[int, int, CellOptions], Cell]] = {
    "lstm": LSTM,
    "gru": GRU,
    "rnn": RNN,
    "peephole-lstm": PeepholeLSTM,
    "coupled-lstm": CoupledLSTM,
    "depth-gated-lstm": DepthGatedLSTM,
    "clockwork-rnn": ClockworkRNN,
}
