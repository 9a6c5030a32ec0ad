"""This package's CRF against pytorch-crf's, in one process: `python benchmarks/crf.py [--device cuda]`.

Prints medians of milliseconds and their ratio: loss with its backward pass, decoding, on full and ragged
batches of 32 sentences of 40 tokens; then what the loss keeps for its backward pass, at 200 tokens and 265 tags.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial

import torch
import torchcrf
from torch import Tensor

from ner.crf.layer import CRF


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=30)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    print(f"torch {torch.__version__}, {device}, {options.threads} threads, medians of {options.repeats}")
    print(f"{'':34}{'pytorch-crf':>12}{'ner':>10}{'ratio':>8}")
    for num_tags in (17, 133):
        for name, lengths in (("full", torch.full((32,), 40)), ("ragged", ragged_lengths(32, 40))):
            batch = make_batch(num_tags, lengths, device)
            for task in (loss_and_backward, decode):
                theirs, ours = torchcrf.CRF(num_tags, batch_first=True), CRF(num_tags, batch_first=True)
                ours.load_state_dict(theirs.state_dict())
                tasks = [partial(task, crf.to(device), *batch) for crf in (theirs, ours)]
                times = measure(tasks, options.repeats, device)
                label = f"K={num_tags} {name} {task.__name__.replace('_', ' ')}"
                print(f"{label:<34}{times[0]:>9.2f} ms{times[1]:>7.2f} ms{times[0] / times[1]:>7.1f}x")
    if device.type == "cpu":
        batch = make_batch(265, torch.full((32,), 200), device)
        memory = [saved_bytes(crf, *batch) for crf in (torchcrf.CRF(265, batch_first=True), CRF(265, batch_first=True))]
        row = f"{memory[0] / 1e6:>9.1f} MB{memory[1] / 1e6:>7.1f} MB{memory[0] / memory[1]:>7.1f}x"
        print(f"{'K=265 T=200 loss, kept for backward':<34}{row}")


def ragged_lengths(num_rows: int, num_steps: int) -> Tensor:
    lengths = torch.randint(1, num_steps + 1, (num_rows,), generator=torch.Generator().manual_seed(0))
    lengths[0] = num_steps
    return lengths


def make_batch(num_tags: int, lengths: Tensor, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    num_steps = int(lengths.max())
    emissions = torch.randn(len(lengths), num_steps, num_tags, generator=generator)
    tags = torch.randint(0, num_tags, (len(lengths), num_steps), generator=generator)
    mask = torch.arange(num_steps) < lengths.unsqueeze(1)
    return emissions.to(device).requires_grad_(), tags.to(device), mask.to(device)


def loss_and_backward(crf: torchcrf.CRF, emissions: Tensor, tags: Tensor, mask: Tensor) -> None:
    emissions.grad = None
    crf.zero_grad()
    (-crf(emissions, tags, mask=mask, reduction="sum")).backward()


def decode(crf: torchcrf.CRF, emissions: Tensor, tags: Tensor, mask: Tensor) -> None:
    with torch.no_grad():
        crf.decode(emissions, mask=mask)


def measure(tasks: list[Callable[[], None]], repeats: int, device: torch.device) -> list[float]:
    """Median milliseconds of each task, the tasks taking turns so that noise meets all alike."""
    times: list[list[float]] = [[] for _ in tasks]
    for turn in range(repeats + 3):
        for kept, task in zip(times, tasks, strict=True):
            start = time.perf_counter()
            task()
            if device.type == "cuda":
                torch.cuda.synchronize()
            if turn >= 3:  # the first ones warm up
                kept.append(time.perf_counter() - start)
    return [1000 * statistics.median(kept) for kept in times]


def saved_bytes(crf: torchcrf.CRF, emissions: Tensor, tags: Tensor, mask: Tensor) -> int:
    """Bytes that autograd keeps from the loss for its backward pass, each storage once."""
    seen: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        seen[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = crf(emissions, tags, mask=mask, reduction="sum")
    del loss
    return sum(seen.values())


if __name__ == "__main__":
    main()
