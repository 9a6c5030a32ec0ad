"""`ner convert` and `ner formats`."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from ner.commands.options import AsJson, Settings, say_losses
from ner.commands.results import check_is_another
from ner.errors import ConfigError


def convert(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A file or folder of annotated text.")],
    target: Annotated[str, typer.Argument(metavar="OUT", help="What to write; its end tells the format.")],
    from_format: Annotated[
        str | None, typer.Option("--from", metavar="FORMAT", help="Default: told from what IN holds.")
    ] = None,
    to_format: Annotated[
        str | None, typer.Option("--to", metavar="FORMAT", help="Default: told from the end of OUT.")
    ] = None,
    tool: Annotated[
        str | None,
        typer.Option("--for", metavar="TOOL", help="Write what this tool reads rightly: seqeval, spacy, doccano, …"),
    ] = None,
    scheme: Annotated[
        str | None, typer.Option("--scheme", metavar="SCHEME", help="Of the tags that are written; default: IOB2.")
    ] = None,
    settings: Settings = None,
) -> None:
    """Write annotated text in another format; what can't be kept is told and counted."""
    from ner.config import override_data
    from ner.data_settings import DataConfig
    from ner.formats.files import read_documents, write_documents
    from ner.formats.format import Losses
    from ner.formats.table import check_writes_tags, name_for_reading, name_for_writing
    from ner.formats.tools import tool_named, written_for
    from ner.schemes import SCHEMES

    for option, value in (("--to", to_format), ("--scheme", scheme)):
        if tool and value:
            raise ConfigError(f"--for: expected no {option} beside it, found {option} {value}")
    check_is_another("OUT", Path(target), source)
    wanted_by = tool_named(tool) if tool else None
    data = override_data(DataConfig(), settings or [])
    if from_format:
        data = override_data(data, [f"data.format={from_format}"])
    wanted = name_for_writing(target, wanted_by.format if wanted_by else to_format)
    found = name_for_reading(source, data)
    own = written_for(wanted_by, data) if wanted_by else data
    if scheme:
        check_writes_tags(wanted)
        if scheme not in SCHEMES:
            raise ConfigError(f"--scheme: expected one of {', '.join(SCHEMES)}, found {scheme!r}")
        own = own.model_copy(update={"scheme": scheme})
    losses = Losses()
    documents = read_documents(source, data.model_copy(update={"format": found}), losses)
    write_documents(target, documents, wanted, own, losses)
    say_losses(source, losses)
    advice = f"; {wanted_by.advice}" if wanted_by and wanted_by.advice else ""
    print(f"{target}: {wanted}, from {found}{advice}", file=sys.stderr)


def formats(as_json: AsJson = False) -> None:
    """Show the formats of annotated text, how their files are named, and the settings that they know."""
    from ner.data_settings import FORMATS
    from ner.formats.table import can_write, find_format

    rows = []
    for name in FORMATS:
        form = find_format(name)
        ways = [way for way, can in (("read", form.read), ("write", can_write(form))) if can]
        rows.append((name, ways, form))
    if as_json:
        values = [
            {
                "name": name,
                "ways": ways,
                "about": form.about,
                "suffixes": list(form.suffixes),
                "settings": list(form.settings),
            }
            for name, ways, form in rows
        ]
        print(json.dumps(values))
        return
    width = max(len(name) for name, _, _ in rows)
    for name, ways, form in rows:
        print(f"{name:{width}}  {', '.join(ways):11}  {form.about}")
        if form.suffixes:
            print(f"{'':{width}}  {'':11}  named {', '.join(form.suffixes)}")
        if form.settings:
            print(f"{'':{width}}  {'':11}  data.{', data.'.join(form.settings)}")
