"""Single tag paths of a linear chain: their scores, the best one, the k best.

`viterbi` keeps only the scores of its forward pass and finds each back pointer when the path comes by: the
greatest of K sums for one tag instead of K² for all.
"""

import math

import torch
from torch import Tensor

from ner.crf.forward_backward import Scores
from ner.crf.steps import calls_for


def path_scores(scores: Scores, tags: Tensor, lengths: Tensor) -> Tensor:
    """The score of one path of each sentence (B,), differentiable; 0 for an empty one.

    Args:
        scores: of the batch.
        tags: tag numbers (B, T); valid ones at padding too.
        lengths: tokens of each sentence (B,).
    """
    emissions, start, transitions, end = scores
    num_tags = transitions.shape[0]
    steps = torch.arange(tags.shape[1], device=lengths.device)
    alive = steps < lengths.unsqueeze(1)
    emitted = emissions.gather(2, tags.unsqueeze(2)).squeeze(2)  # (B, T)
    pairs = tags[:, :-1] * num_tags + tags[:, 1:]
    moved = transitions.reshape(-1).index_select(0, pairs.reshape(-1)).view(pairs.shape)  # (B, T-1)
    final = tags.gather(1, (lengths - 1).clamp(min=0).unsqueeze(1)).squeeze(1)
    ends = start.index_select(0, tags[:, 0]) + end.index_select(0, final)
    # Not a product with the mask: what padding passes through may be forbidden, and 0 · -inf is NaN.
    parts = (torch.where(alive, emitted, 0).sum(1), torch.where(alive[:, 1:], moved, 0).sum(1))
    return sum(parts, torch.where(alive[:, 0], ends, 0))


def viterbi(scores: Scores, lengths: Tensor) -> Tensor:
    """The best path of each sentence (B, T); padding holds anything."""
    emissions, start, transitions, end = scores
    num_rows, num_steps, num_tags = emissions.shape
    if num_rows == 0 or num_steps == 0:
        return torch.zeros(num_rows, num_steps, dtype=torch.long, device=emissions.device)
    by_step = emissions.transpose(0, 1).contiguous()  # (T, B, K)
    best = torch.empty_like(by_step)
    # (from, B, to): the maximum over the first dimension runs along memory, five times as fast as the last.
    sums = emissions.new_empty(num_tags, num_rows, num_tags)
    torch.add(by_step[0], start, out=best[0])
    leaving = best.transpose(1, 2).unsqueeze(3)  # (T, from, B, 1)
    outgoing = transitions.unsqueeze(1)  # (from, 1, to)
    calls, (moves, table, *tables) = calls_for(num_rows, outgoing, sums, by_step, leaving, best)
    emitted, origins, states = map(list, tables)
    for step in range(1, num_steps):
        calls.add(origins[step - 1], moves, table)
        calls.max_first(table, states[step])
        calls.add(states[step], emitted[step], states[step])
    final = (lengths - 1).clamp(min=0)
    rows = torch.arange(num_rows, device=lengths.device)
    last = (best[final, rows] + end).argmax(1)
    # Where a sentence ends, its last tag now beats all others whatever follows it, so the way back needs no
    # care for padding: the lowest scores are far below a forbidden move, that far below any real score.
    lowest = torch.finfo(best.dtype).min
    best[final, rows] = lowest / 4
    best[final, rows, last] = 0
    tags = torch.empty(num_steps, num_rows, dtype=torch.long, device=emissions.device)
    tags[-1] = last
    into = transitions.t().clamp(min=lowest / 8).contiguous()
    calls, (moves, entered, *tables) = calls_for(num_rows, into, sums[0], best, tags)
    states, chosen = map(list, tables)
    for step in range(num_steps - 2, -1, -1):
        calls.rows(moves, chosen[step + 1], entered)
        calls.add(entered, states[step], entered)
        calls.argmax_last(entered, chosen[step])
    return tags.t()


def to_lists(tags: Tensor, lengths: Tensor) -> list[list[int]]:
    """Paths (B, T) as lists, each as long as its sentence: one copy to the host."""
    together = torch.cat((tags, lengths.unsqueeze(1)), dim=1).tolist()
    return [row[: row[-1]] for row in together]


def k_best(scores: Scores, lengths: Tensor, total: Tensor, k: int) -> list[list[tuple[list[int], float]]]:
    """The k best paths of each sentence with their log-probabilities, best first.

    Args:
        scores: of the batch.
        lengths: tokens of each sentence (B,).
        total: log partitions (B,).
        k: at least 1.
    """
    emissions, start, transitions, end = scores
    num_rows, num_steps, num_tags = emissions.shape
    # Of each tag the k best prefixes that end in it; -inf stands for one that doesn't exist.
    state = emissions.new_full((num_rows, num_tags, k), -math.inf)
    state[:, :, 0] = start + emissions[:, 0]
    final = (lengths - 1).clamp(min=0)
    finished, pointers = state, []
    for step in range(1, num_steps):
        # (B, to, from, k): every prefix of the step before, extended.
        extended = state.unsqueeze(1) + transitions.t().unsqueeze(2)
        state, pointer = extended.flatten(2).topk(k, dim=2)
        state = state + emissions[:, step].unsqueeze(2)
        finished = torch.where((final == step).view(-1, 1, 1), state, finished)
        pointers.append(pointer.int())  # the one thing that is kept for each token: half of it is enough
    finished = finished + end.view(1, -1, 1)
    values, places = finished.flatten(1).topk(k, dim=1)  # (B, k): tag · k + rank
    paths = torch.zeros(num_rows, k, num_steps, dtype=torch.long, device=emissions.device)
    place = places
    for step in range(num_steps - 1, -1, -1):
        place = torch.where((final == step).unsqueeze(1), places, place)
        paths[:, :, step] = place // k
        if step:
            pointer = pointers[step - 1].flatten(1).gather(1, place).long()
            place = torch.where((step <= final).unsqueeze(1), pointer, place)
    log_probabilities = (values - total.unsqueeze(1)).tolist()
    result: list[list[tuple[list[int], float]]] = []
    for row, length in enumerate(lengths.tolist()):
        if length == 0:
            result.append([([], 0.0)])
            continue
        found = zip(paths[row, :, :length].tolist(), log_probabilities[row], strict=True)
        result.append([(path, value) for path, value in found if value > -math.inf])
    return result
