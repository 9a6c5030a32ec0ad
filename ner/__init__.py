"""A BiLSTM-CRF named-entity recognizer: train on CoNLL files, score as the field scores, tag text.

The front door. Names are imported when they are first asked for, so that `import ner` and the command
line's help don't wait for PyTorch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ner.collector import no_search_for_cycles

if TYPE_CHECKING:
    from ner.config import Config, load_config
    from ner.distribution import __version__ as __version__
    from ner.errors import NerError
    from ner.evaluation.report import Report
    from ner.formats.columns import read_conll, write_conll
    from ner.formats.corpus import Corpus, load_corpus
    from ner.formats.files import read, write
    from ner.formats.tables import to_dataframe
    from ner.formats.values import documents_from, to_dataset
    from ner.ranking import rank
    from ner.tagger import Tagger, load
    from ner.text.document import Document
    from ner.text.redaction import Redaction, Replacement, redact, restore
    from ner.text.rendering import render
    from ner.text.sentence import Entity, Sentence, Span, Token
    from ner.threads import settle_threads
    from ner.trainer import train

__all__ = [
    "Config",
    "Corpus",
    "Document",
    "Entity",
    "NerError",
    "Redaction",
    "Replacement",
    "Report",
    "Sentence",
    "Span",
    "Tagger",
    "Token",
    "documents_from",
    "load",
    "load_config",
    "load_corpus",
    "rank",
    "read",
    "read_conll",
    "redact",
    "render",
    "restore",
    "settle_threads",
    "to_dataframe",
    "to_dataset",
    "train",
    "write",
    "write_conll",
]

_HOMES = {
    "Config": "ner.config",
    "Corpus": "ner.formats.corpus",
    "Document": "ner.text.document",
    "Entity": "ner.text.sentence",
    "NerError": "ner.errors",
    "Redaction": "ner.text.redaction",
    "Replacement": "ner.text.redaction",
    "Report": "ner.evaluation.report",
    "Sentence": "ner.text.sentence",
    "Span": "ner.text.sentence",
    "Tagger": "ner.tagger",
    "Token": "ner.text.sentence",
    "__version__": "ner.distribution",
    "documents_from": "ner.formats.values",
    "load": "ner.tagger",
    "load_config": "ner.config",
    "load_corpus": "ner.formats.corpus",
    "rank": "ner.ranking",
    "read": "ner.formats.files",
    "read_conll": "ner.formats.columns",
    "redact": "ner.text.redaction",
    "render": "ner.text.rendering",
    "restore": "ner.text.redaction",
    "settle_threads": "ner.threads",
    "to_dataframe": "ner.formats.tables",
    "to_dataset": "ner.formats.values",
    "train": "ner.trainer",
    "write": "ner.formats.files",
    "write_conll": "ner.formats.columns",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'ner' has no attribute {name!r}")
    # Classes and functions stay; to look over all of PyTorch's again and again takes a tenth of the start.
    with no_search_for_cycles():
        value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return __all__
