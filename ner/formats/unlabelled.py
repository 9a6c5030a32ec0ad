"""Text without labels, of any format: sentences that a student learns from by its teachers alone.

What a file says of entities isn't read. Its format is told from its content, whatever that of the training files is,
for such text mostly comes from elsewhere; what looks like no format of annotated text is taken for plain text.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ner.collector import no_search_for_cycles
from ner.data_settings import Cut, DataConfig
from ner.errors import ConfigError, DataError
from ner.formats.format import Losses, Sample
from ner.formats.sentences import cut_text
from ner.formats.table import find_format, looks_like, take_sample
from ner.text.document import Document
from ner.text.sentence import Sentence

_IS_TAG = re.compile(r"O|[A-Z][-_].+").fullmatch


def read_unlabelled(path: str, data: DataConfig, cut: Cut) -> list[Sentence]:
    """The sentences of a file or folder, without tags; those that open a document know it, where one has several.

    Documents are read one by one, and only their sentences are kept.

    Args:
        path: of any format.
        data: how its files are read.
        cut: how text is cut where it has no tokens.

    Raises:
        DataError: it is missing, isn't as described, or holds no token.
        ConfigError: it may be of several formats.
    """
    read = find_format(_format_of(Path(path), data)).read
    assert read  # what isn't read isn't recognized
    as_cut = data.model_copy(update={"tokenizer": cut})
    with no_search_for_cycles():
        sentences, whole = [], False
        for document in read(Path(path), data, Losses()):
            found = list(_sentences_of(document, as_cut))
            whole = whole or len(found) > 1
            sentences += found
    if not sentences:
        raise DataError(f"{path}: expected text to learn from, found none; is it the right file?")
    # Documents of one sentence each are lines of a list, not documents.
    return sentences if whole else [replace(s, opens_document=False) for s in sentences]


def _sentences_of(document: Document, data: DataConfig) -> Iterator[Sentence]:
    """The sentences of a document with a token, without tags, the first and no other marked."""
    opens = True
    for s in document.sentences or cut_text(document, data):
        if s.spelled:
            yield Sentence(None, None, opens, s.source, spelled=s.spelled, starts=s.starts)
            opens = False


def _format_of(path: Path, data: DataConfig) -> str:
    """The name of the format of a file or folder."""
    sample = take_sample(path)
    found = looks_like(sample)
    if data.format in found:
        return data.format
    if len(found) > 1:
        raise ConfigError(
            f"{path}: expected a file of one format, found one that may be {' or '.join(found)}; set data.format = "
            f'"{found[0]}" or "{found[1]}"'
        )
    return found[0] if found else "conll" if _has_tags(sample, data) else "text"


def _has_tags(sample: Sample, data: DataConfig) -> bool:
    """Whether each line that isn't blank ends in a tag, as in column files."""
    rows = [line.split(data.separator) for line in sample.lines if line.strip() and not line.startswith("#")]
    return bool(rows) and all(len(row) > 1 and _IS_TAG(row[-1].strip()) for row in rows)
