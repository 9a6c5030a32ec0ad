"""`ner convert` and `ner formats`."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from ner.commands.options import AsJson, Settings, say_losses


def convert(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A file or folder of annotated text.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="What to write; its end tells the format.")],
    from_format: Annotated[
        str | None, typer.Option("--from", metavar="FORMAT", help="Default: told from what IN holds.")
    ] = None,
    to_format: Annotated[
        str | None, typer.Option("--to", metavar="FORMAT", help="Default: told from the end of OUT.")
    ] = None,
    settings: Settings = None,
) -> None:
    """Write annotated text in another format; what can't be kept is told and counted."""
    from ner.config import override_data
    from ner.data_settings import DataConfig
    from ner.formats.files import read_documents, write_documents
    from ner.formats.format import Losses
    from ner.formats.table import name_for_reading, name_for_writing

    data = override_data(DataConfig(), settings or [])
    if from_format:
        data = override_data(data, [f"data.format={from_format}"])
    wanted = name_for_writing(target, to_format)
    found = name_for_reading(source, data)
    losses = Losses()
    documents = read_documents(source, data.model_copy(update={"format": found}), losses)
    write_documents(target, documents, wanted, data, losses)
    say_losses(source, losses)
    print(f"{target}: {wanted}, from {found}", file=sys.stderr)


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
