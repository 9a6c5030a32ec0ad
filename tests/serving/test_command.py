"""`ner serve` as it is typed: what it says, what it refuses, and how it ends."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

from ner.commands import serving
from ner.serving.server import open_socket


@pytest.fixture
def served(monkeypatch):
    """What the command would serve, which it doesn't."""
    seen = {}

    def serve(app, listening, limits, *, on_start):
        seen.update(app=app, limits=limits)
        on_start()

    monkeypatch.setattr("ner.serving.server.serve", serve)
    return seen


def test_it_says_where_it_serves_and_takes_its_limits_from_the_options(run, small_model, served):
    code, out, err = run("serve", f"mine={small_model}", small_model, "--port", 0, "--max-texts", 7, "--queue", 5)
    assert (code, out) == (0, "")
    place = r"http://127\.0\.0\.1:\d+ \(the page, and /openapi\.json\); Ctrl-C stops"
    assert re.fullmatch(rf"serving mine, {small_model.name} at {place}\n", err)
    assert (served["limits"].texts, served["limits"].waiting) == (7, 5)


def test_an_address_for_everybody_without_a_key_is_a_warning(run, small_model, served, tmp_path):
    warning = (
        "warning: --host 0.0.0.0: everybody who reaches this address can ask, since there is no --api-key-file; put a "
        "proxy with TLS and a key before it\n"
    )
    assert run("serve", small_model, "--host", "0.0.0.0", "--port", 0)[2].startswith(warning)
    # As an editor on Windows writes it.
    (tmp_path / "keys").write_text("0123456789abcdef\n", encoding="utf-8-sig")
    options = ("--host", "0.0.0.0", "--port", 0, "--api-key-file", tmp_path / "keys")
    assert "warning" not in run("serve", small_model, *options)[2]
    assert "warning" not in run("serve", small_model, "--host", "localhost", "--port", 0)[2]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\n \n", "expected a key a line, found none; "),
        (
            b"0123456789abcdef\nshort\n",
            "expected keys of at least 16 letters, digits and signs of ASCII, found another as key 2; ",
        ),
        ("0123456789abcdefé".encode(), "expected keys of at least 16 letters, digits and signs of ASCII, found anothe"),
        (b"0123456789 abcdef", "expected keys of at least 16 letters, digits and signs of ASCII, found another as key"),
        (b"\xff" * 20, "expected a readable file: it isn't UTF-8"),
        (None, "expected a readable file: No such file or directory"),
    ],
)
def test_a_file_of_keys_that_nobody_should_trust_is_refused(run, small_model, served, tmp_path, content, message):
    path = tmp_path / "keys"
    if content is not None:
        path.write_bytes(content)
    code, out, err = run("serve", small_model, "--api-key-file", path)
    assert (code, out) == (2, "")
    assert err.startswith(f"error: --api-key-file {path}: {message}")
    if content and b"\xff" not in content:
        assert err.endswith("`python -c 'import secrets; print(secrets.token_urlsafe())'` makes one\n")


def test_a_port_that_is_taken_is_told(run, small_model, served):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, _, err = run("serve", small_model, "--port", port)
    assert code == 2
    assert err == (
        f"error: ner serve: expected a free port {port} of an address of this machine, found 127.0.0.1: Address "
        f"already in use (while attempting to bind on address ('127.0.0.1', {port})); name others with --host and "
        "--port\n"
    )


def test_two_models_of_one_name_and_an_unknown_log_are_refused(run, small_model, served):
    code, _, err = run("serve", small_model, small_model)
    name = small_model.name
    assert (code, err) == (
        2,
        f"error: MODEL: expected each name once, found {name} for {small_model} and {small_model}; "
        f"call one otherwise: OTHER={small_model}\n",
    )
    code, _, err = run("serve", f"={small_model}")
    assert (code, err) == (
        2,
        f"error: MODEL: expected NAME=MODEL with a name, found ={small_model}; leave out the = or name it\n",
    )
    code, _, err = run("serve", small_model, "--log", "all")
    assert (code, err) == (2, "error: --log: expected one of none, requests, texts, found 'all'\n")


def test_names_are_those_before_the_equals_sign_or_the_last_part_of_a_path():
    assert serving._named(["en", "runs/mine", "a=runs/mine", "./x=y/z"]) == {
        "en": "en", "mine": "runs/mine", "a": "runs/mine", "z": "./x=y/z",
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGINT])
def test_a_real_service_answers_and_ends_well_when_it_is_told_to(small_model, kind):
    command = [sys.executable, "-m", "ner", "serve", str(small_model), "--port", "0", "--threads", "1"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ) as process:
        line = process.stderr.readline()
        url = re.findall(r"http://\S+", line)[0]
        body = json.dumps({"text": "Angela Merkel visited Paris."}).encode()
        with urllib.request.urlopen(f"{url}/v1/entities", body, timeout=60) as answer:
            assert json.load(answer)["results"][0]["entities"]
        process.send_signal(kind)
        assert process.wait(30) == 0
        assert process.stderr.read() == ""


def test_a_connection_of_the_service_sends_at_once():
    async def nodelay_of_a_connection() -> int:
        accepted: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        async def answer(reader, writer):
            own = writer.get_extra_info("socket")
            accepted.set_result(own.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        listening = open_socket("127.0.0.1", 0)
        async with await asyncio.start_server(answer, sock=listening):
            _, writer = await asyncio.open_connection(*listening.getsockname())
            found = await accepted
            writer.close()
        return found

    assert asyncio.run(nodelay_of_a_connection()) != 0
