"""Settings, section by section: what can be set, its default, and what it means.

With `data_settings`, which has the table of the files, the only place where a default is written down. The defaults
train a recognizer for words of any language, so that a file that names a corpus and nothing else gives a good model;
`configs/default.toml` says how good. Each field's description is the text of the README's configuration table (a test
holds the two together). A field that affects something else than the result says what: which settings tell two runs
apart, and which may change when a run is resumed, follows from that. Nothing outside the builder and the training loop
takes a section; modules of the network take plain numbers.
"""

import difflib
import sys
from itertools import pairwise
from typing import ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from ner.data_settings import DataConfig as DataConfig
from ner.errors import ConfigError
from ner.features_settings import FEATURES as FEATURES
from ner.features_settings import FeaturesConfig as FeaturesConfig
from ner.section import FILE, Affects, Section, affecting

# The recurrent cells of this package: those of `ner/network/cells.py` and, without PyTorch, of `ner/forward/cells.py`.
CELLS = ("lstm", "gru", "rnn", "peephole-lstm", "coupled-lstm", "depth-gated-lstm", "clockwork-rnn")


class ModelConfig(Section):
    """What the network is made of."""

    word_dim: int = Field(100, ge=1, description="width of a word embedding")
    vectors: str | None = Field(
        None,
        description="pretrained vectors: a name of `ner vectors list`, or a path",
        json_schema_extra=FILE,
    )
    keep_vectors: Literal["all", "seen"] = Field(
        "all", description="which pretrained words a model keeps: `all`, or only those `seen` in training"
    )
    freeze_vectors: bool = Field(False, description="leave the whole word embedding as it is, pretrained or not")
    lowercase: bool = Field(True, description="look words up in lower case (characters keep their case)")
    normalize_digits: bool = Field(
        True, description="look words up with every digit as 0, unless the vectors know the word as it is"
    )
    min_count: int = Field(1, ge=1, description="words rarer than this in training are unknown")
    char_encoder: Literal["cnn", "lstm", "both", "none"] = Field(
        "lstm",
        description="characters of a word: `cnn` (Ma & Hovy 2016), `lstm` (Lample et al. 2016), `both` side by side, "
        "`none`",
    )
    char_dim: int = Field(30, ge=1, description="width of a character embedding")
    char_hidden_dim: int = Field(50, ge=1, description="filters of the CNN, units per direction of the LSTM")
    char_kernel_size: int = Field(3, ge=1, description="characters a CNN filter sees")
    bigram_dim: int = Field(
        0, ge=0, description="width of an embedding of each word with its right neighbour, for text cut by character"
    )
    casing_dim: int = Field(8, ge=0, description="width of the capitalisation feature; 0 leaves it out")
    cell: str = Field(
        "lstm",
        description="recurrent cell: `lstm`, `gru`, `rnn`, `peephole-lstm`, `coupled-lstm`, `depth-gated-lstm`, "
        "`clockwork-rnn`, or one of your own",
    )
    forget_bias: float = Field(
        1.0, description="bias of forget gates at the start; open gates remember (Jozefowicz et al. 2015)"
    )
    clock_periods: tuple[int, ...] = Field(
        (1, 2, 4, 8), strict=False, description="`clockwork-rnn`: how often each module ticks, ascending"
    )
    bidirectional: bool = Field(True, description="read each sentence in both directions")
    hidden_dim: int = Field(200, ge=1, description="units of the encoder, per direction")
    num_layers: int = Field(1, ge=1, le=4, description="stacked encoder layers")
    connection: Literal["none", "residual", "highway"] = Field(
        "none", description="what leads past a layer, from the second on: its input added, or mixed in by a gate"
    )
    context: Literal["none", "global"] = Field(
        "none", description="`global`: a summary of the sentence by attention beside each token (GCDT, GCA-LSTM)"
    )
    context_dim: int = Field(100, ge=1, description="units per direction of the layer that reads for the summary")
    dropout: float = Field(0.5, ge=0, lt=1, description="dropout on what enters and leaves each encoder layer")
    char_dropout: float = Field(0.5, ge=0, lt=1, description="dropout on character embeddings")
    variational_dropout: bool = Field(
        False, description="drop the same units at every token of a sentence (Gal & Ghahramani 2016)"
    )
    precision: Literal["fp32", "bf16"] = Field(
        "bf16",
        description="`bf16`: `lstm`, `gru`, `rnn` and a pretrained encoder compute in bfloat16 where the processor is "
        "built for it",
    )
    weights: Literal["fp32", "fp16", "int8"] = Field(
        "fp32", description="how weights are stored in the model directory; computed with as `precision` says"
    )
    vector_storage: Literal["whole", "small"] = Field(
        "whole",
        description="how tables of word vectors are stored there: `whole`, as `weights` says, or `small`: a byte for "
        "four numbers of a vector, for two where training saw the word",
    )
    constraints: bool = Field(
        True,
        description="forbid illegal tag sequences, in training and decoding; scores count legal ones alone",
    )
    decoding: Literal["viterbi", "marginals", "threshold"] = Field(
        "threshold",
        description="`viterbi`: the most probable tag sequence; `marginals`: that of most tags expected right; "
        "`threshold`: each entity of enough probability of its own",
    )
    threshold: float = Field(
        0.5,
        gt=0,
        lt=1,
        description='`decoding = "threshold"`: the least probability of an entity; low ones find more, high ones err '
        "less, and 0.5 finds less than `viterbi`; `training.calibrate` sets it",
    )
    temperature: float = Field(
        1.0, gt=0, description="divides all scores before they become probabilities; `training.calibrate` sets it"
    )
    word_dropout: float = Field(0.0, ge=0, lt=1, description="chance that a whole token's input is dropped")

    @field_validator("clock_periods")
    @classmethod
    def _ascends(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if not value or value[0] < 1 or any(low >= high for low, high in pairwise(value)):
            raise ValueError("should be whole numbers from 1 on, each greater than the one before")
        return value

    @model_validator(mode="after")
    def _has_units_for_each_module(self) -> "ModelConfig":
        if self.cell == "clockwork-rnn" and len(self.clock_periods) > self.hidden_dim:
            most = f"at most {self.hidden_dim} periods, as many as hidden_dim has units"
            raise ValueError(f"clock_periods should be {most}, found {len(self.clock_periods)}")
        return self


class TrainingConfig(Section):
    """How the network is trained."""

    epochs: int = Field(
        30, ge=1, description="passes over the training corpus, at most", json_schema_extra=affecting("end")
    )
    batch_size: int = Field(32, ge=1, description="sentences a batch")
    batch_tokens: int | None = Field(
        None, ge=1, description="token budget of a batch, padding included; replaces `batch_size`"
    )
    optimizer: Literal["sgd", "adamw"] = Field("sgd", description="`sgd` (with momentum) or `adamw`")
    learning_rate: float = Field(0.06, gt=0, description="highest learning rate")
    momentum: float = Field(0.9, ge=0, lt=1, description="momentum of SGD")
    weight_decay: float = Field(0.0, ge=0, description="decoupled weight decay (AdamW), or L2 penalty (SGD)")
    schedule: Literal["inverse", "linear", "cosine", "constant"] = Field(
        "inverse", description="`inverse`: rate/(1+decay·epoch); `linear`, `cosine`: down to zero; `constant`"
    )
    decay: float = Field(0.05, ge=0, description="decay of the `inverse` schedule, per epoch")
    warmup: float = Field(0.0, ge=0, lt=1, description="share of all steps over which the rate rises from zero")
    clip_norm: float | None = Field(5.0, gt=0, description="largest norm of the gradient; larger ones are scaled")
    recase: float = Field(
        0.0,
        ge=0,
        le=1,
        description="share of the training sentences that an epoch shows in another case: half of them in lower case, "
        "the others in capitals or with each word capitalised; names are then found in such text too",
    )
    augment: float = Field(
        0.0,
        ge=0,
        le=1,
        description="share of the training sentences that an epoch shows otherwise than they are: half of them in "
        "another case, as with `recase`, a quarter without punctuation, a quarter with typing mistakes",
    )
    unknown_rate: float = Field(
        0.5, ge=0, le=1, description="chance that a word seen once is trained as the unknown word"
    )
    patience: int | None = Field(
        None, ge=1, description="stop after so many epochs without a better dev F1", json_schema_extra=affecting("end")
    )
    average: float | None = Field(
        0.7, gt=0, lt=1, description="decay of a moving average of the weights; the average is kept"
    )
    average_every: Literal["step", "epoch"] = Field(
        "epoch", description="when the weights are taken into their average; each `epoch` costs nothing"
    )
    calibrate: bool = Field(
        True,
        description="fit `model.temperature` on the dev set after training, and `model.threshold` where it decodes so",
    )
    keep_old: bool = Field(
        True,
        description="`ner train --from`: where the corpus doesn't annotate a label of the old model, learn what that "
        "model makes of it",
    )
    remember_entities: bool = Field(
        True,
        description="keep hashes of the training entities, so that `ner evaluate` tells seen from unseen ones, and a "
        "dev sentence for the model card",
        json_schema_extra=affecting("record"),
    )
    teachers: tuple[str, ...] = Field(
        (),
        strict=False,
        description="model directories to learn from besides the gold tags: from the exact probabilities of one, or "
        "from the mean of several (knowledge distillation, Hinton et al. 2015)",
        json_schema_extra=FILE,
    )
    teacher_weight: float = Field(
        0.5, gt=0, le=1, description="share of the teachers in the loss of a sentence with gold tags"
    )
    soft_targets: str | None = Field(
        None,
        description="what `ner merge` found several annotators to agree on: how probable each tag is, to be learned "
        "from in place of the tags of the training file",
        json_schema_extra=FILE,
    )
    seed: int = Field(1, ge=0, lt=2**63, description="seed of every random choice")


class RunConfig(Section):
    """What belongs to the machine that trains, and to this one run: no model directory holds it."""

    affects: ClassVar[Affects] = "run"

    threads: int | None = Field(
        None,
        ge=1,
        description="CPU threads of training; unset: two, or one where PyTorch would take but one, since an LSTM "
        "trained on one or two has the same weights to the last bit",
    )
    device: str = Field("auto", description="`auto` (a GPU where there is one), `cpu`, `cuda`, `cuda:1`")
    tensorboard: bool = Field(
        False, description="`ner train` also writes TensorBoard event files, into a folder beside the model's"
    )
    checkpoint_minutes: float | None = Field(
        10.0, gt=0, description="minutes between two checkpoints within an epoch; there is one after each epoch too"
    )
    cache_gb: float = Field(
        20.0, ge=0, description="GB of an encoder's states that are kept on disk; 0: none (`ner cache list`)"
    )


def check_cell(cell: str, where: str) -> None:
    """Raise ConfigError unless this is a cell of the package, or one that was added to those that PyTorch computes.

    Args:
        cell: its name.
        where: opens the message.
    """
    # None can have been added where the module wasn't imported, which to import would take PyTorch's seconds.
    network = sys.modules.get("ner.network.cells")
    known = tuple(network.CELLS if network else CELLS)
    if cell not in known:
        close = difflib.get_close_matches(cell, known, n=1)
        hint = f"did you mean {close[0]}? " if close else ""
        raise ConfigError(
            f"{where}: model.cell should be one of {', '.join(known)}, found {cell!r}; {hint}"
            "a cell of your own is added to ner.network.cells.CELLS before its recipe is read"
        )
