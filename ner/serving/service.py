"""The HTTP service as an ASGI application: its paths, what OpenAPI says of them, and the page.

FastAPI describes all paths, and finds those that do not tag; bodies are parsed and answers made by hand, each once.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from ner.distribution import __version__, is_there
from ner.errors import ConfigError, describe
from ner.serving import analyze, label_studio
from ner.serving.answers import Taggers, as_json, job_for_entities, job_for_words
from ner.serving.batcher import Batcher
from ner.serving.gate import Gate, Log
from ner.serving.limits import Limits, RefusalError
from ner.serving.metrics import Metrics
from ner.serving.openapi import describe_requests, errors
from ner.serving.schemas import (
    AnyAnswer,
    EntitiesAnswer,
    EntitiesRequest,
    WordsAnswer,
    WordsRequest,
)

if TYPE_CHECKING:
    from fastapi import FastAPI, Response

_PAGE = {"/": "index.html"} | {f"/{name}": name for name in ("page.css", "page.js", "words.js", "icon.svg")}
_KINDS = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
# Needs no key: none of them tells anything of a text, and a page can't send one before it is loaded.
_UNLOCKED = (*_PAGE, "/health", "/ready", "/openapi.json")
_WARM = "Angela Merkel visited Paris."


def make_app(
    taggers: Taggers, *, limits: Limits | None = None, keys: Sequence[str] = (), log: Log = "none"
) -> "FastAPI":
    """The application, to be run by any ASGI server in one process.

    Args:
        taggers: by the names that requests call them; the first is taken where a request names none.
        limits: of requests; None: the defaults.
        keys: one of which a request has to bring; none: everybody may ask.
        log: what is told on stderr of each request.

    Raises:
        ConfigError: no tagger; a text in place of keys, or an empty one among them; no extra `serve`.
    """
    need_serve()
    if isinstance(keys, str) or not all(isinstance(key, str) and key.strip() for key in keys):
        raise ConfigError("keys: expected a list of keys, none of them empty, found something else")
    if not taggers:
        raise ConfigError("taggers: expected at least one, found none")
    from fastapi import FastAPI, Request, Response
    from starlette.exceptions import HTTPException

    from ner.serving.application import Application

    limits = limits or Limits()
    batcher = Batcher(limits, on_batch=lambda size: metrics.batch(size))
    metrics = Metrics(waiting=lambda: batcher.waiting, characters=lambda: batcher.characters)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        for name, tagger in taggers.items():
            try:
                await asyncio.to_thread(tagger.tag, _WARM)
            except Exception as error:
                app.state.fault = f"{name}: expected a model that tags a sentence, found {describe(error)}"
                raise
        batcher.start()
        yield
        batcher.refuse_more()  # here, lest a request be accepted behind the last that the threads look at
        await asyncio.to_thread(batcher.stop)

    app = Application(batcher, metrics, title="ner", version=__version__, lifespan=lifespan)
    app.add_tagging(
        "/v1/entities",
        lambda request: job_for_entities(request, taggers, limits),
        request=EntitiesRequest,
        answer=EntitiesAnswer,
        tag="tagging",
        about="Find the entities of a text, of several, or of named documents.",
    )
    app.add_tagging(
        "/v1/words",
        lambda request: job_for_words(request, taggers, limits),
        request=WordsRequest,
        answer=WordsAnswer,
        tag="tagging",
        about="Tag sentences that are already cut into words.",
    )

    @app.get("/v1/models", tags=["about"], responses=errors(AnyAnswer))
    async def models() -> Response:
        """The models, what they find, and what a request may ask."""
        told = [_told(name, tagger) for name, tagger in taggers.items()]
        return _json({"models": told, "limits": asdict(limits)})

    @app.get("/health", tags=["about"], responses=errors(AnyAnswer))
    async def health() -> Response:
        """Whether the process lives; in the words of Label Studio."""
        return _json({"status": "UP", "model_class": "ner"})

    @app.get("/ready", tags=["about"], responses=errors(AnyAnswer))
    async def ready() -> Response:
        """Whether it takes requests; 503 while it starts and stops."""
        if not batcher.ready:
            raise RefusalError(503, "not_ready", "the service doesn't take requests now", retry_after=5)
        return _json({"status": "READY"})

    @app.get("/metrics", tags=["about"], responses={200: {"content": {"text/plain": {}}}})
    async def exposition() -> Response:
        """Counters for Prometheus."""
        text, kind = metrics.exposition()
        return Response(text, headers={"content-type": kind})

    label_studio.add_routes(app, taggers, limits)
    analyze.add_routes(app, taggers, limits)
    for path, name in _PAGE.items():
        app.add_route(path, _file(name), methods=["GET"], include_in_schema=False)

    @app.exception_handler(HTTPException)
    async def refuse(request: Request, error: HTTPException) -> Response:
        code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "refused")
        refusal = RefusalError(error.status_code, code, "no such path; /openapi.json has all of them")
        if error.status_code == 405:
            refusal = RefusalError(405, code, "another method is wanted here; /openapi.json has it")
        return Response(refusal.body(), error.status_code, error.headers, "application/json")

    describe_requests(app, EntitiesRequest, WordsRequest, *label_studio.REQUESTS, analyze.AnalyzeRequest)
    paths = [str(route.path) for route in app.routes if hasattr(route, "path")]
    app.close(
        Gate(limits=limits, keys=keys, known=paths, unlocked=_UNLOCKED, on_answer=metrics.request, log=log),
    )
    return app


def need_serve() -> None:
    """Raise ConfigError unless what the extra `serve` brings is installed; nothing is imported."""
    missing = [module for module in ("fastapi", "prometheus_client", "uvicorn") if not is_there(module)]
    if missing:
        raise ConfigError(
            f"ner serve: expected {', '.join(missing)}, not installed here; `pip install 'bilstm-crf-ner[serve]'`"
        )


def _json(value: Any) -> "Response":
    from fastapi import Response

    return Response(as_json(value), media_type="application/json")


def _told(name: str, tagger: Any) -> dict[str, Any]:
    """What is told of a model."""
    settings = tagger.config.model
    dev = tagger.metrics.get("dev")
    return {
        "name": name,
        "labels": tagger.labels,
        "runtime": tagger.runtime,
        "decoding": settings.decoding,
        "threshold": settings.threshold if settings.decoding == "threshold" else None,
        "dev_f1": dev["micro"]["f1"] if dev else None,
    }


def _file(name: str) -> Any:
    """What answers with a file of the page."""
    from starlette.requests import Request
    from starlette.responses import Response

    content = (files("ner.serving") / "page" / name).read_bytes()
    kind = _KINDS[name.rpartition(".")[2]]

    async def give(request: Request) -> Response:
        return Response(content, headers={"content-type": kind})

    return give
