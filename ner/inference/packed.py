"""A network in inference mode: the same weights, those of its LSTM laid out as the processor's kernel wants them.

PyTorch's LSTM converts and rearranges its weights at every call, which for a single sentence takes as long as the
reading.
"""

import copy
from typing import cast

import torch
from torch import Tensor, nn

from ner.network.cells import LSTM
from ner.network.layer import RecurrentLayer, has_bf16
from ner.network.model import BiLSTMCRF

_MODE = 2  # what oneDNN's layer calls an LSTM


def in_inference_mode(network: BiLSTMCRF) -> BiLSTMCRF:
    """A network in eval mode that computes what this one does now, faster on a CPU; it computes no gradients.

    It shares all but the LSTMs' weights with this one; where there are none to lay out it is this one.
    """
    return cast(BiLSTMCRF, _laid_out(network.eval()))


def _laid_out(module: nn.Module) -> nn.Module:
    if isinstance(module, RecurrentLayer):
        return _packed(module)
    children = dict(module.named_children())
    made = {name: _laid_out(child) for name, child in children.items()}
    return module if made == children else _twin(module, **made)


def _packed(layer: RecurrentLayer) -> RecurrentLayer:
    sides = {name: side for name, side in layer.named_children() if isinstance(side, LSTM) and _can_pack(side)}
    if not sides:
        return layer
    # Asked once for all: an LSTM of another precision would round otherwise than this layer does.
    dtype = torch.bfloat16 if layer.bf16 and has_bf16(torch.device("cpu")) else torch.float32
    return cast(RecurrentLayer, _twin(layer, **{name: PackedLSTM(side, dtype) for name, side in sides.items()}))


def _can_pack(cell: LSTM) -> bool:
    weight = cell.recurrent_weight()
    return (
        weight.device.type == "cpu"
        and weight.dtype == torch.float32
        and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
        and torch.backends.cpu.get_cpu_capability().startswith("AVX")
        and hasattr(torch.ops.mkldnn, "_reorder_mkldnn_rnn_layer_weight")
    )


class PackedLSTM(nn.Module):
    """What `LSTM` computes, from weights that were laid out once."""

    def __init__(self, cell: LSTM, dtype: torch.dtype) -> None:
        super().__init__()
        self.hidden_dim = cell.hidden_dim
        self.dtype = dtype
        with torch.inference_mode():
            weight_ih, weight_hh, self.bias_ih, self.bias_hh = (
                parameter.detach().to(dtype, copy=True) for parameter in cell.fused.parameters()
            )
            self.weight_ih, self.weight_hh = torch.ops.mkldnn._reorder_mkldnn_rnn_layer_weight(
                weight_ih, weight_hh, self.hidden_dim, False, True, False, None
            )

    def forward(self, inputs: Tensor, below: Tensor | None = None) -> tuple[Tensor, None]:
        """Hidden states (B, T, H) of inputs (B, T, D)."""
        steps = inputs.transpose(0, 1).to(self.dtype).contiguous()  # the kernel wants time first
        zeros = steps.new_zeros(steps.shape[1], self.hidden_dim)
        weights = (self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        hidden: Tensor = torch.mkldnn_rnn_layer(
            *(steps, *weights, zeros, zeros),
            reverse=False,
            batch_sizes=[],
            mode=_MODE,
            hidden_size=self.hidden_dim,
            num_layers=1,
            has_biases=True,
            bidirectional=False,
            batch_first=False,
            train=False,
        )[0]
        return hidden.transpose(0, 1), None


def _twin(module: nn.Module, **children: nn.Module) -> nn.Module:
    """The same module with other children."""
    twin = copy.copy(module)
    twin._modules = {**module._modules, **children}
    return twin
