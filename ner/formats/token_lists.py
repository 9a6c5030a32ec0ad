"""Records that are lists of words and of their tags, names or numbers, as in `datasets` data sets."""

from itertools import accumulate
from typing import Any

from ner.data_settings import DataConfig
from ner.errors import DataError, counted
from ner.formats.json_text import told
from ner.text.alignment import entities_of
from ner.text.document import Document
from ner.text.sentence import Sentence
from ner.text.spelling import tag_reader
from ner.text.tags import tags_to_spans

_TAGS = ("tags", "labels")  # beside `data.tags_feature`
_NAMES = ("names", "label_names", "tag_names", "id2label")


def tags_key(record: dict[str, Any], data: DataConfig) -> str | None:
    """The key of the tags of a record's words; None where it isn't a record of words and tags."""
    words = record.get(data.tokens_feature)
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        return None
    for key in (data.tags_feature, *_TAGS):
        value = record.get(key)
        if isinstance(value, list) and all(isinstance(tag, (str, int)) for tag in value):
            return key
    return None


def document_of_tokens(record: dict[str, Any], key: str, source: str, data: DataConfig) -> Document:
    """The document of a record of words and tags, one sentence.

    Its text is the record's, where it has one; else its words with single spaces between.

    Args:
        record: the words stand under `data.tokens_feature`, names of numbered tags under one of `names`,
            `label_names`, `tag_names` (lists) and `id2label` (an object).
        key: of the tags.
        source: `file:line`, which opens messages.
        data: says how tags are spelled.

    Raises:
        DataError: words and tags that don't belong together, or numbers without names.
    """
    words, cells = record[data.tokens_feature], record[key]
    if len(words) != len(cells):
        raise DataError(f"{source}: expected as many tags as words, found {len(cells)} for {len(words)}")
    if "" in words:
        raise DataError(f"{source}: expected words, found '' as word {words.index('') + 1}")
    names = _names_of(record, source)
    read = tag_reader(data.scheme, data.tag_pattern, label=data.label)
    tags = []
    for cell in cells:
        try:
            tags.append(read(_name_of(cell, names, key, source)))
        except ValueError as error:
            raise DataError(f'{source}: {error} under "{key}"; are data.tags_feature and data.scheme right?') from None
    text = record.get("text")
    if isinstance(text, str):
        starts = _places(words, text, source)
    else:
        text = " ".join(words)
        starts = list(accumulate((len(word) + 1 for word in words[:-1]), initial=0)) if words else []
    made = Sentence(
        None, None, source=source, spelled=tuple(words), starts=tuple(starts), spans=tuple(tags_to_spans(tags))
    )
    sentences = (made,) if words else ()
    name = record.get("id")
    is_name = isinstance(name, (str, int)) and not isinstance(name, bool)
    used = {data.tokens_feature, key, "id" if is_name else "", "text" if isinstance(record.get("text"), str) else ""}
    meta = {kept: value for kept, value in record.items() if kept not in used}
    return Document(text, sentences, entities_of(text, sentences), str(name) if is_name else None, meta, source)


def _names_of(record: dict[str, Any], source: str) -> dict[str, Any]:
    """The names of numbered tags that a record brings, by number."""
    for key in _NAMES:
        value = record.get(key)
        if isinstance(value, list):
            return {str(number): name for number, name in enumerate(value)}
        if isinstance(value, dict):
            return value
    return {}


def _name_of(cell: Any, names: dict[str, Any], key: str, source: str) -> str:
    if isinstance(cell, str):
        return cell
    if not names:
        raise DataError(
            f'{source}: expected names of tags under "{key}", found the number {cell}; name them in each record, such '
            'as "names": ["O", "B-PER", "I-PER"], or read the data set with data.dataset, where a ClassLabel names them'
        )
    name = names.get(str(cell))
    if isinstance(cell, bool) or not isinstance(name, str):
        tags = counted(len(names), "tag")
        raise DataError(f'{source}: expected the number of one of {tags} under "{key}", found {told(cell)}')
    return name


def _places(words: list[str], text: str, source: str) -> list[int]:
    """Where the words start in a text."""
    starts, end = [], 0
    for word in words:
        start = text.find(word, end)
        if start < 0:
            raise DataError(
                f'{source}: expected the words of the record in its "text" in their order, found no {word!r} from '
                f'character {end} on; without the key "text" the words are joined by spaces'
            )
        starts.append(start)
        end = start + len(word)
    return starts
