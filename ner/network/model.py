"""The whole network, and the builder: the one place where settings and features meet modules."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ner.crf.layer import CRF, Constraints
from ner.errors import ConfigError
from ner.features.vocabulary import Vocabularies
from ner.network.cell import CellOptions
from ner.network.cells import CELLS
from ner.network.dropout import Dropout
from ner.network.embedding import TokenEmbedding
from ner.network.encoder import Encoder
from ner.network.global_context import GlobalContext
from ner.network.inputs import Inputs
from ner.network.layer import RecurrentLayer
from ner.network.twin import ScoringTwin, Twin, twin_type
from ner.settings import ModelConfig
from ner.text.tags import legal_transitions


class BiLSTMCRF(nn.Module):
    """Emissions from embeddings and an encoder, a sequence of tags from a conditional random field."""

    def __init__(
        self,
        embedding: TokenEmbedding,
        encoder: Encoder,
        crf: CRF,
        *,
        scoring: Mapping[str, ScoringTwin] = {},
        word_dropout: float = 0.0,
    ) -> None:
        """`scoring`: twins, by their features' names, whose scores are added to the encoder's."""
        super().__init__()
        self.embedding = embedding
        self.encoder = encoder
        self.word_dropout = word_dropout
        self.projection = nn.Linear(encoder.output_dim, crf.num_tags)
        self.crf = crf
        self._scoring = tuple(scoring)
        for name, twin in scoring.items():
            self.add_module(name, twin)

    def emissions(self, inputs: Inputs) -> Tensor:
        """Scores of every tag at every token, before the CRF (B, T, K)."""
        tokens = self.embedding(inputs)  # (B, T, D)
        if self.training and self.word_dropout:
            kept = torch.rand(tokens.shape[:2], device=tokens.device) >= self.word_dropout
            tokens = tokens * kept.unsqueeze(-1)
        scores: Tensor = self.projection(self.encoder(tokens, inputs.lengths))
        for name in self._scoring:
            added = getattr(self, name)(inputs, self.embedding.word_table())
            if added is not None:
                scores = scores + added
        return scores

    def forward(self, inputs: Inputs, tags: Tensor) -> Tensor:
        """Negative log-likelihood of gold tags (B, T), summed over tokens, the mean over sentences: a scalar."""
        loss: Tensor = -self.crf(self.emissions(inputs), tags, mask=inputs.mask, reduction="mean")
        return loss

    def partial_loss(self, inputs: Inputs, allowed: Tensor) -> Tensor:
        """As `forward`, with the tags that each token may have (B, T, K) in place of the one it has."""
        likelihood = self.crf.partial_log_likelihood(self.emissions(inputs), allowed, inputs.mask, reduction="mean")
        return -likelihood


def build_model(config: ModelConfig, vocabularies: Vocabularies) -> BiLSTMCRF:
    """A fresh network for these settings and vocabularies, on the CPU; random weights from torch's generator.

    Raises:
        ConfigError: `config.cell` names no cell.
    """
    twins: dict[str, Twin] = {}
    for name, feature in vocabularies.features.items():
        kind = twin_type(name)
        if issubclass(kind, Twin):
            twins[name] = kind.of(feature)
    embedding = TokenEmbedding(twins)
    encoder = _build_encoder(config, embedding.output_dim)
    tags = vocabularies.tags
    crf = CRF(len(tags), batch_first=True, constraints=_constraints(config, tags))
    crf.temperature = config.temperature
    scoring: dict[str, ScoringTwin] = {}
    for name, feature in vocabularies.features.items():
        kind = twin_type(name)
        if issubclass(kind, ScoringTwin):
            scoring[name] = kind.scoring(feature, len(tags))
    return BiLSTMCRF(embedding, encoder, crf, scoring=scoring, word_dropout=config.word_dropout)


def check_cell(cell: str) -> None:
    """Raise ConfigError where there is no such cell."""
    if cell not in CELLS:
        raise ConfigError(f"model.cell: expected one of {', '.join(CELLS)}, found {cell!r}")


def _build_encoder(config: ModelConfig, input_dim: int) -> Encoder:
    check_cell(config.cell)
    options = CellOptions(forget_bias=config.forget_bias, clock_periods=config.clock_periods)
    kind = {"bidirectional": config.bidirectional, "bf16": config.precision == "bf16"}
    context = None
    if config.context == "global":
        context = GlobalContext(RecurrentLayer(config.cell, input_dim, config.context_dim, options=options, **kind))
        input_dim += context.output_dim
    layers = []
    for index in range(config.num_layers):
        own = options._replace(stacked=index > 0)
        layers.append(RecurrentLayer(config.cell, input_dim, config.hidden_dim, options=own, **kind))
        input_dim = layers[-1].output_dim
    dropout = Dropout(config.dropout, variational=config.variational_dropout)
    return Encoder(layers, dropout=dropout, connection=config.connection, context=context)


def _constraints(config: ModelConfig, tags: list[str]) -> Constraints | None:
    if not config.constraints:
        return None
    # Real tensors even where the network is built on the meta device: a model file doesn't hold them.
    return Constraints(*(torch.tensor(allowed, device="cpu") for allowed in legal_transitions(tags)))
