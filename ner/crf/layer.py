"""A linear-chain conditional random field (Lafferty, McCallum & Pereira 2001) over pytorch-crf's interface.

Constructor, parameters, `forward` and `decode` are those of `torchcrf.CRF`, so weights go both ways. On top:
transitions can be forbidden, with probability exactly zero in everything; training takes tokens whose tag is only
partly known; marginals, posteriors of spans and the k best tag sequences are exact.

Training is in PyTorch, on the device of the emissions. Decoding is that of `chain`, in NumPy on the host.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
import torchcrf
from torch import Tensor

from ner.crf import likelihood
from ner.crf.chain import Chain
from ner.crf.chain import NotFiniteError as NotFiniteError  # training asks for it here
from ner.crf.lengths import Array
from ner.crf.span_posteriors import ProbableSpan
from ner.crf.torch_forward_backward import Scores


class Constraints(NamedTuple):
    """Which tags may start (K,), follow one another (K, K, from row to column) and end (K,); all bool."""

    start: Tensor
    transitions: Tensor
    end: Tensor


class CRF(torchcrf.CRF):  # type: ignore[misc]
    """A CRF layer over K tags.

    Emissions are (T, B, K), or (B, T, K) with `batch_first`. A mask is bool, True at tokens, and each row's
    tokens come before its padding; without one everything is a token. A row without tokens has one tag sequence,
    the empty one.
    """

    allowed_start: Tensor
    allowed_transitions: Tensor
    allowed_end: Tensor
    # Divides all scores before they become the probabilities of marginals, posteriors and k-best lists
    # (Guo et al. 2017); the loss and the best tag sequence know nothing of it.
    temperature: float = 1.0

    def __init__(self, num_tags: int, batch_first: bool = False, *, constraints: Constraints | None = None) -> None:
        super().__init__(num_tags, batch_first=batch_first)
        self.constrained = constraints is not None
        if constraints is None:
            shapes = ((num_tags,), (num_tags, num_tags), (num_tags,))
            constraints = Constraints(*(torch.ones(shape, dtype=torch.bool, device="cpu") for shape in shapes))
        # Not saved: they follow from the tags, and the library's weights have none.
        for name, allowed in zip(("start", "transitions", "end"), constraints, strict=True):
            self.register_buffer(f"allowed_{name}", allowed, persistent=False)

    def forward(self, emissions: Tensor, tags: Tensor, mask: Tensor | None = None, reduction: str = "sum") -> Tensor:
        """Log-likelihood of tag sequences, as `torchcrf.CRF` computes it.

        Args:
            emissions: scores of each tag at each token.
            tags: tag ids (T, B), or (B, T) with `batch_first`; padding may hold anything.
            mask: of the same shape.
            reduction: `none` (B,), or a scalar: `sum`, `mean` over sentences, `token_mean` over tokens.

        Raises:
            ValueError: shapes that don't fit, a mask with holes, NaN, or tags that break the constraints.
        """
        emissions, lengths = self._check(emissions, mask)
        tags = tags if self.batch_first else tags.t()
        if tags.shape != emissions.shape[:2]:
            raise ValueError(f"expected tags of shape {tuple(emissions.shape[:2])}, found {tuple(tags.shape)}")
        mask = _mask(lengths, emissions.shape[1])  # (B, T)
        # Padding may hold anything, -100 too, so it is given a tag that exists before it is looked up.
        tags = tags.masked_fill(~mask, 0)
        if tags.numel() and not (int(tags.amin()) >= 0 and int(tags.amax()) < self.num_tags):
            raise ValueError(
                f"expected tags from 0 to {self.num_tags - 1}, found {int(tags.amin())}..{int(tags.amax())}"
            )
        self._check_legal(tags, lengths)
        return _reduce(likelihood.log_likelihood(self._scores(emissions), tags, lengths), lengths, reduction)

    def partial_log_likelihood(
        self,
        emissions: Tensor,
        allowed: Tensor,
        mask: Tensor | None = None,
        reduction: str = "sum",
        *,
        tempered: bool = False,
    ) -> Tensor:
        """Log of the probability that each token's tag is among those allowed there.

        The sum runs over all tag sequences that agree (Tsuboi et al. 2008). Where everything is allowed it is 0 and
        has no gradient but for rounding; where each token allows one tag it is the plain log-likelihood.

        Args:
            emissions: scores of each tag at each token.
            allowed: bool, of the shape of `emissions`; at least one tag at each token.
            mask: as in `forward`.
            reduction: as in `forward`.
            tempered: at this `temperature`, not at 1.

        Raises:
            ValueError: as `forward`, or no legal tag sequence agrees with what is allowed.
        """
        emissions, lengths = self._check(emissions, mask)
        allowed = allowed if self.batch_first else allowed.transpose(0, 1)
        mask = _mask(lengths, emissions.shape[1])  # (B, T)
        open_tokens = allowed | ~mask.unsqueeze(2)
        if not bool(open_tokens.any(2).all()):
            row, token = (int(index) for index in (~open_tokens.any(2)).nonzero()[0])
            raise ValueError(f"sentence {row}, token {token}: expected at least one allowed tag, found none")
        scores = self._tempered if tempered else self._scores
        # Both sums in one batch: on a CPU a step of twice as many sentences costs hardly more.
        both = scores(torch.cat([emissions.masked_fill(~open_tokens, -math.inf), emissions]))
        some, every = likelihood.log_partition(both, torch.cat([lengths, lengths])).chunk(2)
        if not bool(some.isfinite().all()):
            row = int((~some.isfinite()).nonzero()[0])
            raise ValueError(f"sentence {row}: expected a legal tag sequence among the allowed tags, found none")
        return _reduce(some - every, lengths, reduction)

    @torch.no_grad()
    def tempered_log_likelihood(self, emissions: Tensor, tags: Tensor, mask: Tensor | None = None) -> Tensor:
        """Sum of the log-probabilities of tag sequences at this `temperature`, as `forward` at 1; no gradient."""
        emissions, lengths = self._check(emissions, mask)
        tags = tags if self.batch_first else tags.t()
        scores = self._tempered(emissions)
        return likelihood.log_likelihood(scores, tags, lengths).sum()

    def log_partition(self, emissions: Tensor, mask: Tensor | None = None) -> Tensor:
        """Log of the summed weight of all legal tag sequences of each sentence (B,), differentiable once."""
        emissions, lengths = self._check(emissions, mask)
        return likelihood.log_partition(self._scores(emissions), lengths)

    def decode(self, emissions: Tensor, mask: Tensor | None = None) -> list[list[int]]:
        """The most probable legal tags of each sentence, by the Viterbi algorithm.

        Raises:
            ValueError: shapes that don't fit, a mask with holes, or NaN.
        """
        return self.chain().decode(*self._on_host(emissions, mask))

    def decode_by_marginals(self, emissions: Tensor, mask: Tensor | None = None) -> list[list[int]]:
        """The legal tags of each sentence of which most are expected to be correct (maximum expected accuracy)."""
        return self.chain().decode_by_marginals(*self._on_host(emissions, mask))

    def marginals(self, emissions: Tensor, mask: Tensor | None = None) -> Tensor:
        """Probability of each tag at each token, of the shape of `emissions`; zero at padding; no gradient."""
        weights = torch.from_numpy(self.chain().marginals(*self._on_host(emissions, mask))).to(emissions)
        return weights if self.batch_first else weights.transpose(0, 1)

    def span_posteriors(
        self, emissions: Tensor, mask: Tensor | None, spans: Sequence[tuple[int, int, int]], roles: Tensor
    ) -> Tensor:
        """Probability (N,) that an entity stands at exactly each of N spans; no gradient.

        Args:
            emissions: scores of each tag at each token.
            mask: as in `forward`.
            spans: sentence, first token and end (half-open) of each.
            roles: ids of the tags B, I, E, S of each span's label (N, 4).
        """
        if not spans:
            return emissions.new_zeros(0)
        found = self.chain().span_posteriors(*self._on_host(emissions, mask), spans, roles.cpu().numpy())
        return torch.from_numpy(found).to(emissions)

    def probable_spans(
        self, emissions: Tensor, mask: Tensor | None, roles: Tensor, threshold: float
    ) -> list[list[ProbableSpan]]:
        """All spans of each sentence of at least this probability, those that overlap too, in the order of their ends.

        Args:
            emissions: scores of each tag at each token.
            mask: as in `forward`.
            roles: ids of the tags B, I, E, S of each label (L, 4).
            threshold: above 0.
        """
        return self.chain().probable_spans(*self._on_host(emissions, mask), roles.cpu().numpy(), threshold)

    def k_best(self, emissions: Tensor, mask: Tensor | None = None, *, k: int) -> list[list[tuple[list[int], float]]]:
        """The k most probable legal tag sequences of each sentence with their log-probabilities, best first.

        A sentence of fewer legal tag sequences gives them all; an empty one gives the empty sequence.
        """
        return self.chain().k_best(*self._on_host(emissions, mask), k=k)

    def chain(self) -> Chain:
        """These scores and this temperature in NumPy, a copy, which decodes; of half precision in float32."""
        with torch.no_grad():
            start, transitions, end = (_to_numpy(part).copy() for part in self.transition_scores())
        return Chain(start, transitions, end, self.temperature)

    def _raw(self) -> tuple[Tensor, Tensor, Tensor]:
        return self.start_transitions, self.transitions, self.end_transitions

    def _tempered(self, emissions: Tensor) -> Scores:
        scores = self._scores(emissions)
        return scores if self.temperature == 1 else Scores(*(part / self.temperature for part in scores))

    def _scores(self, emissions: Tensor) -> Scores:
        """The chain's scores in the emissions' precision, with -inf for what the constraints forbid."""
        return Scores(emissions, *(part.to(emissions.dtype) for part in self.transition_scores()))

    def transition_scores(self) -> tuple[Tensor, Tensor, Tensor]:
        """Scores of starts (K,), transitions (K, K, from row to column) and ends (K,); -inf: constraints forbid it."""
        if not self.constrained:
            return self._raw()
        allowed = (self.allowed_start, self.allowed_transitions, self.allowed_end)
        pairs = zip(self._raw(), allowed, strict=True)
        start, transitions, end = (part.masked_fill(~legal, -math.inf) for part, legal in pairs)
        return start, transitions, end

    def _on_host(self, emissions: Tensor, mask: Tensor | None) -> tuple[Array, Array]:
        """Emissions (B, T, K) and lengths (B,) as a chain wants them."""
        emissions, mask = self._batch_first(emissions, mask)
        if mask is None:
            return _to_numpy(emissions), np.full(len(emissions), emissions.shape[1])
        return _to_numpy(emissions), _lengths(mask.cpu()).numpy()

    def _check(self, emissions: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """Emissions (B, T, K) with zeros at padding, and the lengths of their rows (B,)."""
        emissions, mask = self._batch_first(emissions, mask)
        if mask is None:
            lengths = torch.full((len(emissions),), emissions.shape[1], device=emissions.device)
        else:
            lengths = _lengths(mask)
            if not bool(mask.all()):
                emissions = emissions.masked_fill(~mask.unsqueeze(2), 0)
        # One sum tells of any NaN or infinity; where it overflowed without one, the second look clears it.
        if not math.isfinite(float(emissions.detach().sum())) and not bool(emissions.isfinite().all()):
            row, token = (int(index) for index in (~emissions.isfinite()).any(2).nonzero()[0])
            raise NotFiniteError(f"sentence {row}, token {token}: expected finite emissions, found NaN or infinity")
        return emissions, lengths

    def _batch_first(self, emissions: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Emissions (B, T, K) and the mask (B, T), of the shapes that they should have."""
        if emissions.dim() != 3 or emissions.shape[2] != self.num_tags:
            raise ValueError(
                f"expected emissions of 3 dimensions, the last {self.num_tags}, found {tuple(emissions.shape)}"
            )
        emissions = emissions if self.batch_first else emissions.transpose(0, 1)
        if mask is None:
            return emissions, None
        mask = (mask if self.batch_first else mask.t()).bool()
        if mask.shape != emissions.shape[:2]:
            raise ValueError(f"expected a mask of shape {tuple(emissions.shape[:2])}, found {tuple(mask.shape)}")
        return emissions, mask

    def _check_legal(self, tags: Tensor, lengths: Tensor) -> None:
        if not self.constrained or not tags.numel():
            return
        legal = self.allowed_transitions[tags[:, :-1], tags[:, 1:]] | ~_mask(lengths - 1, tags.shape[1] - 1)
        final = tags.gather(1, (lengths - 1).clamp(min=0).unsqueeze(1)).squeeze(1)
        rows = (self.allowed_start[tags[:, 0]] & self.allowed_end[final]) | (lengths == 0)
        rows &= legal.all(1)
        if not bool(rows.all()):
            row = int((~rows).nonzero()[0])
            found = tags[row, : int(lengths[row])].tolist()
            raise ValueError(f"sentence {row}: expected a tag sequence that the constraints allow, found {found}")


def _to_numpy(tensor: Tensor) -> Array:
    tensor = tensor.detach().cpu()
    # NumPy knows no bfloat16, and in float16 sums over a sentence would overflow.
    found: Array = (tensor if tensor.dtype in (torch.float32, torch.float64) else tensor.float()).numpy()
    return found


def _lengths(mask: Tensor) -> Tensor:
    """Tokens of each row (B,) of a mask (B, T)."""
    holes = mask[:, 1:] & ~mask[:, :-1]
    if bool(holes.any()):
        row = int(holes.any(1).nonzero()[0])
        raise ValueError(f"sentence {row}: expected all its tokens before its padding, found a hole in the mask")
    return mask.sum(1)


def _mask(lengths: Tensor, num_steps: int) -> Tensor:
    return torch.arange(num_steps, device=lengths.device) < lengths.unsqueeze(1)


def _reduce(values: Tensor, lengths: Tensor, reduction: str) -> Tensor:
    if reduction == "none":
        return values
    if reduction == "sum":
        return values.sum()
    if reduction == "mean":
        return values.mean()
    if reduction == "token_mean":
        return values.sum() / lengths.sum()
    raise ValueError(f"expected a reduction none, sum, mean or token_mean, found {reduction!r}")
