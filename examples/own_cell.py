"""A recurrent cell of your own, trained beside the LSTM: `python examples/own_cell.py [--epochs 10]`.

The minimal gated unit (Zhou et al. 2016), as docs/architecture.md has it, with its gate behind the recurrent product.
"""

import argparse

import ner

ner.settle_threads()  # before PyTorch is imported

import torch  # noqa: E402

from ner.network.cell import Cell, State  # noqa: E402
from ner.network.cells import CELLS  # noqa: E402


class MinimalGatedUnit(Cell):
    """One gate that says both how much of the state is shown to the candidate and how much of it is replaced."""

    blocks = ("gate", "candidate")  # each has weights for input and state, and a bias

    def step(
        self, drive: torch.Tensor, state: State, weight: torch.Tensor
    ) -> tuple[State, dict[str, torch.Tensor]]:  # (B, 2H): products with the input; the last state; (H, 2H)
        """The next state, and the gate, which `ner inspect` draws."""
        to_gate, to_candidate = drive.chunk(2, dim=1)
        from_gate, from_candidate = (state.hidden @ weight).chunk(2, dim=1)
        gate = torch.sigmoid(to_gate + from_gate)
        hidden = torch.lerp(state.hidden, torch.tanh(to_candidate + gate * from_candidate), gate)
        return State(hidden, hidden), {"gate": gate}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=10, help="passes over the corpus")
    parser.add_argument("--train", default="data/sample-en/train.conll", help="a column file")
    parser.add_argument("--dev", default="data/sample-en/dev.conll", help="a column file")
    options = parser.parse_args()
    CELLS["mgu"] = MinimalGatedUnit
    for cell in ("lstm", "mgu"):
        settings = [
            f"data.train={options.train}",
            f"data.dev={options.dev}",
            "data.test=",
            f"training.epochs={options.epochs}",
            f"model.cell={cell}",
            "model.vectors=",
        ]
        config = ner.load_config("configs/quickstart.toml", settings)
        tagger = ner.train(config, ner.load_corpus(config.data))
        f1 = tagger.metrics["dev"]["micro"]["f1"]
        print(f"{cell}: dev F1 {100 * f1:.2f}")


if __name__ == "__main__":
    main()
