"""What the service allows, and how it refuses: every default number of the service, and the one shape of an error.

Nothing is ever cut to fit a limit: what is too large is refused whole, and the message says which limit it was.
"""

import json
from dataclasses import dataclass
from typing import Any

from ner.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one request, and all requests together, may take.

    Attributes:
        body_bytes: of one request's body.
        characters: of all texts of one request together, code points.
        texts: of one request; sentences that are already cut into words count as texts.
        k_best: labellings of each sentence that a request may ask for.
        waiting: requests that are accepted and not yet answered.
        waiting_characters: of all requests that are accepted and not yet answered, together.
        waiting_bytes: of all bodies that are being received or worked on, together.
        batch_texts: texts of different requests that are tagged together; 1: each request by itself.
        header_seconds: a connection may be open without a whole request head on it.
        body_seconds: a body may take to arrive.
        send_seconds: a client may leave an answer unread.
        stop_seconds: the requests that are under way may take when the service stops.
        connections: that are open at once; beyond, those that have waited longest without a request are closed.

    Raises:
        ConfigError: a number below 1.
    """

    body_bytes: int = 8 * 2**20  # a million characters, most of them of three bytes, escaped or not
    characters: int = 1_000_000
    texts: int = 10_000
    k_best: int = 50
    waiting: int = 128  # twice what 64 clients have under way: the last of them waits for two or three batches
    waiting_characters: int = 4_000_000  # some 500 bytes a token on the way through a model: 400 MB at most
    waiting_bytes: int = 64 * 2**20
    batch_texts: int = 64  # from there on a batch isn't faster by the sentence
    header_seconds: float = 10
    body_seconds: float = 30
    send_seconds: float = 30
    stop_seconds: float = 30
    connections: int = 800  # most systems let a process open 1,024 files

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if value < (0.001 if name.endswith("seconds") else 1):
                raise ConfigError(f"{name}: expected at least 1, found {value}")


class RefusalError(Exception):
    """A request that isn't answered as it asks; the gate makes the answer of it.

    `status` is HTTP's, `code` a word for programs, the message a sentence for people. No text of a request is in it.
    """

    def __init__(self, status: int, code: str, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.retry_after = retry_after  # seconds

    def body(self) -> bytes:
        """The error as JSON, in the one shape that all errors have."""
        return json.dumps({"error": self.as_dict()}, ensure_ascii=False).encode()

    def as_dict(self) -> dict[str, Any]:
        """What is told of it: status, code and message.

        >>> RefusalError(404, "not_found", "no such path").as_dict()
        {'status': 404, 'code': 'not_found', 'message': 'no such path'}
        """
        return {"status": self.status, "code": self.code, "message": str(self)}


def too_large(what: str, most: int, found: int | str, *, limit: str) -> RefusalError:
    """A refusal with status 413: nothing of the request was worked on.

    >>> str(too_large("texts", 2, 3, limit="--max-texts"))
    'texts: expected at most 2 in one request, found 3; send several requests, or start the service with --max-texts'
    """
    way_out = f"send several requests, or start the service with {limit}"
    return RefusalError(413, "too_large", f"{what}: expected at most {most} in one request, found {found}; {way_out}")
