"""What other tools read rightly: for each the format and the spelling that suit it, found by running the tool.

`docs/formats.md` has the versions and what each tool does with other files; `tests/formats/test_tools.py` runs those
that are installed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ner.data_settings import DataConfig
from ner.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool: the format to write for it, the settings of `[data]` to write it with, and what to know beside it."""

    format: str
    settings: Mapping[str, object] = field(default_factory=dict)
    advice: str = ""


TOOLS: dict[str, Tool] = {
    "argilla": Tool(
        "argilla", advice="dataset.records.from_json reads it: a TextField text, and a SpanQuestion entities on it"
    ),
    "doccano": Tool(
        "doccano", advice="import it as JSONL; of overlapping spans it keeps the first, unless the project allows them"
    ),
    "flair": Tool("conll", {"scheme": "iob2"}, "ColumnCorpus with {0: 'text', 1: 'ner'}"),
    "label-studio": Tool("label-studio"),
    "nervaluate": Tool("conll", {"scheme": "iob2", "separator": "\t"}, 'Evaluator(…, loader="conll")'),
    "opennlp": Tool("opennlp"),
    "prodigy": Tool("prodigy"),
    "seqeval": Tool("conll", {"scheme": "iob2"}, "score with mode='strict' and scheme=IOB2, both"),
    "seqscore": Tool(
        "conll",
        {"scheme": "iob2"},
        "without --allow-comment-lines where a word begins with #; both files with the same document marks",
    ),
    "spacy": Tool("docbin", advice="spacy train reads it; spacy convert would take -DOCSTART- for a word"),
    "stanford": Tool("stanford"),
}


def tool_named(name: str) -> Tool:
    """The tool of this name.

    Raises:
        ConfigError: it isn't known.
    """
    if name not in TOOLS:
        raise ConfigError(f"--for: expected one of {', '.join(TOOLS)}, found {name!r}")
    return TOOLS[name]


def written_for(tool: Tool, data: DataConfig) -> DataConfig:
    """The settings of `[data]` with those that suit a tool laid over them."""
    return data.model_copy(update=dict(tool.settings))
