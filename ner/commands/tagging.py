"""`ner tag`."""

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ner.commands.bulk import tag_in_bulk
from ner.commands.input import LINES, Source, check_what_it_looks_like, documents_of
from ner.commands.options import (
    Device,
    ModelFolder,
    Runtime,
    Settings,
    Threads,
    Threshold,
    Uncalibrated,
    load_tagger,
    say_losses,
)
from ner.commands.redaction import (
    AlsoRepeats,
    Fixed,
    KeyFile,
    Labels,
    Map,
    Numbered,
    RedactionOptions,
    Replace,
    mark_of,
    write_redacted,
)
from ner.commands.results import check_is_another
from ner.errors import ConfigError

REDACTED = "redacted"  # what is written beside the formats: text without its entities

if TYPE_CHECKING:
    from ner.data_settings import DataConfig
    from ner.formats.format import Losses
    from ner.output import OutputOptions
    from ner.tagger import Tagger
    from ner.text.document import Document


def tag(
    model: ModelFolder,
    files: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FILE or -]", help="Text, or a file of any format; -: stdin. Several with --engine."),
    ] = None,
    text: Annotated[str | None, typer.Option(metavar="TEXT", help="Tag this text, not a file.")] = None,
    input_format: Annotated[
        str | None,
        typer.Option("--input", metavar="FORMAT", help="auto, or one of `ner formats`; text: a file is one text."),
    ] = None,
    lines: Annotated[
        bool, typer.Option("--lines", help="Each line is a text of its own; so it is where --input says nothing.")
    ] = False,
    output_format: Annotated[
        str | None,
        typer.Option(
            "--format", metavar="FORMAT", help="One of `ner formats`, or redacted; default: jsonl, or --input's."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Where the result goes, not to stdout: whole or not at all.")
    ] = None,
    min_score: Annotated[float, typer.Option(min=0, max=1, help="Leave out entities with a lower score.")] = 0.0,
    k_best: Annotated[int, typer.Option(min=0, max=1000, help="Add so many labellings of each sentence (jsonl).")] = 0,
    digits: Annotated[
        int, typer.Option(min=1, max=17, help="Significant digits of scores in JSON; 17 give all there is.")
    ] = 4,
    threshold: Threshold = None,
    uncalibrated: Uncalibrated = False,
    settings: Settings = None,
    device: Device = "auto",
    runtime: Runtime = "auto",
    threads: Threads = None,
    replace: Replace = "label",
    labels: Labels = None,
    numbered: Numbered = False,
    also_repeats: AlsoRepeats = False,
    key_file: KeyFile = None,
    fixed: Fixed = None,
    map_path: Map = None,
    engine: Annotated[
        str | None,
        typer.Option(metavar="ENGINE", help="Tag in bulk into the folder --out: local (processes) or ray."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="With --engine: how many; default: as many as there are processors.")
    ] = None,
    text_column: Annotated[
        str | None, typer.Option(metavar="C", help="With --engine: where rows of Parquet or JSON lines have the text.")
    ] = None,
    shard_size: Annotated[
        int | None, typer.Option(min=1, metavar="BYTES", help="With --engine: input of a file of the output.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="With --engine: go on with an interrupted job.")] = False,
) -> None:
    """Find the entities of each line of a text, of whole texts, or of each document of an annotated file."""
    redaction = RedactionOptions(replace, labels, numbered, also_repeats, key_file, fixed, map_path)
    if engine is not None:
        given = {"--text": text is not None, "--k-best": k_best, "--uncalibrated": uncalibrated}
        for name in (name for name, is_given in given.items() if is_given):
            raise ConfigError(f"--engine: expected no {name} beside it")
        if output_format != REDACTED:  # which is refused below, as every format that isn't written in bulk
            redaction.check_not_given(output_format or "jsonl")
        if lines and input_format:
            raise ConfigError(f"--lines: expected no --input beside it, found --input {input_format}")
        from ner.serving.bulk.job import SHARD_SIZE, Options

        options_in_bulk = Options(
            format=output_format or "jsonl",
            input_format=LINES if lines else input_format or "auto",
            text_column=text_column,
            settings=tuple(settings or ()),
            shard_size=shard_size or SHARD_SIZE,
            min_score=min_score,
            digits=digits,
            threshold=threshold,
            runtime=runtime,
            device=device,
            threads=threads or 1,
        )
        tag_in_bulk(model, files or [], out, options_in_bulk, engine=engine, workers=workers, resume=resume)
        return
    only = {"--workers": workers, "--text-column": text_column, "--shard-size": shard_size, "--resume": resume or None}
    for name, value in only.items():
        if value is not None:
            raise ConfigError(f"{name}: expected --engine beside it, found none")
    if files and len(files) > 1:
        raise ConfigError(f"{files[1]}: expected one file, found {len(files)}; --engine local tags several")
    file = files[0] if files else "-"
    from ner.formats.table import can_write, find_format, name_for_writing, readable, writable

    if text is not None and (file != "-" or input_format):
        found = f"--input {input_format}" if input_format else file
        raise ConfigError(f"--text: expected neither a file nor --input beside it, found {found}")
    if lines and input_format:
        raise ConfigError(f"--lines: expected no --input beside it, found --input {input_format}")
    if not input_format:
        input_format = "text" if not lines and Path(file).is_dir() else LINES
    elif input_format not in ("auto", *readable()):
        raise ConfigError(f"--input: expected auto or one of {', '.join(readable())}, found {input_format!r}")
    # Somebody reads it, and said of no format that it is wanted.
    on_terminal = output_format is None and not (out or k_best) and sys.stdout.isatty()
    on_terminal = on_terminal and input_format in (LINES, "text")
    if output_format is None:
        own = input_format in readable() and can_write(find_format(input_format))
        output_format = name_for_writing(out, None) if out else input_format if own else "jsonl"
    if output_format == REDACTED:
        redaction.check(file, out, is_folder=input_format == "text" and Path(file).is_dir())
    else:
        redaction.check_not_given(output_format)
    if output_format not in (*writable(), REDACTED):
        raise ConfigError(f"--format: expected one of {', '.join(writable())}, {REDACTED}, found {output_format!r}")
    if not out and output_format != REDACTED and not find_format(output_format).write:
        raise ConfigError(f"--format {output_format}: expected --out PATH, since it is no text for stdout")
    check_is_another("--out", out, file)
    if k_best and output_format != "jsonl":
        raise ConfigError(f"--k-best: expected --format jsonl, found {output_format}")
    if k_best and input_format not in (LINES, "conll"):
        raise ConfigError(f"--k-best: expected --lines or --input conll, found {input_format}")

    from ner.config import override_data
    from ner.formats.files import write_documents, write_pieces
    from ner.formats.format import Losses
    from ner.inference.decoding import least_sure
    from ner.output import OutputOptions, tagged_documents

    # What is to be looked at can be marked there alone.
    # And a promise of precision would leave names in a redacted text: those that are to be looked at go too.
    calibration = "ignore" if uncalibrated else "review" if output_format in ("jsonl", REDACTED) else "use"
    tagger = load_tagger(model, device, runtime=runtime, threads=threads, threshold=threshold, calibration=calibration)
    data = override_data(tagger.config.data, settings or [])
    interactive = file == "-" and text is None and sys.stdin.isatty()
    options = OutputOptions(
        output_format,
        min_score,
        k_best,
        batch_size=1 if interactive else 2048,
        digits=digits,
        sure=least_sure(tagger.model),
    )
    losses = Losses()
    source = Source(file, input_format, text)
    check_what_it_looks_like(file, input_format, data)
    if output_format == REDACTED:
        _redact(tagger, source, options, redaction, out=out, data=data, losses=losses)
    elif out and not find_format(output_format).write:
        documents = tagged_documents(tagger, documents_of(source, data, losses), options)
        write_documents(out, documents, output_format, data, losses)
    elif out:
        write_pieces(out, _pieces(tagger, source, options, data, losses))
    else:
        shown = tagged_documents(tagger, documents_of(source, data, losses), options) if on_terminal else ()
        for piece in _coloured(shown) if on_terminal else _pieces(tagger, source, options, data, losses):
            sys.stdout.write(piece)
            if interactive:
                sys.stdout.flush()
    say_losses(file, losses)


def _coloured(documents: "Iterable[Document]") -> Iterator[str]:
    """What a terminal shows of each document."""
    from ner.commands.colours import coloured

    colours: dict[str, int] = {}
    plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"  # no-color.org
    for document in documents:
        yield coloured(document.text, document.entities, colours, plain=plain) + "\n"


def _pieces(
    tagger: "Tagger", source: Source, options: "OutputOptions", data: "DataConfig", losses: "Losses"
) -> Iterator[str]:
    """What is written, as it comes."""
    from ner.output import tag_columns, tag_documents, tag_text

    lines = source.lines(data.encoding)
    if source.format == LINES and options.format in ("jsonl", "conll", "html"):
        return tag_text(tagger, lines, options)
    if source.format == "conll" and options.format in ("jsonl", "conll", "html"):
        where = "stdin" if source.file == "-" else source.file
        return tag_columns(tagger, lines, options, data=data, where=where, losses=losses)
    return tag_documents(tagger, documents_of(source, data, losses), options, data=data, losses=losses)


def _redact(
    tagger: "Tagger",
    source: Source,
    options: "OutputOptions",
    redaction: RedactionOptions,
    *,
    out: Path | None,
    data: "DataConfig",
    losses: "Losses",
) -> None:
    """Writes the text with its entities replaced."""
    from ner.output import tagged_documents
    from ner.redacting import Kind, lines_of, of_text

    redact, before = redaction.redact(tagger.labels), ""
    kind: Kind = "documents"
    if source.text is not None:
        kind, documents = "text", of_text(source.text)
    elif source.format == LINES:
        kind, before, documents = "lines", mark_of(source.file), lines_of(source.lines(data.encoding))
    else:
        documents = documents_of(source, data, losses)
        if source.format == "text":
            kind = "folder" if Path(source.file).is_dir() else "text"
            before = mark_of(source.file) if kind == "text" else ""
    tagged = tagged_documents(tagger, documents, options)
    write_redacted(tagged, kind, redact, out=out, map_path=redaction.map_path, losses=losses, before=before)
