"""The recurrent cells in NumPy: the equations of `ner/network/cells.py`, which says where each is from."""

from collections.abc import Mapping, Sequence

import numpy as np

from ner.forward.cell import Cell, FusedCell, stack
from ner.forward.weights import Array, Floats, Shapes, half_tanh, linear_shapes, named


class RNN(FusedCell):
    """h = tanh(W x + U h' + b)."""

    blocks = ("candidate",)

    def step(self, drive: Floats, hidden: Floats, cell_state: Floats) -> tuple[Floats, Floats]:
        """No gates."""
        summed = hidden @ self.recurrent
        summed += drive
        np.tanh(summed, out=summed)
        return summed, summed


class LSTM(FusedCell):
    """c = f ⊙ c' + i ⊙ g; h = o ⊙ tanh(c)."""

    blocks = ("input", "forget", "candidate", "output")
    gates = frozenset(("input", "forget", "output"))

    def step(self, drive: Floats, hidden: Floats, cell_state: Floats) -> tuple[Floats, Floats]:
        """As the class says."""
        summed = hidden @ self.recurrent
        summed += drive
        np.tanh(summed, out=summed)
        taken, forget, candidate, output = self.blocks_of(summed, 4)
        for gate in (taken, forget, output):
            gate *= 0.5
            gate += 0.5
        taken *= candidate
        forget *= cell_state
        forget += taken
        output *= np.tanh(forget)
        return output, forget


class GRU(FusedCell):
    """n = tanh(W x + b + r ⊙ (U h' + b)); h = (1 - z) ⊙ n + z ⊙ h'."""

    blocks = ("reset", "update", "candidate")
    gates = frozenset(("reset", "update"))

    def prepare(self, weights: Sequence[Mapping[str, Array]], periods: Sequence[int]) -> None:
        """The second bias stays with the recurrent product, which the reset gate multiplies."""
        self.lay_out(weights, "fused.weight_ih_l0", "fused.weight_hh_l0")
        self.bias = self.of_rows(weights, "fused.bias_ih_l0")
        self.recurrent_bias = self.of_rows(weights, "fused.bias_hh_l0")

    def step(self, drive: Floats, hidden: Floats, cell_state: Floats) -> tuple[Floats, Floats]:
        """As the class says."""
        width = 2 * self.hidden_dim
        summed = hidden @ self.recurrent
        summed += self.recurrent_bias
        both = half_tanh(summed[..., :width] + drive[..., :width])
        reset, update = self.blocks_of(both, 2)
        candidate = reset * summed[..., width:]
        candidate += drive[..., width:]
        np.tanh(candidate, out=candidate)
        state = candidate + update * (hidden - candidate)
        return state, state


class PeepholeLSTM(Cell):
    """An LSTM whose gates see the cell state, the output gate the new one."""

    blocks = ("input", "forget", "candidate", "output")
    gates = frozenset(("input", "forget", "output"))

    @classmethod
    def shapes(cls, input_dim: int, hidden_dim: int, *, stacked: bool) -> Shapes:
        """As `Cell.shapes`, and the peepholes."""
        return {**super().shapes(input_dim, hidden_dim, stacked=stacked), "peepholes": (3, hidden_dim)}

    def prepare(self, weights: Sequence[Mapping[str, Array]], periods: Sequence[int]) -> None:
        """As `Cell.prepare`; `peepholes` (3, G, 1, H) of the input, forget and output gate, halved."""
        super().prepare(weights, periods)
        self.peepholes = stack(weights, "peepholes", lambda rows: (rows * np.float32(0.5))[:, None]).swapaxes(0, 1)

    def gated(self, own: Floats, hidden: Floats, cell_state: Floats) -> tuple[Floats, Floats]:
        """The new cell state (G, B, H), and what goes to the output gate."""
        summed = hidden @ self.recurrent
        summed += own
        to_input, to_forget, candidate, to_output = self.blocks_of(summed, 4)
        taken = half_tanh(to_input + self.peepholes[0] * cell_state)
        forget = half_tanh(to_forget + self.peepholes[1] * cell_state)
        return forget * cell_state + taken * np.tanh(candidate), to_output

    def finished(self, cell_state: Floats, to_output: Floats) -> tuple[Floats, Floats]:
        """Both states."""
        output = half_tanh(to_output + self.peepholes[2] * cell_state)
        return output * np.tanh(cell_state), cell_state

    def step(self, drive: Floats, hidden: Floats, cell_state: Floats) -> tuple[Floats, Floats]:
        """As the class says."""
        return self.finished(*self.gated(drive, hidden, cell_state))


class CoupledLSTM(Cell):
    """c = f ⊙ c' + (1 - f) ⊙ tanh(W x + U h' + b)."""

    blocks = ("forget", "candidate", "output")
    gates = frozenset(("forget", "output"))

    def step(self, drive: Floats, hidden: Floats, cell_state: Floats) -> tuple[Floats, Floats]:
        """As the class says."""
        summed = hidden @ self.recurrent
        summed += drive
        np.tanh(summed, out=summed)
        forget, candidate, output = self.blocks_of(summed, 3)
        for gate in (forget, output):
            gate *= 0.5
            gate += 0.5
        cell_state = candidate + forget * (cell_state - candidate)
        return output * np.tanh(cell_state), cell_state


class DepthGatedLSTM(PeepholeLSTM):
    """A peephole LSTM whose cell state also takes, by a gate of its own, from that of the layer below."""

    hands_cell_states_up = True

    @classmethod
    def shapes(cls, input_dim: int, hidden_dim: int, *, stacked: bool) -> Shapes:
        """As `Cell.shapes`, and the depth gate's; below the first layer lies the input, through `entrance`."""
        own = super().shapes(input_dim, hidden_dim, stacked=stacked) | {"depth_peepholes": (2, hidden_dim)}
        own |= named("depth", linear_shapes(hidden_dim, input_dim))
        return own if stacked else own | {"entrance.weight": (hidden_dim, input_dim)}

    def prepare(self, weights: Sequence[Mapping[str, Array]], periods: Sequence[int]) -> None:
        """As `PeepholeLSTM.prepare`, and the depth gate's, halved."""
        super().prepare(weights, periods)
        half = np.float32(0.5)
        self.depth = stack(weights, "depth.weight", lambda matrix: matrix.T * half)  # (G, D, H)
        self.depth_bias = stack(weights, "depth.bias", lambda vector: (vector * half)[None])  # (G, 1, H)
        peepholes = stack(weights, "depth_peepholes", lambda rows: (rows * half)[:, None])  # (G, 2, 1, H)
        self.depth_peepholes = peepholes.swapaxes(0, 1)
        entrances = "entrance.weight" in weights[0]
        self.entrance = stack(weights, "entrance.weight", lambda matrix: matrix.T) if entrances else None

    def drive(self, inputs: Floats, below: Floats | None) -> Floats:
        """As `Cell.drive`, then for the depth gate, then the cell states below (G, T, B, 6H)."""
        groups, steps, rows, width = inputs.shape
        flat = inputs.reshape(groups, steps * rows, width)
        if self.entrance is not None:
            lower = flat @ self.entrance
        else:
            assert below is not None  # the layer hands it up
            lower = below.reshape(len(below), steps * rows, -1)
        to_depth = flat @ self.depth + self.depth_bias + self.depth_peepholes[1] * lower
        own = super().drive(inputs, None)
        parts = (part.reshape(len(own), steps, rows, -1) for part in (to_depth, lower))
        return np.concatenate((own, *parts), axis=-1)

    def step(self, drive: Floats, hidden: Floats, cell_state: Floats) -> tuple[Floats, Floats]:
        """As the class says."""
        width = 4 * self.hidden_dim
        to_depth, lower = self.blocks_of(drive[..., width:], 2)
        depth = half_tanh(to_depth + self.depth_peepholes[0] * cell_state)
        cell_state, to_output = self.gated(drive[..., :width], hidden, cell_state)
        return self.finished(cell_state + depth * lower, to_output)


class ClockworkRNN(Cell):
    """A vanilla network in modules, each of which ticks at its own pace and keeps its state between."""

    blocks = ("candidate",)

    def prepare(self, weights: Sequence[Mapping[str, Array]], periods: Sequence[int]) -> None:
        """As `Cell.prepare`; nothing leads from faster modules into slower ones."""
        super().prepare(weights, periods)
        modules = np.array_split(np.arange(self.hidden_dim), len(periods))
        module_of = np.repeat(np.arange(len(periods)), [len(module) for module in modules])
        self.recurrent = self.recurrent * (module_of[:, None] >= module_of)  # (G, H, H), from row to column
        self.periods = np.asarray(periods)[module_of]  # (H,)

    def drive(self, inputs: Floats, below: Floats | None) -> Floats:
        """As `Cell.drive`, then 1 where a unit ticks, 0 where it waits (G, T, B, 2H)."""
        own = super().drive(inputs, None)
        ticks = np.arange(own.shape[1])[:, None] % self.periods == 0  # (T, H)
        return np.concatenate((own, np.broadcast_to(ticks[:, None], own.shape).astype(np.float32)), axis=-1)

    def step(self, drive: Floats, hidden: Floats, cell_state: Floats) -> tuple[Floats, Floats]:
        """No gates."""
        own, ticks = self.blocks_of(drive, 2)
        candidate = hidden @ self.recurrent
        candidate += own
        np.tanh(candidate, out=candidate)
        state = hidden + ticks * (candidate - hidden)
        return state, state


CELLS: dict[str, type[Cell]] = {
    "lstm": LSTM,
    "gru": GRU,
    "rnn": RNN,
    "peephole-lstm": PeepholeLSTM,
    "coupled-lstm": CoupledLSTM,
    "depth-gated-lstm": DepthGatedLSTM,
    "clockwork-rnn": ClockworkRNN,
}
