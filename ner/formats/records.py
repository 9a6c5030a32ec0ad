"""Records of annotated text: what a JSON value of doccano, Prodigy, spaCy 2, CLUENER and their kin says of a text.

Which of them a record is follows from the keys that it has and from the shape of what they hold, record by record;
one that may be two is refused. Ranges become half-open, a mention that stands beside its range is compared with the
text, and every key that isn't read is kept as meta.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ner.data_settings import DataConfig
from ner.errors import DataError
from ner.formats.format import Losses
from ner.formats.json_text import is_pair, told
from ner.formats.mentions import FIELDS, Mention, entities_of_mentions
from ner.formats.token_lists import document_of_tokens, tags_key
from ner.text.document import Document

_ANSWERS = ("reject", "ignore")  # of Prodigy: not to be learned from


class Layout(NamedTuple):
    """How entities are written under a key: whose layout it is, and what makes mentions of what stands there."""

    name: str
    read: Callable[[Any, str], Iterator[Mention]]


def document_of(record: Any, source: str, data: DataConfig, losses: Losses) -> Document | None:
    """The document of a record; None where its annotator said not to use it, which is counted.

    Args:
        record: a JSON value.
        source: `file:line`, which opens messages.
        data: names the keys of words and tags, and says how tags are spelled.
        losses: is told what is left out.

    Raises:
        DataError: the record is of no known layout, or of two, or its entities aren't in its text as it says.
    """
    if is_pair(record):
        if "text" in record[1]:
            raise DataError(f'{source}: expected a text once, found one before the object and one under "text"')
        record = {"text": record[0], **record[1]}
    if not isinstance(record, dict):
        raise DataError(f'{source}: expected a JSON object with a "text", found {told(record)}')
    claims = claims_of(record, data)
    if len(claims) > 1:
        names = [f'{name} ("{key}")' for key, (name, _) in claims.items()][:2]
        raise DataError(
            f"{source}: expected a record of one layout, found one that may be {' or '.join(names)}; "
            "leave out the key that isn't meant"
        )
    if record.get("answer") in _ANSWERS and (not claims or "spans" in claims):
        losses.add("records that their annotator rejected or ignored: left out", source)
        return None
    used = next(iter(claims), None)
    if used is not None and claims[used] is TOKENS:
        return document_of_tokens(record, used, source, data)
    text = record.get("text")
    if not isinstance(text, str):
        raise DataError(f'{source}: expected a JSON object with a "text", found {told(record)}')
    name = record.get("id")
    is_name = isinstance(name, (str, int)) and not isinstance(name, bool)
    meta = {
        key: kept for key, kept in record.items() if key != "text" and key != used and not (is_name and key == "id")
    }
    if used is None:
        meta.pop(_empty_key(record, source), None)
    mentions = iter(()) if used is None else claims[used].read(record[used], source)
    entities, fields = entities_of_mentions(mentions, text, source)
    if fields:
        if FIELDS in meta:
            losses.add(f'fields called "{FIELDS}", which holds what entities have: left out', source)
        meta[FIELDS] = fields
    return Document(text, (), entities, str(name) if is_name else None, meta, source)


def claims_of(record: dict[str, Any], data: DataConfig) -> dict[str, Layout]:
    """The keys of a record under which entities stand in a known layout, and the layouts."""
    claims: dict[str, Layout] = {}
    for key, layouts in LAYOUTS.items():
        value = record.get(key)
        if value:
            layout = layouts.get(_shape(value))
            if layout is not None:
                claims[key] = layout
    if data.tokens_feature in record:
        tags = tags_key(record, data)
        if tags is not None:
            claims[tags] = TOKENS
    return claims


def _shape(value: Any) -> str:
    """What tells one layout from another under the same key."""
    if isinstance(value, dict):
        return "types" if all(isinstance(names, dict) for names in value.values()) else ""
    first = value[0] if isinstance(value, list) else None
    if isinstance(first, dict):
        return next((key for key in ("start", "start_offset", "span") if key in first), "")
    return "lists" if isinstance(first, list) else ""


def _empty_key(record: dict[str, Any], source: str) -> str:
    """The key that says that a text has no entities; "" where there is none.

    Raises:
        DataError: a key of entities holds something else than a list of them, and no other key does.
    """
    empty = ""
    for key, layouts in LAYOUTS.items():
        value = record.get(key)
        if isinstance(value, (list, dict)):
            if value and (isinstance(value, dict) or isinstance(value[0], (list, dict))):
                wanted = " or ".join(f"{EXAMPLES[shape]} ({layout.name})" for shape, layout in layouts.items())
                raise DataError(f'{source}: expected "{key}" as {wanted}, found {told(value)}')
            empty = empty or ("" if value else key)
    return empty


def _triples(value: Any, source: str) -> Iterator[Mention]:
    for item in value:
        if not isinstance(item, list) or len(item) != 3:
            raise DataError(f"{source}: expected an entity as [start, end, label], found {told(item)}")
        yield Mention(item, *item)


def _objects(start: str, end: str, label: str) -> Callable[[Any, str], Iterator[Mention]]:
    """What reads objects whose range and label stand under these keys, the mention, if any, under `text`."""

    def read(value: Any, source: str) -> Iterator[Mention]:
        wanted = f'{source}: expected an entity with "{start}", "{end}" and "{label}", found '
        for item in value:
            try:
                a, b, name = item[start], item[end], item[label]
            except (KeyError, TypeError):
                raise DataError(wanted + told(item)) from None
            text, score = item.get("text"), item.get("score")
            text = text if isinstance(text, str) else None
            score = score if isinstance(score, (int, float)) and not isinstance(score, bool) else None
            rest = {}
            if len(item) > 3 + (text is not None) + (score is not None):
                rest = {
                    key: kept
                    for key, kept in item.items()
                    if key not in (start, end, label)
                    and not (key == "text" and text is not None)
                    and not (key == "score" and score is not None)
                }
            yield Mention(item, a, b, name, text, score, rest)

    return read


def _spanned(value: Any, source: str) -> Iterator[Mention]:
    for item in value:
        span = item.get("span") if isinstance(item, dict) else None
        if not isinstance(span, list) or len(span) != 2 or "type" not in item:
            raise DataError(f'{source}: expected an entity with "span" and "type", found {told(item)}')
        name = item.get("name") if isinstance(item.get("name"), str) else None
        rest = {k: kept for k, kept in item.items() if k not in ("span", "type") and not (k == "name" and name)}
        yield Mention(item, span[0], span[1], item["type"], name, None, rest)


def _by_type(value: Any, source: str) -> Iterator[Mention]:
    """CLUENER's: `{type: {name: [[start, end]]}}`, ends inclusive."""
    for label, names in value.items():
        for name, ranges in names.items():
            found = {label: {name: ranges}}
            if not isinstance(ranges, list) or not all(_is_range(pair) for pair in ranges):
                raise DataError(f"{source}: expected ranges as [[start, end]], found {told(found)}")
            for start, last in ranges:
                yield Mention(found, start, last + 1, label, name, inclusive=True)


def _is_range(pair: Any) -> bool:
    return isinstance(pair, list) and len(pair) == 2 and all(type(place) is int for place in pair)


_DOCCANO = Layout("doccano", _objects("start_offset", "end_offset", "label"))
_PLAIN = _objects("start", "end", "label")
# By key, and by the shape of what stands there.
LAYOUTS: dict[str, dict[str, Layout]] = {
    "entities": {
        "start": Layout("ner tag", _PLAIN),
        "start_offset": _DOCCANO,
        "lists": Layout("spaCy", _triples),
        "span": Layout("objects with a span", _spanned),
    },
    "label": {"lists": Layout("doccano", _triples), "types": Layout("CLUENER", _by_type)},
    "labels": {"lists": Layout("doccano", _triples)},
    "annotations": {"start_offset": _DOCCANO},
    "spans": {"start": Layout("Prodigy", _PLAIN)},
}
TOKENS = Layout("words and tags", lambda value, source: iter(()))
EXAMPLES = {
    "start": '[{"start": 0, "end": 3, "label": "PER"}]',
    "start_offset": '[{"start_offset": 0, "end_offset": 3, "label": "PER"}]',
    "lists": '[[0, 3, "PER"]]',
    "span": '[{"span": [0, 3], "type": "PER"}]',
    "types": '{"PER": {"Bob": [[0, 2]]}}',
}
