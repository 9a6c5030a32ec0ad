"""What every request passes: the key, the body within its limits and in time, one shape of error, counting, the log.

Behind the gate an application finds the whole body in its scope, under `BODY`, and may raise `RefusalError`. No
traceback and no text of a request leaves it, neither to the client nor to the log, unless the log was asked for texts.
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
import json
import sys
import time
from collections.abc import Awaitable, Callable, Collection, Coroutine, MutableMapping, Sequence
from datetime import datetime
from typing import Any, Literal, get_args

from ner.serving.limits import Limits, RefusalError, too_large

BODY = "ner.body"
TAGGED = "ner.characters"  # how many the request had, for the log
Log = Literal["none", "requests", "texts"]
LOGS: tuple[str, ...] = get_args(Log)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

# The page loads its own script and style sheet, asks this service, and nothing else: neither a server nor a frame.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = [
    (b"cache-control", b"no-store"),
    (b"content-security-policy", _POLICY.encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
]
_GONE = 499  # as nginx counts a client that closed the connection; nobody receives it
# Of a body that is refused, this many bytes more are read and thrown away: a client that still sends when the
# connection closes often doesn't see the answer.
_DRAINED = 32 * 2**20


class Gate:
    """What every request passes on its way to an ASGI application."""

    def __init__(
        self,
        *,
        limits: Limits,
        keys: Sequence[str],
        known: Collection[str],
        unlocked: Collection[str],
        on_answer: Callable[[str, int, float], object],
        log: Log = "none",
    ) -> None:
        """Paths that are `unlocked` need no key; `on_answer` is told path (of the `known`), status and seconds."""
        self._limits = limits
        self._keys = [_digest(key.encode()) for key in keys]
        self._known = frozenset(known)
        self._unlocked = frozenset(unlocked)
        self._on_answer = on_answer
        self._log = log
        self._bytes = 0  # of all bodies that are here

    async def let_through(self, app: App, scope: Message, receive: Receive, send: Send) -> None:
        """Lets an application answer a request, or refuses it."""
        began = time.perf_counter()
        status = 0
        held = _Held()

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
            await send(message)

        try:
            try:
                self._check_key(scope)
                if scope["method"] not in ("GET", "HEAD"):
                    await self._take_body(scope, receive, held)
                await app(scope, receive, sending)
            except RefusalError as refusal:
                await self._drain(receive, held)
                await _refuse(sending, refusal)
            except GoneError:
                status = _GONE
            except Exception as error:
                # The kind alone: what an error says may quote a text.
                _write(f"error: {self._path(scope)}: {type(error).__name__} in the service")
                if status:
                    return  # the server closes the connection: the client sees that the answer isn't whole
                await self._drain(receive, held)
                await _refuse(sending, RefusalError(500, "internal", "the service failed at this request"))
        finally:
            self._bytes -= held.bytes
            seconds = time.perf_counter() - began
            self._on_answer(self._path(scope), status, seconds)
            if self._log != "none":
                self._tell(scope, status, seconds)

    def _path(self, scope: Message) -> str:
        return scope["path"] if scope["path"] in self._known else "other"

    def _check_key(self, scope: Message) -> None:
        if not self._keys or scope["path"] in self._unlocked:
            return
        given = _digest(_key_of(scope["headers"]))
        # Each is compared, and each in constant time, whichever fits.
        if sum(hmac.compare_digest(given, key) for key in self._keys) == 0:
            raise RefusalError(
                401,
                "unauthorized",
                "expected a key of this service, as `Authorization: Bearer KEY` or `X-API-Key: KEY`",
            )

    async def _take_body(self, scope: Message, receive: Receive, held: "_Held") -> None:
        """Puts the body into the scope.

        Raises:
            RefusalError: 413 where it is too long, 408 where it is too slow, 429 where too many bodies are here.
        """
        limits = self._limits
        length = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
        if length.isdigit() and (len(length) > 18 or int(length) > limits.body_bytes):
            raise _too_long(limits, length.decode()[:20])
        pieces = []
        try:
            async with asyncio.timeout(limits.body_seconds):
                while held.more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise GoneError
                    piece = message.get("body", b"")
                    held.more = message.get("more_body", False)
                    held.bytes += len(piece)
                    self._bytes += len(piece)
                    pieces.append(piece)
                    if held.bytes > limits.body_bytes:
                        pieces.clear()
                        raise _too_long(limits, "more")
                    if self._bytes > limits.waiting_bytes and self._bytes > held.bytes:
                        pieces.clear()
                        raise RefusalError(
                            429, "overloaded", "the service holds too many long requests; come again", retry_after=1
                        )
        except TimeoutError:
            held.more = False  # nothing that is worth to wait for
            raise RefusalError(
                408, "too_slow", f"body: expected it within {limits.body_seconds:g} seconds, found it unfinished"
            ) from None
        scope[BODY] = pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def _drain(self, receive: Receive, held: "_Held") -> None:
        """Reads what is still to come of a body, and forgets it."""
        drained = 0
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                while held.more and drained < _DRAINED:
                    message = await receive()
                    drained += len(message.get("body", b""))
                    held.more = message["type"] == "http.request" and message.get("more_body", False)
        except TimeoutError:
            return

    def _tell(self, scope: Message, status: int, seconds: float) -> None:
        line = (
            f"{scope['method']} {self._path(scope)} {status} {seconds * 1000:.1f} ms {scope.get(TAGGED, 0)} characters"
        )
        if self._log == "texts":
            line += f" {json.dumps(scope.get(BODY, b'').decode('utf-8', 'backslashreplace'), ensure_ascii=False)}"
        _write(f"{datetime.now().isoformat(timespec='milliseconds')} {line}")


class Gated:
    """An ASGI application behind the gate, as Starlette's middleware is made; it has no websockets."""

    def __init__(self, app: App, *, gate: Gate) -> None:
        self._app, self._gate = app, gate

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answers a request, as ASGI calls an application."""
        if scope["type"] == "http":
            await self._gate.let_through(self._app, scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._app(scope, receive, send)


class GoneError(Exception):
    """The client closed the connection before it had an answer."""


async def while_there(receive: Receive, work: Coroutine[Any, Any, bytes]) -> bytes:
    """What some work makes, which is cancelled where the client goes.

    Raises:
        GoneError: it went.
    """
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(receive())  # the body is here: what comes next is the end of the connection
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise GoneError
        return task.result()
    finally:
        for one in (task, gone):
            one.cancel()


class _Held:
    """What is here of a body, and whether more comes."""

    def __init__(self) -> None:
        self.bytes = 0
        self.more = True


def _key_of(headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    """The key that a request brings, b"" where it brings none; of basic authentication the password."""
    for name, value in headers:
        if name == b"x-api-key":
            return value
        if name == b"authorization":
            scheme, _, rest = value.partition(b" ")
            if scheme.lower() == b"bearer":
                return rest.strip()
            if scheme.lower() == b"basic":
                try:
                    return base64.b64decode(rest, validate=True).partition(b":")[2]
                except binascii.Error:
                    return b""
    return b""


def _digest(key: bytes) -> bytes:
    """Of one length for every key, lest the time to compare tells a length."""
    return hashlib.sha256(key).digest()


def _too_long(limits: Limits, found: str) -> RefusalError:
    return too_large("bytes of the body", limits.body_bytes, found, limit="--max-body")


async def _refuse(send: Send, refusal: RefusalError) -> None:
    body = refusal.body()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if refusal.retry_after is not None:
        headers.append((b"retry-after", str(refusal.retry_after).encode()))
    if refusal.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _write(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
