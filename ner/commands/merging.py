"""`ner merge`: several annotations of the same sentences become one."""

import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ner.commands.options import AsJson, Settings, say, say_losses
from ner.commands.results import check_places
from ner.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ner.data_settings import DataConfig
    from ner.merging import Source
    from ner.text.sentence import Sentence


def merge(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="The same sentences in each; `?` where a source is silent.")
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The merged column file; soft targets are put beside it.")],
    columns: Annotated[
        str | None, typer.Option(metavar="N,N…", help="The tag columns of one file, a source each; the first is 0.")
    ] = None,
    gazetteers: Annotated[
        list[str] | None,
        typer.Option("--gazetteer", metavar="LABEL=FILE", help="Names, one a line, as a source; may be repeated."),
    ] = None,
    method: Annotated[
        str, typer.Option(help="consensus, which learns how reliable each is, or majority.")
    ] = "consensus",
    sure: Annotated[
        float, typer.Option(min=0, max=1, metavar="P", help="Write `?` where a tag is less probable than this.")
    ] = 0.0,
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Merge what several annotators or lists say of the same sentences, and tell how reliable each is."""
    from ner.config import override_data
    from ner.data_settings import DataConfig
    from ner.formats.columns import write_conll
    from ner.merging import merge as merge_sources
    from ner.storage.soft_targets import write_soft_targets

    data = override_data(DataConfig(), ['data.unknown_tag="?"', *(settings or [])])
    soft = out.with_suffix(".safetensors")
    lists = [each.partition("=")[2] for each in gazetteers or []]
    check_places(files={"--out": out, "--out, its soft targets": soft}, sources=[*files, *lists])
    if soft.with_name("config.json").is_file() and soft.name == "model.safetensors":
        raise ConfigError(f"--out {out}: expected a place outside of a model directory, whose weights are {soft}")
    sources = _sources(files, columns, data)
    sources += [_gazetteer(each, sources[0].sentences, data) for each in gazetteers or []]
    merged = merge_sources(sources, method=method)
    write_conll(out, merged.partial(sure) if sure else merged.sentences)
    write_soft_targets(soft, merged.targets)
    if as_json:
        print(json.dumps([told._asdict() for told in merged.told]))
    else:
        width = max(len("source"), *(len(told.name) for told in merged.told))
        print(f"{'source':{width}}  sentences  precision  recall      F1")
        for told in merged.told:
            scores = f"{100 * told.precision:9.2f}  {100 * told.recall:6.2f}  {100 * told.f1:6.2f}"
            print(f"{told.name:{width}}  {told.sentences:9,}  {scores}")
    unsure = sum(chance < (sure or 0.9) for own in merged.chances for chance in own)
    tokens = sum(map(len, merged.chances))
    print(
        f"{out}: {len(merged.sentences):,} sentences; {unsure:,} of {tokens:,} tags below {sure or 0.9}",
        file=sys.stderr,
    )
    print(f"{soft}: soft targets, for ner train --set training.soft_targets={soft}", file=sys.stderr)


def _sources(files: list[Path], columns: str | None, data: "DataConfig") -> "list[Source]":
    from ner.merging import Source

    if columns is None:
        return [Source(str(file), _read(file, data)) for file in files]
    if len(files) > 1:
        raise ConfigError(f"--columns: expected one file, found {len(files)}")
    try:
        numbers = [int(each) for each in columns.split(",")]
    except ValueError:
        raise ConfigError(f"--columns: expected numbers of columns such as 1,2,3, found {columns!r}") from None
    if min(numbers) < 0 <= max(numbers):  # 3 and -1 may be one column
        raise ConfigError(f"--columns: expected all columns counted from one end, found {columns}")
    if twice := [number for number, count in Counter(numbers).items() if count > 1]:
        raise ConfigError(f"--columns: expected a column for each source, found {twice[0]} twice: {columns}")
    return [
        Source(f"column {number}", _read(files[0], data.model_copy(update={"tag_column": number})))
        for number in numbers
    ]


def _read(file: Path, data: "DataConfig") -> "list[Sentence]":
    from ner.formats.format import Losses
    from ner.formats.sentences import read_sentences

    losses = Losses()
    sentences = read_sentences(file, data, losses)
    say_losses(file, losses)
    return sentences


def _gazetteer(said: str, sentences: "Sequence[Sentence]", data: "DataConfig") -> "Source":
    from ner.features.phrases import Gazetteer
    from ner.merging import matches_as_source
    from ner.resources.word_lists import read_names
    from ner.text.tokenizer import tokenize

    label, equals, file = said.partition("=")
    if not (label and equals and file):
        raise ConfigError(f"--gazetteer: expected LABEL=FILE, found {said!r}")
    names = (" ".join(token.text for token in tokenize(name, mode=data.cut)) for name in read_names(Path(file)))
    source = matches_as_source(Gazetteer(Path(file).stem, tuple(names)), label, sentences)
    if not any(set(sentence.tags or ()) - {"?"} for sentence in source.sentences):
        say(f"{file}: none of its names stands in the sentences")
    return source
