"""A worker process of `ner.serving.bulk.local`: shards come in as lines of JSON on stdin, answers go out on stdout.

The first line says what the work is, the first answer that the model is loaded. What else is printed goes to stderr.
"""

import json
import os
import signal
import sys
import threading
from queue import SimpleQueue
from typing import Any

from ner.errors import describe
from ner.serving.bulk.shards import Piece, Shard
from ner.serving.bulk.work import Work, Worker


def main() -> None:
    """Answers until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the driver's, which then ends its workers
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    asked: SimpleQueue[Any] = SimpleQueue()
    threading.Thread(target=_read, args=(asked,), daemon=True).start()

    def tell(answer: object) -> None:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

    try:
        worker = Worker(Work(**asked.get()))
    except Exception as error:
        tell({"failed": describe(error)})
        return
    tell({"ready": True})
    while True:
        value = asked.get()
        pieces = tuple(Piece(**piece) for piece in value["pieces"])
        tell(worker.tag(Shard(value["number"], pieces)))


def _read(asked: "SimpleQueue[Any]") -> None:
    """Takes in what is asked; when the driver is gone, so is this process, whatever it is at."""
    for line in sys.stdin:
        asked.put(json.loads(line))
    os._exit(0)


if __name__ == "__main__":
    main()
