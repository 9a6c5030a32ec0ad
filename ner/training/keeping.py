"""What a model that is gone on from knows of its own labels, as soft targets where a corpus doesn't annotate them.

Of a sentence the old model gives probabilities to all sequences of its tags. The network that goes on is to give the
same ones, as far as it chooses among old tags alone: the loss is the Kullback-Leibler divergence of the two. What it
gives to new labels is left to the annotation. With the old model's marginals and expected transitions it is exact, for
the score of a sequence is a sum. Knowledge of the old tags is distilled as in learning without forgetting (Li & Hoiem
2016).
"""

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ner.crf.layer import CRF
from ner.crf.likelihood import log_partition
from ner.crf.torch_forward_backward import Scores
from ner.features.feature import Numbers
from ner.features.vocabulary import Vocabularies
from ner.inference.loading import Model, torch_network
from ner.inference.prepared import prepare
from ner.inference.torch_backend import TorchBackend
from ner.text.inventory import unannotated
from ner.text.partial import possible_tags
from ner.text.sentence import Sentence
from ner.text.tags import tags_of_labels


class OldLabels(NamedTuple):
    """The old model's scores of the training sentences, and which of its tags agree with what is annotated.

    Over N tokens of all sentences and the J tags of the old model, which are `columns` of the new one's.
    """

    crf: CRF
    columns: Tensor  # (J,)
    emissions: npt.NDArray[np.float32]  # (N, J)
    allowed: npt.NDArray[np.bool_]  # (N, J)
    starts: Numbers
    lengths: Numbers
    kept: npt.NDArray[np.bool_]  # sentences that leave an old label open

    @classmethod
    def of(cls, start: Model, sentences: Sequence[Sentence], vocabularies: Vocabularies) -> Self:
        """What a model knows of these sentences, whose vocabularies are those that grew from its own."""
        labels, tags = start.vocabularies.labels, start.vocabularies.tags
        lengths = np.array([len(sentence.spelled) for sentence in sentences], dtype=np.int64)
        starts = np.cumsum(lengths) - lengths
        emissions = np.zeros((int(lengths.sum()), len(tags)), dtype=np.float32)
        for rows, emitted, sizes in prepare(sentences, start.vocabularies).emitted(TorchBackend(torch_network(start))):
            for row, own, size in zip(rows, emitted, sizes, strict=True):
                emissions[starts[row] : starts[row] + size] = own[:size]
        index = {tag: number for number, tag in enumerate(tags)}
        allowed = np.zeros(emissions.shape, dtype=np.bool_)
        for sentence, first in zip(sentences, starts, strict=True):
            left_open = unannotated(sentence, labels)
            possible = possible_tags(sentence.tags or (), left_open)
            for token, named in enumerate(possible, start=first):
                # In old tags, an entity of a new label is outside all that was looked for.
                agreeing = [index[tag] for tag in named or tags if tag in index]
                allowed[token, agreeing or [index[tag] for tag in tags_of_labels(left_open)]] = True
        kept = np.array([bool(unannotated(sentence, labels)) for sentence in sentences], dtype=np.bool_)
        columns = torch.tensor([vocabularies.tag_id(tag) for tag in tags])
        return cls(torch_network(start).crf, columns, emissions, allowed, starts, lengths, kept)

    def loss(self, crf: CRF, emissions: Tensor, rows: Numbers) -> Tensor:
        """The divergence from the old model, the mean over the sentences of a batch: a scalar.

        Args:
            crf: of the network that goes on.
            emissions: its scores (B, T, K).
            rows: which sentences they are (B,).
        """
        open_rows = np.flatnonzero(self.kept[rows])
        if not len(open_rows):
            return emissions.new_zeros(())
        device, sizes = emissions.device, self.lengths[rows[open_rows]]
        steps = np.arange(emissions.shape[1])
        mask = steps < sizes[:, None]  # (B', T)
        tokens = np.where(mask, self.starts[rows[open_rows]][:, None] + steps, 0)
        lengths = torch.from_numpy(sizes).to(device)
        old = torch.from_numpy(self.emissions[tokens] * mask[..., None]).to(device)  # (B', T, J)
        allowed = torch.from_numpy(self.allowed[tokens] | ~mask[..., None]).to(device)
        real = torch.from_numpy(mask).to(device).unsqueeze(2)
        columns = self.columns.to(device)
        new = emissions[torch.from_numpy(open_rows).to(device)][:, :, columns].masked_fill(~real, 0)

        parts = [part.detach().to(device) for part in self.crf.transition_scores()]
        leaves = [part.requires_grad_() for part in (old.masked_fill(~allowed, -torch.inf), *parts)]
        old_total = log_partition(Scores(*leaves), lengths)
        # The log partition's gradient: marginals (B', T, J), how often each start, transition and end is expected.
        expected = torch.autograd.grad(old_total.sum(), leaves)
        start, transitions, end = crf.transition_scores()
        chosen = (start[columns], transitions[columns][:, columns], end[columns])
        new_total = log_partition(Scores(new, *chosen), lengths)
        divergence = (new_total - old_total.detach()).sum()
        for weight, mine, theirs in zip(expected, (new, *chosen), (old, *parts), strict=True):
            # What is forbidden is -inf on both sides, and never expected.
            divergence = divergence - torch.where(weight > 0, weight * (mine - theirs.detach()), 0).sum()
        return divergence / len(rows)
