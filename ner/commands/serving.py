"""`ner serve`: models behind HTTP, with a page."""

import ipaddress
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ner.commands.options import Device, Runtime, Threads, load_tagger, say
from ner.errors import ConfigError
from ner.serving.limits import Limits

if TYPE_CHECKING:
    from ner.tagger import Tagger

_DEFAULT = Limits()
_SHORTEST_KEY = 16  # characters: what nobody guesses over a network


def serve(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="[NAME=]MODEL…", help="Model directories or ready-made models; requests call them by NAME."
        ),
    ],
    host: Annotated[str, typer.Option(help="The address to listen at; 0.0.0.0: every one.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 8000,
    api_key_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keys, one a line, one of which a request has to bring.")
    ] = None,
    batch_size: Annotated[
        int, typer.Option(min=1, help="Texts of different requests that are tagged together; 1: none.")
    ] = _DEFAULT.batch_texts,
    queue: Annotated[
        int, typer.Option(min=1, help="Requests that may wait for an answer; more are refused with 429.")
    ] = _DEFAULT.waiting,
    max_characters: Annotated[int, typer.Option(min=1, help="Of all texts of a request.")] = _DEFAULT.characters,
    max_texts: Annotated[int, typer.Option(min=1, help="Of a request.")] = _DEFAULT.texts,
    max_body: Annotated[int, typer.Option(min=1, help="Bytes of a request's body.")] = _DEFAULT.body_bytes,
    log: Annotated[
        str, typer.Option(metavar="WHAT", help="What stderr gets of each request: none, requests, or texts too.")
    ] = "none",
    workers: Annotated[
        int, typer.Option(min=1, help="Processes that serve, each with models, queue, limits and counts of its own.")
    ] = 1,
    device: Device = "auto",
    runtime: Runtime = "auto",
    threads: Threads = None,
) -> None:
    """Serve models over HTTP, with a page to try them on."""
    from ner.resources.models import find_model
    from ner.serving.gate import LOGS
    from ner.serving.server import open_socket
    from ner.serving.server import serve as serve_app
    from ner.serving.service import make_app, need_serve
    from ner.serving.workers import Service, serve_by_workers
    from ner.threads import count_cores

    need_serve()
    if log not in LOGS:
        raise ConfigError(f"--log: expected one of {', '.join(LOGS)}, found {log!r}")
    keys = read_keys(api_key_file) if api_key_file else []
    named = _named(models)
    limits = Limits(
        batch_texts=batch_size,
        waiting=queue,
        characters=max_characters,
        waiting_characters=max(_DEFAULT.waiting_characters, max_characters),
        texts=max_texts,
        body_bytes=max_body,
        waiting_bytes=max(_DEFAULT.waiting_bytes, 2 * max_body),
    )
    listening = open_socket(host, port)
    with listening:
        if not keys and not _is_loopback(listening.getsockname()[0]):
            say(
                f"--host {host}: everybody who reaches this address can ask, since there is no --api-key-file; "
                "put a proxy with TLS and a key before it"
            )
        address, bound = listening.getsockname()[:2]
        place = f"[{address}]" if ":" in address else address
        by = f" by {workers} processes" if workers > 1 else ""
        line = f"serving {', '.join(named)} at http://{place}:{bound}{by} (the page, and /openapi.json); Ctrl-C stops"

        def on_start() -> None:
            print(line, file=sys.stderr, flush=True)

        if workers > 1:
            service = Service(
                models={name: str(find_model(model, warn=say)) for name, model in named.items()},
                device=device,
                runtime=runtime,
                threads=threads or max(1, count_cores() // workers),
                limits=limits,
                keys=keys,
                log=log,
            )
            serve_by_workers(service, workers, listening, on_start=on_start)
            return
        taggers: dict[str, Tagger] = {
            name: load_tagger(model, device, runtime=runtime, threads=threads) for name, model in named.items()
        }
        app = make_app(taggers, limits=limits, keys=keys, log=log)  # type: ignore[arg-type]  # checked above
        serve_app(app, listening, limits, on_start=on_start)


def read_keys(path: Path) -> list[str]:
    """The keys of a file, one a line; blank lines aren't looked at.

    Raises:
        ConfigError: no such file, no key in it, or one that is too short or no plain text.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        said = getattr(error, "strerror", None) or "it isn't UTF-8"
        raise ConfigError(f"--api-key-file {path}: expected a readable file: {said}") from None
    keys = [line.strip() for line in lines if line.strip()]
    way_out = "`python -c 'import secrets; print(secrets.token_urlsafe())'` makes one"
    if not keys:
        raise ConfigError(f"--api-key-file {path}: expected a key a line, found none; {way_out}")
    for number, key in enumerate(keys, start=1):
        if len(key) < _SHORTEST_KEY or not (key.isascii() and key.isprintable()) or " " in key:
            raise ConfigError(
                f"--api-key-file {path}: expected keys of at least {_SHORTEST_KEY} letters, digits and signs of ASCII, "
                f"found another as key {number}; {way_out}"
            )
    return keys


def _named(models: list[str]) -> dict[str, str]:
    """The models by the names that requests call them."""
    named: dict[str, str] = {}
    for model in models:
        name, equals, folder = model.partition("=")
        if not equals or "/" in name:
            name, folder = Path(model).name or model, model
        if not name:
            raise ConfigError(f"MODEL: expected NAME=MODEL with a name, found {model}; leave out the = or name it")
        if name in named:
            raise ConfigError(
                f"MODEL: expected each name once, found {name} for {named[name]} and {folder}; "
                f"call one otherwise: OTHER={folder}"
            )
        named[name] = folder
    return named


def _is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback
