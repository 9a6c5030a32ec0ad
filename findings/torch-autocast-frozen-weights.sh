#!/bin/sh
# Package: torch 2.13.0, torch.autocast on the CPU with bfloat16
# One would expect: autocast converts a layer's weights once in its region and remembers them
#   (cache_enabled is true by default), above all those that can't change: frozen ones, in inference
#   mode.
# What happens: it is the other way round. Only weights with requires_grad are remembered, and none
#   in inference mode. A frozen encoder, or any model under torch.inference_mode, converts all its
#   weights anew at each layer and each batch. With torch.no_grad and weights that are not frozen
#   each is converted once.
# Why it matters: a frozen pretrained encoder beside a tagger is set up just so: requires_grad_(False)
#   and inference mode. For a single sentence the conversions can cost as much as the products.
#   Convert the weights of the linear layers once (layer.to(torch.bfloat16)); autocast leaves them so.
# Date: 2026-11-30 (Python 3.11).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - 2>/dev/null <<'EOF'
import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

READINGS = 5


def conversions(mode, *, frozen, converted=False):
    """How often something is converted while one layer reads five times within one region of autocast."""
    layer = nn.Linear(64, 64, bias=False).requires_grad_(not frozen)
    if converted:
        layer = layer.to(torch.bfloat16)
    words = torch.ones(3, 64, dtype=torch.bfloat16)  # what enters needs no conversion
    with mode(), torch.autocast("cpu", dtype=torch.bfloat16), profile(activities=[ProfilerActivity.CPU]) as seen:
        for _ in range(READINGS):
            layer(words)
    return sum(event.count for event in seen.key_averages() if event.key == "aten::_to_copy")


told = {}
for mode in (torch.enable_grad, torch.no_grad, torch.inference_mode):
    for frozen in (False, True):
        told[mode.__name__, frozen] = conversions(mode, frozen=frozen)
        print(f"{mode.__name__}, {'frozen' if frozen else 'trainable'}: {told[mode.__name__, frozen]} of {READINGS}")
by_hand = conversions(torch.inference_mode, frozen=True, converted=True)
print(f"inference_mode, frozen, converted before: {by_hand} of {READINGS}")
assert told == {
    ("enable_grad", False): 1,
    ("enable_grad", True): READINGS,
    ("no_grad", False): 1,
    ("no_grad", True): READINGS,
    ("inference_mode", False): READINGS,
    ("inference_mode", True): READINGS,
}, "autocast remembers other weights than it did"
assert by_hand == 0
EOF
