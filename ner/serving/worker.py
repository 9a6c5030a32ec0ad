"""A worker of `ner serve --workers`: `python -m ner.serving.worker`, which `ner.serving.workers` starts.

The first line on its stdin is what it has to know (`Service`, as JSON); it answers with a line on stdout once it serves
or can't. The end of stdin is the end of whoever watches over it, and its own.
"""

import json
import os
import signal
import socket
import sys
import threading

from ner.errors import NerError
from ner.serving.limits import Limits
from ner.serving.server import serve
from ner.serving.service import make_app
from ner.tagger import load
from ner.threads import use_threads


def main() -> int:
    """The exit code, once it was told to end."""
    told = json.loads(sys.stdin.buffer.readline())
    limits = Limits(**told["limits"])
    try:
        taggers = {
            name: load(model, device=told["device"], runtime=told["runtime"]) for name, model in told["models"].items()
        }
        use_threads(told["threads"])
        app = make_app(taggers, limits=limits, keys=told["keys"], log=told["log"])
    except NerError as error:
        _say(str(error))
        return error.exit_code
    # The protocol is named, as in `open_socket`, and not asked for.
    listening = socket.socket(fileno=told["descriptor"])
    listening = socket.socket(listening.family, listening.type, socket.IPPROTO_TCP, fileno=listening.detach())
    try:
        serve(app, listening, limits, on_start=_begin)
    except NerError as error:
        _say(str(error))
        return error.exit_code
    return 0


def _begin() -> None:
    threading.Thread(target=_end_with_the_watcher, daemon=True).start()
    _say(None)


def _end_with_the_watcher() -> None:
    # Not `sys.stdin`, whose lock a thread that waits would still hold when Python ends.
    while os.read(0, 1024):
        continue
    os.kill(os.getpid(), signal.SIGTERM)


def _say(failed: str | None) -> None:
    sys.stdout.buffer.write(json.dumps({"failed": failed}).encode() + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:  # Ctrl-C while it loads; the watcher has it, too
        sys.exit(130)
