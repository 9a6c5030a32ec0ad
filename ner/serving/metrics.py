"""What the service counts, as Prometheus reads it: requests, times, batches, characters, what waits."""

from collections.abc import Callable

# From a quick answer to one of a million characters, in seconds.
_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_BATCHES = (1, 2, 4, 8, 16, 32, 64, 128)


class Metrics:
    """The counters of one service, in a registry of its own, so that several services don't share them."""

    def __init__(self, *, waiting: Callable[[], int], characters: Callable[[], int]) -> None:
        """`waiting` and `characters` tell how many requests, and characters of them, wait for an answer."""
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

        registry = CollectorRegistry()
        self._registry = registry
        self._requests = Counter("ner_requests", "Requests by path and status.", ["path", "status"], registry=registry)
        self._seconds = Histogram(
            "ner_request_seconds",
            "From a request's head to the end of its answer.",
            ["path"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._batches = Histogram(
            "ner_batch_requests", "Requests that were tagged together.", buckets=_BATCHES, registry=registry
        )
        self._characters = Counter("ner_characters", "Characters of text that were tagged.", registry=registry)
        told = (
            ("ner_waiting_requests", "Requests that are accepted and not yet answered.", waiting),
            ("ner_waiting_characters", "Characters of them.", characters),
        )
        for name, about, ask in told:
            Gauge(name, about, registry=registry).set_function(ask)
        self._known: dict[tuple[str, int], Callable[[], None]] = {}
        self._known_seconds: dict[str, Callable[[float], None]] = {}

    def request(self, path: str, status: int, seconds: float) -> None:
        """Counts an answered request; `path` is one of the service's own, or `other`."""
        key = path, status
        if key not in self._known:
            self._known[key] = self._requests.labels(path, str(status)).inc
        self._known[key]()
        if path not in self._known_seconds:
            self._known_seconds[path] = self._seconds.labels(path).observe
        self._known_seconds[path](seconds)

    def batch(self, size: int) -> None:
        """Counts a batch of so many requests."""
        self._batches.observe(size)

    def tagged(self, characters: int) -> None:
        """Counts tagged text."""
        self._characters.inc(characters)

    def exposition(self) -> tuple[bytes, str]:
        """All counters as text, and its content type."""
        from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

        return generate_latest(self._registry), CONTENT_TYPE_LATEST
