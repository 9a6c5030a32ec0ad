"""What a recurrent cell is: how one token changes what is remembered of a sentence, read from the left.

All products with the inputs are made before the first step, in one matrix product (`drive`), so that a step
has only the recurrent product left.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional


class State(NamedTuple):
    """What a cell carries from token to token; the same tensor twice where it has no cell state of its own."""

    hidden: Tensor  # (B, H)
    cell_state: Tensor  # (B, H)


class CellOptions(NamedTuple):
    """What single cells can be told beside their sizes; each reads what concerns it."""

    forget_bias: float = 1.0
    """Bias of forget gates at the start: an open gate remembers (Gers et al. 2000; Jozefowicz et al. 2015)."""
    clock_periods: tuple[int, ...] = (1, 2, 4, 8)
    """Periods of a clockwork RNN's modules, ascending."""
    stacked: bool = False
    """A layer of the same cell lies below, and hands its cell states up."""


class Cell(nn.Module, ABC):
    """A recurrent cell that steps from token to token, from a state of zeros.

    A new one names its weight blocks, says in `step` how a token changes the state, and gets a line in `CELLS`.
    """

    blocks: ClassVar[tuple[str, ...]]
    """Names of the weight blocks; each is H rows of `weight_ih`, `weight_hh` and `bias`, in this order."""
    reads_cell_states_below = False
    """Whether `drive` wants the cell states of the layer below."""

    def __init__(self, input_dim: int, hidden_dim: int, options: CellOptions = CellOptions()) -> None:
        super().__init__()
        self.hidden_dim = hidden_dim
        rows = len(self.blocks) * hidden_dim
        self.weight_ih = nn.Parameter(torch.empty(rows, input_dim))
        self.weight_hh = nn.Parameter(torch.empty(rows, hidden_dim))
        self.bias = nn.Parameter(torch.empty(rows))
        self._initialise(self.weight_ih, self.weight_hh, self.bias, options)

    def _initialise(self, weight_ih: Tensor, weight_hh: Tensor, bias: Tensor, options: CellOptions) -> None:
        with torch.no_grad():
            if weight_hh.is_meta:
                return  # its weights come from a file, and drawing some here would import a second of PyTorch
            # Orthogonal block by block: repeated products neither vanish nor explode (Saxe et al. 2014).
            for block in torch.split(weight_hh, self.hidden_dim):
                nn.init.orthogonal_(block)
            for block in torch.split(weight_ih, self.hidden_dim):
                nn.init.xavier_uniform_(block)
            nn.init.zeros_(bias)
            if "forget" in self.blocks:
                torch.split(bias, self.hidden_dim)[self.blocks.index("forget")].fill_(options.forget_bias)

    def forward(self, inputs: Tensor, below: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Hidden states (B, T, H), and where the cell above wants them the cell states (B, T, H).

        Args:
            inputs: (B, T, D), right-padded, T at least 1.
            below: cell states of the layer below (B, T, H), for a cell that reads it.
        """
        states = [state for state, _ in self.states(inputs, below)]
        hidden = torch.stack([state.hidden for state in states], dim=1)
        if not self.reads_cell_states_below:
            return hidden, None
        return hidden, torch.stack([state.cell_state for state in states], dim=1)

    def trace(self, inputs: Tensor, below: Tensor | None = None) -> dict[str, Tensor]:
        """Everything that happens inside, each (B, T, H): `hidden`, `cell_state` and the gates by name."""
        steps = self.states(inputs, below)
        seen = [{"hidden": state.hidden, "cell_state": state.cell_state} | gates for state, gates in steps]
        return {name: torch.stack([step[name] for step in seen], dim=1) for name in seen[0]}

    def drive(self, inputs: Tensor, below: Tensor | None) -> Tensor:
        """What each step gets from outside (B, T, W): all products with the inputs, biases added."""
        return functional.linear(inputs, self.weight_ih, self.bias)

    def recurrent_weight(self) -> Tensor:
        """What a hidden state is multiplied by (H, W)."""
        return self.weight_hh.t()

    @abstractmethod
    def step(self, drive: Tensor, state: State, weight: Tensor) -> tuple[State, dict[str, Tensor]]:
        """The state after a token, and the gates that led there by name, each (B, H).

        Args:
            drive: the token's part of `drive` (B, W).
            state: after the token before.
            weight: `recurrent_weight` (H, W).
        """

    def states(self, inputs: Tensor, below: Tensor | None) -> list[tuple[State, dict[str, Tensor]]]:
        """The state after each token with the gates that led there, step by step whatever the kernel."""
        weight = self.recurrent_weight()
        zeros = inputs.new_zeros(inputs.shape[0], self.hidden_dim)
        state, taken = State(zeros, zeros), []
        for drive in self.drive(inputs, below).unbind(1):
            state, gates = self.step(drive, state, weight)
            taken.append((state, gates))
        return taken


class FusedCell(Cell):
    """A cell that PyTorch has a kernel for; the kernel keeps its cell states to itself."""

    kernel: ClassVar[Callable[..., nn.RNNBase]]

    def __init__(self, input_dim: int, hidden_dim: int, options: CellOptions = CellOptions()) -> None:
        nn.Module.__init__(self)
        self.hidden_dim = hidden_dim
        self.fused = self.kernel(input_dim, hidden_dim, batch_first=True)
        nn.init.zeros_(self._of_kernel("bias_hh"))
        weight_ih, weight_hh, bias = (self._of_kernel(name) for name in ("weight_ih", "weight_hh", "bias_ih"))
        self._initialise(weight_ih, weight_hh, bias, options)

    def forward(self, inputs: Tensor, below: Tensor | None = None) -> tuple[Tensor, None]:
        """As `Cell.forward`, without the cell states."""
        hidden, _ = self.fused(inputs)  # (B, T, H)
        return hidden, None

    def drive(self, inputs: Tensor, below: Tensor | None) -> Tensor:
        """As `Cell.drive`; the kernels have two biases, of which the second belongs to the recurrent product."""
        return functional.linear(inputs, self._of_kernel("weight_ih"), self._of_kernel("bias_ih"))

    def recurrent_weight(self) -> Tensor:
        """As `Cell.recurrent_weight`."""
        return self._of_kernel("weight_hh").t()

    def recurrent(self, hidden: Tensor, weight: Tensor) -> Tensor:
        """The recurrent product with its own bias (B, W)."""
        return torch.addmm(self._of_kernel("bias_hh"), hidden, weight)

    def _of_kernel(self, name: str) -> nn.Parameter:
        return self.fused.get_parameter(f"{name}_l0")
