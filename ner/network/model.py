"""The whole network, and the builder: the one place where settings and vocabulary sizes meet modules."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from ner.crf.layer import CRF, Constraints
from ner.crf.span_posteriors import ProbableSpan, choose_spans, tags_of_spans
from ner.errors import ConfigError
from ner.features.phrases import ROLES
from ner.features.vocabulary import NUM_CASES, Vocabularies
from ner.network.cell import CellOptions
from ner.network.cells import CELLS
from ner.network.document_context import Mentions
from ner.network.dropout import Dropout
from ner.network.embedding import (
    CharacterCNN,
    CharacterEncoders,
    CharacterLSTM,
    SoftLexicon,
    TokenEmbedding,
    WordEmbedding,
    make_embedding,
)
from ner.network.encoder import Encoder
from ner.network.global_context import GlobalContext
from ner.network.inputs import Inputs
from ner.network.layer import RecurrentLayer
from ner.settings import FeaturesConfig, ModelConfig
from ner.text.tags import OUTSIDE, legal_moves


class Decoding(NamedTuple):
    """How tags are chosen: `viterbi`, `marginals` or `threshold`, as `model.decoding` says.

    For the last, entities are of at least this probability; `roles` are the numbers of the tags B, I, E, S of each
    label, `outside` is that of O.
    """

    kind: str = "viterbi"
    threshold: float = 0.5
    roles: tuple[tuple[int, ...], ...] = ()
    outside: int = 0


class BiLSTMCRF(nn.Module):
    """Emissions from embeddings and an encoder, a sequence of tags from a conditional random field."""

    def __init__(
        self,
        embedding: TokenEmbedding,
        encoder: Encoder,
        crf: CRF,
        *,
        mentions: Mentions | None = None,
        word_dropout: float = 0.0,
        decoding: Decoding = Decoding(),
    ) -> None:
        super().__init__()
        self.embedding = embedding
        self.encoder = encoder
        self.word_dropout = word_dropout
        self.projection = nn.Linear(encoder.output_dim, crf.num_tags)
        self.mentions = mentions
        self.crf = crf
        self.decoding = decoding

    def emissions(self, inputs: Inputs) -> Tensor:
        """Scores of every tag at every token, before the CRF (B, T, K)."""
        tokens = self.embedding(inputs)  # (B, T, D)
        if self.training and self.word_dropout:
            kept = torch.rand(tokens.shape[:2], device=tokens.device) >= self.word_dropout
            tokens = tokens * kept.unsqueeze(-1)
        scores: Tensor = self.projection(self.encoder(tokens, inputs.lengths))
        if self.mentions is not None and len(inputs.mention_tokens):
            scores = scores + self.mentions(inputs, self.embedding.words)
        return scores

    def forward(self, inputs: Inputs, tags: Tensor) -> Tensor:
        """Negative log-likelihood of gold tags (B, T), summed over tokens, the mean over sentences: a scalar."""
        loss: Tensor = -self.crf(self.emissions(inputs), tags, mask=inputs.mask, reduction="mean")
        return loss

    def partial_loss(self, inputs: Inputs, allowed: Tensor) -> Tensor:
        """As `forward`, with the tags that each token may have (B, T, K) in place of the one it has."""
        likelihood = self.crf.partial_log_likelihood(self.emissions(inputs), allowed, inputs.mask, reduction="mean")
        return -likelihood

    def best_paths(self, emissions: Tensor, mask: Tensor) -> list[list[int]]:
        """Tag numbers of each sentence, chosen as `decoding` says, as many as it has tokens."""
        if self.decoding.kind == "threshold":
            lengths, (_, _, roles, outside) = mask.sum(1).tolist(), self.decoding
            found = zip(self.best_spans(emissions, mask), lengths, strict=True)
            return [tags_of_spans(spans, length, roles, outside) for spans, length in found]
        if self.decoding.kind == "marginals":
            return self.crf.decode_by_marginals(emissions, mask)
        return self.crf.decode(emissions, mask)

    def best_spans(self, emissions: Tensor, mask: Tensor) -> list[list[ProbableSpan]]:
        """Those spans of each sentence that decoding by threshold takes, in order."""
        threshold, roles = self.decoding.threshold, torch.tensor(self.decoding.roles).view(-1, 4)
        probable = self.crf.probable_spans(emissions, mask, roles, threshold)
        return [choose_spans(spans, threshold) for spans in probable]

    @torch.inference_mode()
    def decode(self, inputs: Inputs) -> list[list[int]]:
        """The best tag numbers of each sentence, as many as it has tokens."""
        return self.best_paths(self.emissions(inputs), inputs.mask)


def build_model(
    config: ModelConfig, vocabularies: Vocabularies, *, features: FeaturesConfig = FeaturesConfig()
) -> BiLSTMCRF:
    """A fresh network for these settings and vocabularies, on the CPU; random weights from torch's generator.

    Raises:
        ConfigError: `config.cell` names no cell.
    """
    words = WordEmbedding(
        vocabularies.words.num_trained,
        len(vocabularies.words.extra),
        config.word_dim,
        frozen=config.freeze_vectors,
    )
    characters = _build_characters(config, vocabularies.num_characters)
    bigrams = make_embedding(vocabularies.num_bigrams, config.bigram_dim) if config.bigram_dim else None
    cases = make_embedding(NUM_CASES, config.case_dim) if config.case_dim else None
    lexicon = None
    if vocabularies.lexicon is not None:
        known = vocabularies.lexicon
        table = WordEmbedding(known.num_trained + 1, len(known.words) - known.num_trained, features.lexicon_dim)
        lexicon = SoftLexicon(table)
    marks = len(ROLES) * len(vocabularies.gazetteers)
    embedding = TokenEmbedding(words, characters, bigrams=bigrams, cases=cases, lexicon=lexicon, num_marks=marks)
    encoder = _build_encoder(config, embedding.output_dim)
    crf = CRF(len(vocabularies.tags), batch_first=True, constraints=_constraints(config, vocabularies.tags))
    crf.temperature = config.temperature
    mentions = None
    if vocabularies.mentions:
        mentions = Mentions(config.word_dim, features.mention_dim, len(vocabularies.tags), dropout=config.dropout)
    roles = tuple(tuple(vocabularies.roles(label)) for label in vocabularies.labels)
    decoding = Decoding(config.decoding, config.threshold, roles, vocabularies.tag_number(OUTSIDE))
    return BiLSTMCRF(embedding, encoder, crf, mentions=mentions, word_dropout=config.word_dropout, decoding=decoding)


def check_cell(cell: str) -> None:
    """Nothing, where there is such a cell.

    Raises:
        ConfigError: there is none.
    """
    if cell not in CELLS:
        raise ConfigError(f"model.cell: expected one of {', '.join(CELLS)}, found {cell!r}")


def _build_characters(config: ModelConfig, num: int) -> CharacterCNN | CharacterLSTM | CharacterEncoders | None:
    sizes, dropout = (num, config.char_dim, config.char_hidden_dim), config.char_dropout
    encoders: list[CharacterCNN | CharacterLSTM] = []
    if config.char_encoder in ("cnn", "both"):
        encoders.append(CharacterCNN(*sizes, kernel_size=config.char_kernel_size, dropout=dropout))
    if config.char_encoder in ("lstm", "both"):
        encoders.append(CharacterLSTM(*sizes, dropout=dropout, bf16=config.precision == "bf16"))
    if len(encoders) > 1:
        return CharacterEncoders(encoders)
    return encoders[0] if encoders else None


def _build_encoder(config: ModelConfig, input_dim: int) -> Encoder:
    check_cell(config.cell)
    options = CellOptions(forget_bias=config.forget_bias, clock_periods=config.clock_periods)
    kind = {"bidirectional": config.bidirectional, "bf16": config.precision == "bf16"}
    context = None
    if config.context == "global":
        context = GlobalContext(RecurrentLayer(config.cell, input_dim, config.context_dim, options=options, **kind))
        input_dim += context.output_dim
    layers = []
    for number in range(config.num_layers):
        own = options._replace(stacked=number > 0)
        layers.append(RecurrentLayer(config.cell, input_dim, config.hidden_dim, options=own, **kind))
        input_dim = layers[-1].output_dim
    dropout = Dropout(config.dropout, variational=config.variational_dropout)
    return Encoder(layers, dropout=dropout, connection=config.connection, context=context)


def _constraints(config: ModelConfig, tags: list[str]) -> Constraints | None:
    if not config.constraints:
        return None
    # Real tensors even where the network is built on the meta device: a model file doesn't hold them.
    return Constraints(*(torch.tensor(allowed, device="cpu") for allowed in legal_moves(tags)))
