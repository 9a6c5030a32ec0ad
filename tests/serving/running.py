"""A service that runs in a thread of the test, on a port of its own, and is asked over HTTP."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from ner.serving.limits import Limits
from ner.serving.server import make_server, open_socket
from ner.serving.service import make_app


@contextmanager
def running(taggers, *, limits=None, **options) -> Iterator[httpx.Client]:
    """A client of a service of these taggers; `client.server` is the server, `client.thread` where it runs."""
    for module in ("fastapi", "prometheus_client", "uvicorn"):
        pytest.importorskip(module, reason="the extra serve isn't installed")
    limits = limits or Limits()
    app = make_app(taggers, limits=limits, **options)
    ready = threading.Event()
    server = make_server(app, limits, on_start=ready.set)
    listening = open_socket("127.0.0.1", 0)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        assert ready.wait(30)
        host, port = listening.getsockname()
        with httpx.Client(base_url=f"http://{host}:{port}", timeout=30, trust_env=False) as client:
            client.server, client.thread, client.app, client.address = server, thread, app, (host, port)
            yield client
    finally:
        server.should_exit = True
        thread.join(30)
        listening.close()
    assert not thread.is_alive()


class Held:
    """A tagger that waits, before it looks at anything, until it is let go; it keeps what it was asked."""

    def __init__(self, tagger):
        self._tagger = tagger
        self.go = threading.Event()
        self.go.set()
        self.began = threading.Semaphore(0)
        self.asked = []

    def __getattr__(self, name):
        return getattr(self._tagger, name)

    def find_spans(self, sentences, *, threshold=None):
        self.asked.append([sentence.words for sentence in sentences])
        self.began.release()
        assert self.go.wait(30)
        return self._tagger.find_spans(sentences, threshold=threshold)
