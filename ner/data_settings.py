"""Settings of the table `[data]`: where the corpus is, and how its files are read."""

import difflib
import re
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from ner.corpus_settings import CorpusConfig, is_share
from ner.schemes import SCHEMES
from ner.section import FILE, Section, affecting

# Formats of annotated text: `ner/formats/NAME.py`, with `_` for `-`, holds a `FORMAT` that reads and writes it.
FORMATS = (
    "conll",
    "lines",
    "csv",
    "jsonl",
    "doccano",
    "prodigy",
    "argilla",
    "label-studio",
    "brat",
    "conllu",
    "conllup",
    "uner",
    "conll2012",
    "germeval",
    "webanno",
    "docbin",
    "bioc",
    "pubtator",
    "gate",
    "uima-xmi",
    "opennlp",
    "stanford",
    "html",
    "text",
)

# What is said of all corpora together.
_OF_ALL = {
    "train",
    "dev",
    "test",
    "unlabelled",
    "dataset",
    "dataset_config",
    "tokens_feature",
    "tags_feature",
    "corpora",
    "tokenizer",
}

# How text is cut: by word (Chinese, Japanese by character), each character, at blanks alone, Chinese by word too.
Cut = Literal["words", "characters", "spaces", "words-zh"]


class DataConfig(Section):
    """Where the corpus is and how its files are laid out."""

    train: str | None = Field(
        None,
        description="training file; as given, or relative to the config's folder",
        json_schema_extra=FILE,
    )
    dev: str | None = Field(
        None,
        description="development file: chooses the best epoch, by F1 and, of equal ones, by loss; or a share of the "
        "training documents (`10%`: each tenth), which are then not trained on",
        json_schema_extra=FILE,
    )
    test: str | None = Field(
        None, description="test file: scored once, after training", json_schema_extra=affecting("record", **FILE)
    )
    unlabelled: str | None = Field(
        None,
        description="text without labels, which teachers tag for the model to learn from (`training.teachers`): a file "
        "or folder of any format, told from its content; what looks like none is plain text",
        json_schema_extra=FILE,
    )
    dataset: str | None = Field(
        None,
        description="instead of files: a `datasets` data set (folder, parquet, arrow or JSON file, hub name)",
        json_schema_extra=FILE,
    )
    dataset_config: str | None = Field(None, description="configuration name of a hub data set")
    tokens_feature: str = Field("tokens", description="the data set's feature that holds the words")
    tags_feature: str = Field("ner_tags", description="the data set's feature that holds the tags")
    corpora: tuple[CorpusConfig, ...] = Field(
        (),
        strict=False,
        description="instead of files: several corpora, a table `[[data.corpora]]` each, with the labels that it "
        "annotates",
        json_schema_extra=FILE,
    )
    format: str = Field(
        "auto",
        description="format of the files, one of `ner formats`; `auto`: told from each file's content",
    )
    word_column: int = Field(0, description="column of the words; negative counts from the right")
    tag_column: int = Field(-1, description="column of the tags; negative counts from the right")
    separator: str | None = Field(
        None, description="what splits columns, literally; unset: any run of spaces or TABs (`lines`: `:`)"
    )
    scheme: str = Field(
        "auto",
        description="tag scheme of the files: `iob1`, `iob2`, `bioes`, `bilou`, `bmes`, `io` (labels alone, as `PER`); "
        "`auto` looks at the whole file, and never takes `io`",
    )
    tag_pattern: str | None = Field(
        None,
        description='how the files join prefix and label of a tag, for example `"{prefix}_{label}"` for `B_PER` or '
        '`"{label}-{prefix}"` for `PER-B`; `"{prefix}"`: tags without a label, `B`, `I` and `O`; unset: '
        "`{prefix}-{label}` (`io`: `{label}`)",
    )
    label: str = Field(
        "ENTITY",
        min_length=1,
        description='label of all entities, where the tags have none (`tag_pattern = "{prefix}"`)',
    )
    unknown_tag: str | None = Field(
        None, description='tag of a token of which nothing is known, for example `"?"`; `?-PER` is part of some PER'
    )
    sentence_column: int | None = Field(
        None,
        description="column that says where sentences begin, where no blank line does: a number or name that stands in "
        "each row or in the first (`Sentence: 1`), or a flag in the last (HIPE's `EndOfSentence`)",
    )
    comment: str | tuple[str, ...] | None = Field(
        None,
        description='lines that start with this are comments, for example `"# "`, or with one of several, '
        '`["# ", "%"]`; a row of as many columns as the others, with a tag, is none',
    )
    empty_words: Literal["error", "skip"] = Field(
        "error", description="a row that has a tag and no word: an `error`, or `skip` it, and say how many there were"
    )
    trailer: str | None = Field(None, description="`lines`: what follows this in a line isn't read")
    encoding: str = Field("utf-8", description="encoding of the files; a byte-order mark is skipped")
    word_pattern: str | None = Field(
        None, description="regular expression whose first group is the word, where a file glues more onto it"
    )
    document_sentences: int | None = Field(
        None,
        ge=1,
        description="where a file marks no documents (`-DOCSTART-`), or just one at its top: so many sentences in a "
        "row count as one, if they are running text",
    )
    tokenizer: Literal["auto", "words", "characters", "spaces", "words-zh"] = Field(
        "auto",
        description="how raw text is cut: `words` (Chinese, Japanese by character), `characters` (each), "
        "`spaces` (at blanks alone), `words-zh` (Chinese by word; extra `zh`), `auto`: `words` or `characters`, as the "
        "training file is",
    )

    layer: str | None = Field(
        None,
        description="which of several annotations of a file: `conllu` a key of MISC, `conllup` a column, `germeval` "
        "`outer` or `inner`, `webanno` `layer` or `layer|feature`, `docbin` a group of spans, `gate` a set "
        "(`default`: the one without a name), `uima-xmi` a type with a `value`",
    )

    @property
    def cut(self) -> Cut:
        """How text is cut with these settings; `words` where training hasn't settled it."""
        return "words" if self.tokenizer == "auto" else self.tokenizer

    misaligned: Literal["error", "snap", "split"] = Field(
        "split",
        description="an entity that begins or ends within a token, where the file marks characters: `split` the token, "
        "`snap` the entity to whole tokens, or `error`",
    )
    overlaps: Literal["longest", "first", "error"] = Field(
        "longest", description="of entities with a character in common: the `longest` is kept, the `first`, or `error`"
    )
    discontinuous: Literal["hull", "first", "skip"] = Field(
        "hull",
        description="an entity of several parts with other words between: `hull`, from the first part to the last, "
        "the `first` part alone, or `skip` it",
    )

    annotator: str | None = Field(
        None,
        description="`label-studio`: whose annotations are read, by number, address or model version; unset: of each "
        "task the first that isn't cancelled",
    )

    @property
    def comments(self) -> tuple[str, ...]:
        """What comments start with, each as it is written."""
        return (self.comment,) if isinstance(self.comment, str) else self.comment or ()

    @field_validator("comment", mode="before")
    @classmethod
    def _is_text_or_texts(cls, value: Any) -> Any:
        if isinstance(value, list | tuple):
            if all(isinstance(text, str) and text for text in value):
                return tuple(value)
        elif value is None or isinstance(value, str):
            return value
        raise ValueError("should be a text, or a list of texts")

    @field_validator("format")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if value not in ("auto", *FORMATS):
            raise ValueError(f"should be one of auto, {', '.join(FORMATS)}")
        return value

    @field_validator("scheme")
    @classmethod
    def _is_in_the_table(cls, value: str) -> str:
        if value not in ("auto", *SCHEMES):
            raise ValueError(f"should be one of auto, {', '.join(SCHEMES)}")
        return value

    @property
    def dev_share(self) -> float | None:
        """The share of the training documents that are the dev set, above 0 and below 1; None: they are a file."""
        return float(self.dev[:-1]) / 100 if self.dev and self.dev.endswith("%") else None

    @field_validator("dev", mode="before")
    @classmethod
    def _is_a_share(cls, value: Any) -> Any:
        if isinstance(value, float) and 0 < value < 1:  # as a table of data.corpora may spell it
            return f"{100 * value:.6g}%"
        if isinstance(value, float) or (isinstance(value, str) and value.endswith("%") and not is_share(value)):
            raise ValueError("should be a file, or a share above 0% and below 100%, such as '10%'")
        return value

    @model_validator(mode="after")
    def _columns_differ(self) -> Self:
        columns = {"word": self.word_column, "tag": self.tag_column, "sentence": self.sentence_column}
        for one, other in (("word", "tag"), ("word", "sentence"), ("tag", "sentence")):
            if columns[one] == columns[other]:
                raise ValueError(
                    f"{one}_column should be another column than data.{other}_column, found {columns[one]} for both"
                )
        return self

    @model_validator(mode="after")
    def _corpora_are_read(self) -> Self:
        names = [corpus.name for corpus in self.corpora if corpus.name]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"corpora: expected names that differ, found {twice} twice")
        if self.corpora and (self.train or self.dev or self.dataset):
            raise ValueError("corpora: expected them or data.train, data.dev, data.dataset, found both")
        for number, corpus in enumerate(self.corpora, start=1):
            try:
                self.of_corpus(corpus)
            except ValidationError as error:
                first = error.errors()[0]
                wanted = first["msg"].removeprefix("Input ").removeprefix("Value error, ")
                key = ".".join(map(str, first["loc"]))
                found = "" if isinstance(first["input"], dict) else f", found {first['input']!r}"
                raise ValueError(f"corpora.{number}.{key}{' ' * bool(key)}{wanted}{found}") from None
            except ValueError as error:
                raise ValueError(f"corpora.{number}.{error}") from None
        return self

    def of_corpus(self, corpus: CorpusConfig) -> "DataConfig":
        """How the files of one of the corpora are read: as it says itself, then as this does.

        Raises:
            ValueError: it says what no corpus can.
        """
        known = type(self).model_fields.keys() - _OF_ALL
        for name in corpus.reading.keys() - known:
            close = difflib.get_close_matches(name, sorted(known | CorpusConfig.model_fields.keys()), n=1)
            advice = f"did you mean {close[0]}?" if close else "docs/corpora.md has the keys"
            raise ValueError(f"{name} is no key of a corpus; {advice}")
        return DataConfig.model_validate(self.model_dump(include={*known, "tokenizer"}) | corpus.reading)

    @field_validator("tag_pattern")
    @classmethod
    def _holds_prefix_and_label(cls, value: str | None) -> str | None:
        if value is not None:
            rest = value.replace("{prefix}", "", 1).replace("{label}", "", 1)
            if "{prefix}" not in value or "{" in rest or "}" in rest:
                raise ValueError(
                    "should hold {prefix} and {label}, once each, such as '{prefix}_{label}', or {prefix} alone"
                )
        return value

    @field_validator("word_pattern")
    @classmethod
    def _has_a_group(cls, value: str | None) -> str | None:
        try:
            if value is None or re.compile(value).groups:
                return value
        except re.error as error:
            raise ValueError(f"should be a regular expression ({error})") from None
        raise ValueError("should hold a group in parentheses, which is the word")
