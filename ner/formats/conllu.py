"""CoNLL-U, with named entities in MISC (`NE=B-PER`, as spaCy reads it; `ner=`, `NER=`, NorNE's `name=`).

Read here and by no library: `conllu` 6.0 cuts a value of MISC at its second `=` and `pyconll` splits it at commas, and
neither gives the text back with offsets. `Entity=` is coreference and left alone, like all else in MISC. Fields and
comments: https://universaldependencies.org/format.html; `SpacesAfter` and its escapes are UDPipe's.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ner.data_settings import DataConfig
from ner.errors import ConfigError, DataError
from ner.formats.block_documents import Dialect, Fresh, read_file
from ner.formats.block_writing import write_blocks
from ner.formats.blocks import Block
from ner.formats.format import Format, Losses, Sample
from ner.formats.misc_column import escaped, value_of, with_value
from ner.formats.token_rows import (
    Layout,
    Parsed,
    RowReader,
    fitting,
    spelled_tags,
    tags_wanted,
)
from ner.text.document import Document
from ner.text.encoding import read_lines
from ner.text.span import Span
from ner.text.spelling import tag_reader
from ner.text.tags import OUTSIDE

KEYS = ("NE", "ner", "NER", "name")
_WIDTH, _MISC = 10, 9
_is_part_of_speech = re.compile(
    "ADJ|ADP|ADV|AUX|CCONJ|DET|INTJ|NOUN|NUM|PART|PRON|PROPN|PUNCT|SCONJ|SYM|VERB|X|_"
).fullmatch
_is_number = re.compile(r"[1-9]\d*(-[1-9]\d*)?|\d+\.[1-9]\d*").fullmatch


class Universal:
    """CoNLL-U among the formats of blocks; those that have other columns change what they must."""

    name = "conllu"
    gap = " "
    layers = 1
    end = ""

    def is_comment(self, line: str) -> bool:
        """Whether it starts with `#`: rows start with a number."""
        return line.startswith("#")

    def parser(self, layer: str | None, data: DataConfig, where: str, losses: Losses) -> Callable[[Block], Parsed]:
        """Of rows of ten columns, the tags under the key `layer`."""
        layout = Layout(width=_WIDTH, word=1, number=0, misc=_MISC, key=layer or "")
        reader = RowReader(layout, tag_reader(data.scheme, data.tag_pattern, label=data.label), losses)
        return lambda block: reader.parse(block, where)

    def opens(self, block: Block, before: Block | None) -> tuple[bool, str | None]:
        """Whether `# newdoc` stands before it; its name is the document's, or else `# sent_id`."""
        for place in block.comments:
            line = block.lines[place]
            if line.startswith("# newdoc"):
                key, equals, name = line.rstrip("\r\n").partition("=")
                return True, name.strip() if equals and key.strip() == "# newdoc id" else None
        name = block.comment("sent_id") or ""
        return False, name.strip() or None

    def mark(self, name: str | None) -> str:
        """`# newdoc`, with the name where there is one."""
        return "# newdoc\n" if name is None else f"# newdoc id = {' '.join(name.split())}\n"

    def keeps(self) -> dict[str, Any]:
        """Nothing: each row says all."""
        return {}

    def for_kept(self, kept: Mapping[str, Any]) -> Dialect:
        """The same for each document."""
        return self

    def lead(self, piece: str, kept: Mapping[str, Any] | None) -> str:
        """Nothing."""
        return ""

    def patch(self, block: Block, parsed: Parsed, spans: list[list[Span]], layer: str | None, data: DataConfig) -> str:
        """The block with other tags in MISC; a row without one gets none for `O`."""
        key = layer or KEYS[0]
        wanted = tags_wanted(parsed.rows, spans[0], data)
        lines = list(block.lines)
        for place, at in enumerate(block.rows):
            body = lines[at].rstrip("\r\n")
            cells = body.split("\t")
            tag, old = wanted.get(place), value_of(cells[_MISC], key)
            # A row of several words says nothing any more, or it would speak against its words.
            if tag == old or (tag in (OUTSIDE, None) and old in (OUTSIDE, None)):
                continue
            cells[_MISC] = with_value(cells[_MISC], key, tag)
            lines[at] = "\t".join(cells) + lines[at][len(body) :]
        return "".join(lines)

    def fresh(self, sentence: Fresh, data: DataConfig) -> str:
        """Rows of number, word and MISC, with `# text` and what else CoNLL-U asks for."""
        key = data.layer or KEYS[0]
        lines = self.comments(sentence)
        tags = spelled_tags(sentence.spans[0], len(sentence.sentence.spelled), data)
        for number, (word, tag) in enumerate(zip(sentence.sentence.spelled, tags, strict=True), start=1):
            misc = [f"{key}={fitting(tag, '|')}", *blanks_said(sentence, number - 1)]
            lines.append("\t".join([str(number), fitting(word), *"_______", "|".join(misc)]) + "\n")
        return "".join([*lines, "\n"])

    def comments(self, sentence: Fresh) -> list[str]:
        """The lines above a new sentence."""
        name = sentence.document.id
        lines = [self.mark(name)] if sentence.is_marked else []
        if name is not None:
            lines.append(f"# sent_id = {' '.join(name.split())}-{sentence.number}\n")
        text = sentence.text.replace("\r", " ").replace("\n", " ")
        return [*lines, f"# text = {text}\n"]


def blanks_said(sentence: Fresh, place: int) -> list[str]:
    """What MISC says of the blanks around a token of a new sentence."""
    blank = sentence.blanks[place]
    said = [f"SpacesBefore={escaped(sentence.before)}"] if sentence.before and not place else []
    if blank is not None:
        said.append(f"SpacesAfter={escaped(blank)}" if blank else "SpaceAfter=No")
    return said


def find_key(path: Path, data: DataConfig) -> str | None:
    """The key of MISC under which a file has tags; None where it has none.

    Raises:
        ConfigError: there are several, and `data.layer` doesn't say which.
        DataError: `data.layer` is no key of the file, or the file can't be read.
    """
    wanted = (data.layer,) if data.layer else KEYS
    find = re.compile(rf"[\t|]({'|'.join(map(re.escape, wanted))})=([^|\t\r\n]*)").findall
    read = tag_reader(data.scheme, data.tag_pattern, label=data.label)
    found: dict[str, bool] = {}  # keys, and whether they have more than O
    known: set[tuple[str, str]] = set()
    for line in read_lines(path, data.encoding):
        if "=" not in line or line.startswith("#"):
            continue
        for pair in find(line):
            if pair in known:
                continue
            known.add(pair)
            try:
                tag = read(pair[1])
            except ValueError:
                if not data.layer:
                    continue  # of another kind: `name=Anna`
                tag = ""
            found[pair[0]] = found.get(pair[0], False) or tag != OUTSIDE
        if data.layer and found:
            break
    if data.layer and not found:
        raise DataError(f"{path}: expected the key {data.layer} in MISC (data.layer), found no row with it")
    full = [key for key, more in found.items() if more] or list(found)
    if len(full) > 1:
        raise ConfigError(
            f"{path}: expected tags under one key of MISC, found {' and '.join(full)}; set data.layer = "
            f'"{full[0]}" or "{full[1]}"'
        )
    return full[0] if full else None


DIALECT: Dialect = Universal()


def read(path: Path, data: DataConfig, losses: Losses) -> Iterator[Document]:
    """A document for each `# newdoc`; where none stands before it, each sentence is one.

    Where no row has a tag under any of the keys, sentences have none either.
    """
    return read_file(path, DIALECT, find_key(path, data), data, losses)


def write(documents: Iterable[Document], data: DataConfig, losses: Losses) -> Iterator[str]:
    """What was read from CoNLL-U as it stood there; all else with `SpaceAfter`, `SpacesAfter` and `# text`."""
    return write_blocks(documents, DIALECT, data.layer or KEYS[0], data, losses)


def recognizes(sample: Sample) -> bool:
    """Whether all its rows have the ten columns of CoNLL-U, and what stands in them can stand there."""
    if sample.head.startswith("# global.columns"):
        return False
    rows = [line for line in sample.lines if line.strip() and not line.startswith("#")]
    return bool(rows) and rows[0].startswith(("1\t", "1-", "0.1\t")) and all(map(_is_row, rows))


def _is_row(line: str) -> bool:
    cells = line.split("\t")
    if len(cells) != _WIDTH or not _is_number(cells[0]) or not cells[1]:
        return False
    features, head, relation = cells[5], cells[6], cells[7]
    return (
        _is_part_of_speech(cells[3]) is not None
        and (features == "_" or "=" in features)
        and (head == "_" or head.isdecimal())
        and (relation == "_" or relation.replace(":", "").replace("_", "").isalpha())
    )


FORMAT = Format(
    about="CoNLL-U with entities in MISC: NE=B-PER, ner=, NER= or name=",
    suffixes=(".conllu",),
    settings=("layer", "scheme", "tag_pattern", "label", "encoding"),
    recognizes=recognizes,
    read=read,
    write=write,
)
