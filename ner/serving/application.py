"""FastAPI's application, in which the paths that tag are answered before FastAPI looks for one.

FastAPI's own way to an endpoint takes longer than tagging a sentence does, and all of it in Python, for which the
thread that tags waits. It knows these paths nevertheless: OpenAPI is made of them, and a request that comes under a
prefix, because the application was mounted in another, finds them there.
"""

from collections.abc import Callable
from typing import TypeVar

from fastapi import FastAPI, Request, Response
from pydantic import BaseModel

from ner.serving.batcher import Batcher, Job
from ner.serving.gate import BODY, TAGGED, Gate, Gated, Message, Receive, Send, while_there
from ner.serving.metrics import Metrics
from ner.serving.openapi import errors, extra
from ner.serving.schemas import parse_body

Kind = TypeVar("Kind", bound=BaseModel)
MakeJob = Callable[[bytes], Job]


class Application(FastAPI):
    """The application; `add_tagging` and FastAPI's own decorators give it paths, `close` puts the gate before them."""

    def __init__(self, batcher: Batcher, metrics: Metrics, **options: object) -> None:
        super().__init__(docs_url=None, redoc_url=None, **options)  # type: ignore[arg-type]  # what FastAPI takes
        self.state.batcher = batcher
        self._batcher, self._metrics = batcher, metrics
        self._jobs: dict[str, MakeJob] = {}
        self._gate: Gate | None = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answers a request, as ASGI calls an application."""
        if self._gate and scope["type"] == "http" and scope["method"] == "POST" and scope["path"] in self._jobs:
            await self._gate.let_through(self._answer_at_once, scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    def add_tagging(
        self,
        path: str,
        make_job: Callable[[Kind], Job],
        *,
        request: type[Kind],
        answer: type[BaseModel],
        tag: str,
        about: str,
    ) -> None:
        """Adds a path that is posted to and tags.

        Args:
            path: of the service.
            make_job: makes a job of a request; what it refuses, it raises as `RefusalError`.
            request: what the body has to be.
            answer: what the job makes, for OpenAPI.
            tag: the group in OpenAPI.
            about: a sentence for OpenAPI.
        """

        def of_body(body: bytes) -> Job:
            return make_job(parse_body(request, body))

        async def endpoint(request: Request) -> Response:
            made = await self._made(of_body, request.scope, request.receive)
            return Response(made, media_type="application/json")

        self._jobs[path] = of_body
        self.add_api_route(
            path,
            endpoint,
            methods=["POST"],
            tags=[tag],
            name=path.rpartition("/")[2],
            description=about,
            responses=errors(answer),
            openapi_extra=extra(request),
        )

    def close(self, gate: Gate) -> None:
        """Lets every request pass the gate from now on."""
        self._gate = gate
        self.add_middleware(Gated, gate=gate)

    async def _answer_at_once(self, scope: Message, receive: Receive, send: Send) -> None:
        body = await self._made(self._jobs[scope["path"]], scope, receive)
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _made(self, make_job: MakeJob, scope: Message, receive: Receive) -> bytes:
        """What the job of a request makes."""
        job = make_job(scope[BODY])
        scope[TAGGED] = job.characters
        answer = self._batcher.answer(job)
        # Watching takes time, too, which short requests don't have.
        body = await (while_there(receive, answer) if self._batcher.is_long(job) else answer)
        self._metrics.tagged(job.characters)
        return body
