"""The process that serves an application: a socket, uvicorn, its end, and connections that only sit there.

uvicorn waits for ever for the head of a request, and for a client that doesn't read; so once a second the connections
are looked at, and those that keep neither time are cut off.
"""

import logging
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ner.collector import search_only_what_is_new
from ner.errors import ConfigError, ModelError
from ner.serving.limits import Limits

if TYPE_CHECKING:
    import uvicorn
    from fastapi import FastAPI

_KEEP_ALIVE = 30  # seconds between two requests on one connection
_BACKLOG = 512


def open_socket(host: str, port: int) -> socket.socket:
    """A socket that listens there; port 0: any that is free.

    Raises:
        ConfigError: no such address here, or the port is taken.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        opened = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except (OSError, OverflowError, UnicodeError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise ConfigError(
            f"ner serve: expected a free port {port} of an address of this machine, found {host}: {said}; "
            "name others with --host and --port"
        ) from None
    # asyncio sends at once (TCP_NODELAY) on connections of a socket that names its protocol, and on no others
    # (Python 3.11 to 3.14, asyncio.base_events); else the body of an answer waits 40 ms for the client's
    # acknowledgement of its head.
    return socket.socket(opened.family, opened.type, socket.IPPROTO_TCP, fileno=opened.detach())


def serve(app: "FastAPI", listening: socket.socket, limits: Limits, *, on_start: Callable[[], object]) -> None:
    """Serves until the process is told to end (SIGINT, SIGTERM): what is under way is answered, what comes is refused.

    Args:
        app: as `make_app` makes it.
        listening: as `open_socket` opens it; closed at the end.
        limits: of time and connections.
        on_start: called once requests are answered.

    Raises:
        ModelError: a model can't tag.
    """

    def started() -> None:
        search_only_what_is_new()
        on_start()

    try:
        make_server(app, limits, on_start=started).run(sockets=[listening])
    except SystemExit:  # uvicorn's, whose own words are switched off
        listening.close()
        raise ModelError(getattr(app.state, "fault", "ner serve: the application didn't start")) from None


def make_server(app: "FastAPI", limits: Limits, *, on_start: Callable[[], object]) -> "uvicorn.Server":
    """What `serve` runs; it ends when its `should_exit` is set."""
    import uvicorn

    # What uvicorn tells of a request that is no HTTP may quote it, and a stranger could fill the disk with it.
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="on",
        ws="none",
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=round(max(limits.stop_seconds, 1)),
    )

    class Server(uvicorn.Server):
        def __init__(self) -> None:
            super().__init__(config)
            self._seen: dict[Any, tuple[object, float]] = {}

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets=sockets)
            if self.started:
                on_start()

        async def on_tick(self, counter: int) -> bool:
            if counter % 10 == 0:
                self._seen = sweep(self.server_state.connections, self._seen, limits, now=time.monotonic())
            return await super().on_tick(counter)

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            app.state.batcher.refuse_more()
            await super().shutdown(sockets=sockets)

        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            """As uvicorn's, and a process that was told to end has ended well."""
            if threading.current_thread() is not threading.main_thread():
                yield
                return
            kinds = (signal.SIGINT, signal.SIGTERM)
            before = {kind: signal.signal(kind, self.handle_exit) for kind in kinds}
            try:
                yield
            finally:
                for kind, handler in before.items():
                    signal.signal(kind, handler)

    return Server()


def sweep(
    connections: Any, seen: dict[Any, tuple[object, float]], limits: Limits, *, now: float
) -> dict[Any, tuple[object, float]]:
    """Cuts off connections that wait too long for a client; returns since when each of the others waits, and in what.

    A connection waits for a request's head, while it has none under way, or for the client to read its answer.

    Args:
        connections: of uvicorn, of whichever protocol it chose.
        seen: what the last call returned.
        limits: how long a wait may be, and how many may wait.
        now: in seconds.
    """
    waits: dict[Any, tuple[object, float]] = {}
    for connection in list(connections):
        cycle = connection.cycle
        answering = cycle is not None and not cycle.response_complete
        unread = connection.transport.get_write_buffer_size()
        if answering and not unread:
            continue
        between = connection.timeout_keep_alive_task is not None  # two requests: uvicorn has its own time for that
        state = (id(cycle), unread, between)
        before, since = seen.get(connection, (None, now))
        since = since if before == state else now
        if not between and now - since > (limits.send_seconds if unread else limits.header_seconds):
            connection.transport.abort()
        else:
            waits[connection] = state, since
    too_many = len(connections) - limits.connections
    if too_many > 0:
        for connection in sorted(waits, key=lambda one: waits[one][1])[:too_many]:
            connection.transport.abort()
    return waits
