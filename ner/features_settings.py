"""Settings of `[features]`, and the table of the features: what a token looks like to the network."""

from typing import Literal

from pydantic import Field

from ner.section import FILE, Section, affecting

# What a token is shown to the network as, in the order in which the vectors stand side by side: `ner/features/NAME.py`
# makes numbers of it, `ner/network/features/NAME.py` vectors of the numbers. The first is the one that all have.
FEATURES = ("words", "characters", "bigrams", "casing", "lexicon", "gazetteers", "contextual", "document_context")


class FeaturesConfig(Section):
    """What is known of words besides the training corpus, and besides their sentence."""

    simplify: bool = Field(
        False,
        description="show traditional Chinese characters to the network as simplified ones, by OpenCC's table (extra "
        "`zh`), which the model keeps: vectors and lexicons of one script serve both",
    )
    lexicon: str | None = Field(
        None,
        description="words of a language written without spaces, each with its vector (a name of `ner vectors list` or "
        "a path): what they say around a character is shown to the network (SoftLexicon, Ma et al. 2020)",
        json_schema_extra=FILE,
    )
    lexicon_dim: int = Field(100, ge=1, description="width of the lexicon's vectors")
    gazetteer: tuple[str, ...] = Field(
        (),
        strict=False,
        description="lists of names, one a line, a file for each kind: a token is shown in which lists it stands",
        json_schema_extra=FILE,
    )
    document_context: bool = Field(
        True,
        description="show each capitalised word what stands beside its other mentions in the document, where the "
        "training files mark documents (`-DOCSTART-`) or `data.document_sentences` does; a text to be tagged is one",
    )
    document_context_dim: int = Field(
        100, ge=1, description="hidden units between what is shown of other mentions and the tags"
    )
    contextual: str | None = Field(
        None,
        description="a pretrained encoder (a folder that `transformers` reads, or a name of the Hugging Face hub): its "
        "state of each word stands beside the words; it stays as it is (docs/contextual.md)",
        json_schema_extra=FILE,
    )
    contextual_layers: tuple[int, ...] = Field(
        (),
        strict=False,
        description="its layers that are used, from 0, its embeddings; -1 is the last; none named: those of the "
        "middle, such as 5 to 9 of 12",
    )
    contextual_mix: Literal["mean", "learned"] = Field(
        "mean",
        description="what becomes of several layers: their `mean`, or weights that are `learned` (Peters et al. 2018), "
        "for which all of them are kept",
    )
    contextual_pieces: Literal["mean", "first", "last"] = Field(
        "mean", description="the pieces of a word that stand for it: their `mean`, the `first` or the `last`"
    )
    contextual_dim: int = Field(64, ge=1, description="width to which an encoder's state is projected")
    contextual_dropout: float = Field(0.1, ge=0, lt=1, description="dropout on an encoder's state")
    contextual_copy: bool = Field(
        False,
        description="copy the encoder into the model directory; else it names the encoder and its digest",
        json_schema_extra=affecting("record"),
    )
