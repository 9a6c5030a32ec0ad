"""Files of blocks whose tags have columns of their own, between TABs: CoNLL-U Plus, UNER, GermEval."""

from collections.abc import Callable

from ner.data_settings import DataConfig
from ner.formats.block_documents import Fresh
from ner.formats.blocks import Block
from ner.formats.conllu import Universal
from ner.formats.format import Losses
from ner.formats.token_rows import Layout, Parsed, RowReader, fitting, spelled_tags, tags_wanted
from ner.text.span import Span
from ner.text.spelling import tag_reader


class TagColumns(Universal):
    """A format whose rows are `layout`'s, the first layer the one that is named, by its place in `names`."""

    layout: Layout
    names: tuple[str, ...] = ()
    empty = "_"  # a cell of which nothing is known

    def columns(self, layer: str | None) -> tuple[int, ...]:
        """The columns of the tags that are read: all of them where no layer is named."""
        return self.layout.tags if layer is None else (self.layout.tags[self.names.index(layer)],)

    def parser(self, layer: str | None, data: DataConfig, where: str, losses: Losses) -> Callable[[Block], Parsed]:
        """Of rows of the layout's columns."""
        own = self.layout
        layout = Layout(width=own.width, word=own.word, tags=self.columns(layer), number=own.number)
        reader = RowReader(layout, tag_reader(data.scheme, data.tag_pattern, label=data.label), losses)
        return lambda block: reader.parse(block, where)

    def patch(self, block: Block, parsed: Parsed, spans: list[list[Span]], layer: str | None, data: DataConfig) -> str:
        """The block with other tags in the columns of the layers that were read."""
        return put_tags(block, parsed, spans, self.columns(layer), data)

    def fresh(self, sentence: Fresh, data: DataConfig) -> str:
        """Rows of number, word and tags."""
        tags = [spelled_tags(spans, len(sentence.sentence.spelled), data) for spans in sentence.spans]
        lines = self.comments(sentence)
        for number, word in enumerate(sentence.sentence.spelled):
            cells = [self.empty] * self.layout.width
            cells[0], cells[self.layout.word] = str(number + 1), fitting(word)
            for column, known in zip(self.layout.tags, tags, strict=True):
                cells[column] = fitting(known[number])
            lines.append("\t".join(cells) + "\n")
        return "".join([*lines, "\n"])


def put_tags(block: Block, parsed: Parsed, spans: list[list[Span]], columns: tuple[int, ...], data: DataConfig) -> str:
    """The block with the tags of these spans in these columns, a column for each layer."""
    lines = list(block.lines)
    for column, known in zip(columns, spans, strict=True):
        for place, tag in tags_wanted(parsed.rows, known, data).items():
            line = lines[block.rows[place]]
            body = line.rstrip("\r\n")
            cells = body.split("\t")
            cells[column] = fitting(tag)
            lines[block.rows[place]] = "\t".join(cells) + line[len(body) :]
    return "".join(lines)


def is_tag(cell: str) -> bool:
    """Whether it is a tag as such files write it: `O`, or a prefix, a hyphen and a label."""
    return cell == "O" or (cell[1:2] == "-" and cell[:1] in "BI" and len(cell) > 2)


def are_numbered(rows: list[str]) -> bool:
    """Whether the first cells of rows count from 1, and begin anew at 1 alone."""
    expected = 1
    for row in rows:
        number = row.partition("\t")[0]
        if number not in (str(expected), "1"):
            return False
        expected = int(number) + 1
    return bool(rows) and rows[0].startswith("1\t")
