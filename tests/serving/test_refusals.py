"""What the service refuses, in one shape, with a whole sentence, and without a word of anybody's text."""

import json
import socket
import time
from base64 import b64encode

import pytest

import ner
from ner.errors import ConfigError, ModelError
from ner.serving.batcher import Batcher
from ner.serving.limits import Limits, RefusalError
from ner.serving.server import open_socket, serve
from ner.serving.service import make_app
from tests.serving.running import Held, running

KEY = "k" * 20
SMALL = Limits(body_bytes=1000, characters=100, texts=3, k_best=2)
ONE_KIND = "expected one of text, texts and documents, found"


def refused(answer):
    """Status, code and message of an answer that has the one shape and no other part."""
    assert answer.headers["content-type"] == "application/json"
    (error,) = answer.json().values()
    assert set(error) == {"status", "code", "message"}
    assert error["status"] == answer.status_code
    return error["status"], error["code"], error["message"]


@pytest.mark.parametrize("keys", [KEY, [""], [KEY, " "], [None]])
def test_keys_that_lock_nothing_are_no_keys(tagger, keys):
    pytest.importorskip("fastapi", reason="the extra serve isn't installed")
    with pytest.raises(ConfigError, match="keys: expected a list of keys, none of them empty, found something else"):
        make_app({"small": tagger}, keys=keys)


def test_a_model_that_cannot_tag_ends_the_service_with_its_reason(small_model, monkeypatch):
    pytest.importorskip("fastapi", reason="the extra serve isn't installed")

    def tag(text):
        raise RuntimeError("CUDA out of memory")

    tagger = ner.load(small_model, device="cpu")
    monkeypatch.setattr(tagger, "tag", tag, raising=True)
    app = make_app({"big": tagger})
    with pytest.raises(ModelError, match="big: expected a model that tags a sentence, found RuntimeError: CUDA out of"):
        serve(app, open_socket("127.0.0.1", 0), Limits(), on_start=pytest.fail)


@pytest.mark.parametrize(
    ("body", "status", "code", "message"),
    [
        (b"{", 400, "not_json", "body: expected JSON in UTF-8, found other bytes: invalid JSON: EOF while parsing"),
        (
            '{"text": "é"}'.encode("latin-1"),
            400,
            "not_json",
            "body: expected JSON in UTF-8, found other bytes: invalid",
        ),
        ('{"text": "a"}'.encode("utf-16"), 400, "not_json", "body: expected JSON in UTF-8, found other bytes: invalid"),
        (b'{"text": "\\ud800"}', 400, "not_json", "body: expected JSON in UTF-8, found other bytes: invalid JSON: un"),
        (b"[" * 900, 400, "not_json", "body: expected JSON in UTF-8, found other bytes: invalid JSON: recursion limit"),
        (b"[]", 422, "invalid_request", "body: input should be an object"),
        (b"{}", 422, "invalid_request", f"body: {ONE_KIND} none"),
        (b'{"text": "a", "texts": []}', 422, "invalid_request", f"body: {ONE_KIND} text and texts"),
        (b'{"text": 3}', 422, "invalid_request", "text: input should be a valid string"),
        (b'{"texts": ["a", 1]}', 422, "invalid_request", "texts[1]: input should be a valid string"),
        (b'{"text": "a", "threshold": 1}', 422, "invalid_request", "threshold: input should be less than 1"),
        (b'{"text": "a", "threshold": NaN}', 422, "invalid_request", "threshold: input should be less than 1"),
        (b'{"text": "a", "colour": 1}', 422, "invalid_request", "colour: extra inputs are not permitted"),
        (b'{"text": "a", "k_best": 3}', 422, "invalid_request", "k_best: expected at most 2, found 3"),
        (b'{"text": "a", "model": "x"}', 422, "unknown_model", "model: expected one of small, found another; GET /v1/"),
        (
            b'{"text": "a", "labels": ["X"]}',
            422,
            "unknown_label",
            "labels: expected some of LOC, MISC, ORG, PER, found",
        ),
        (
            b'{"texts": ["a", "b", "c", "d"]}',
            413,
            "too_large",
            "texts: expected at most 3 in one request, found 4; send several requests, or start the service with "
            "--max-texts",
        ),
        (
            b'{"texts": ["%s", "b"]}' % (b"a" * 100),
            413,
            "too_large",
            "characters: expected at most 100 in one request, found 101; send several requests, or start the service "
            "with --max-characters",
        ),
        (
            b" " * 1001,
            413,
            "too_large",
            "bytes of the body: expected at most 1000 in one request, found 1001; send several requests, or start the "
            "service with --max-body",
        ),
    ],
)
def test_a_body_that_cannot_be_answered_is_refused_with_what_is_wrong_in_it(strict, body, status, code, message):
    found = refused(strict.post("/v1/entities", content=body))
    assert found[:2] == (status, code)
    assert found[2].startswith(message)


@pytest.fixture(scope="module")
def strict(tagger):
    with running({"small": tagger}, limits=SMALL) as client:
        yield client


def test_the_faults_of_a_request_are_told_up_to_five_of_them(strict):
    message = refused(strict.post("/v1/words", json={"sentences": [["a", ""], *[[1]] * 6]}))[2]
    assert message.startswith("sentences[0][1]: string should have at least 1 character; sentences[1][0]: input should")
    assert message.endswith("; and 2 more")


def test_a_body_of_unknown_length_is_refused_as_soon_as_it_is_too_long(strict):
    answer = strict.post("/v1/entities", content=(b" " * 300 for _ in range(5)))
    assert refused(answer)[2].startswith("bytes of the body: expected at most 1000 in one request, found more; ")


def test_other_paths_and_methods_are_refused_in_the_same_shape(strict):
    assert refused(strict.get("/nothing")) == (404, "not_found", "no such path; /openapi.json has all of them")
    said = "another method is wanted here; /openapi.json has it"
    assert refused(strict.get("/v1/entities")) == (405, "method_not_allowed", said)
    assert refused(strict.delete("/v1/models"))[0] == 405


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"Bearer {KEY}"},
        {"authorization": f"bearer  {KEY}"},
        {"x-api-key": KEY},
        {"authorization": f"Basic {b64encode(f'user:{KEY}'.encode()).decode()}"},
    ],
)
def test_a_request_with_a_key_is_answered(locked, headers):
    assert locked.get("/v1/models", headers=headers).status_code == 200


@pytest.fixture(scope="module")
def locked(tagger):
    with running({"small": tagger}, keys=["another key of it".replace(" ", "-"), KEY]) as client:
        yield client


@pytest.mark.parametrize(
    "headers", [{}, {"x-api-key": KEY[1:]}, {"authorization": KEY}, {"authorization": "Basic k"}, {"x-api-key": ""}]
)
def test_a_request_without_one_is_not(locked, headers):
    for path in ("/v1/entities", "/v1/words", "/predict", "/setup", "/webhook", "/analyze"):
        answer = locked.post(path, headers=headers, json={"text": "a"})
        said = "expected a key of this service, as `Authorization: Bearer KEY` or `X-API-Key: KEY`"
        assert refused(answer) == (401, "unauthorized", said)
        assert answer.headers["www-authenticate"] == "Bearer"
    assert {locked.get(path, headers=headers).status_code for path in ("/metrics", "/v1/models")} == {401}
    unlocked = ("/", "/page.js", "/health", "/ready", "/openapi.json")
    assert {locked.get(path, headers=headers).status_code for path in unlocked} == {200}


def test_a_fault_of_the_service_is_told_without_traceback_or_text_and_the_next_request_is_answered(tagger, capfd):
    held = Held(tagger)
    held.split = lambda text: (_ for _ in ()).throw(RuntimeError(f"broke at {text}"))
    with running({"small": held}) as client:
        answer = client.post("/v1/entities", json={"text": "Angela Merkel"})
        assert refused(answer) == (500, "internal", "the service failed at this request")
        del held.split
        assert client.post("/v1/entities", json={"text": "Angela Merkel"}).status_code == 200
    out, err = capfd.readouterr()
    assert (out, err) == ("", "error: /v1/entities: RuntimeError in the service\n")


def test_a_body_that_does_not_come_is_given_up(tagger):
    limits = Limits(body_seconds=0.2)
    with running({"small": tagger}, limits=limits) as client, socket.create_connection(client.address) as slow:
        slow.sendall(b"POST /v1/entities HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n{")
        slow.settimeout(20)
        head, _, body = slow.recv(4096).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 408 ")
        message = "body: expected it within 0.2 seconds, found it unfinished"
        assert json.loads(body or slow.recv(4096))["error"]["message"] == message


def test_a_connection_without_a_request_is_closed_and_one_between_two_requests_is_not(tagger):
    with running({"small": tagger}, limits=Limits(header_seconds=0.5)) as client:
        with socket.create_connection(client.address) as silent, socket.create_connection(client.address) as half:
            half.sendall(b"GET /health HTTP/1.1\r\nho")
            for connection in (silent, half):
                connection.settimeout(20)
                with pytest.raises((ConnectionResetError, AssertionError)):
                    assert connection.recv(10) != b"", "closed"
        with socket.create_connection(client.address) as busy:
            busy.settimeout(20)
            for _ in range(2):
                busy.sendall(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n")
                answer = b""
                while not answer.endswith(b"}"):
                    answer += busy.recv(4096)
                assert answer.startswith(b"HTTP/1.1 200 ")
                time.sleep(1.6)


def test_too_many_connections_lose_those_that_wait_longest(tagger):
    with running({"small": tagger}, limits=Limits(connections=2)) as client:
        waiting = [socket.create_connection(client.address) for _ in range(6)]
        deadline = time.monotonic() + 20
        while len(client.server.server_state.connections) > 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(client.server.server_state.connections) <= 2
        for one in waiting:
            one.close()
        assert client.get("/health").status_code == 200


def test_too_many_bytes_of_bodies_at_once_are_refused(tagger):
    limits = Limits(waiting_bytes=100)
    with running({"small": tagger}, limits=limits) as client, socket.create_connection(client.address) as slow:
        slow.sendall(b"POST /v1/entities HTTP/1.1\r\nhost: x\r\ncontent-length: 200\r\n\r\n" + b" " * 90)
        deadline = time.monotonic() + 20
        answer = client.post("/v1/entities", json={"text": "a" * 50})
        while answer.status_code == 200 and time.monotonic() < deadline:
            answer = client.post("/v1/entities", json={"text": "a" * 50})
        assert refused(answer) == (429, "overloaded", "the service holds too many long requests; come again")
        assert answer.headers["retry-after"] == "1"


def test_limits_below_one_and_an_application_without_models_are_refused():
    with pytest.raises(ConfigError) as error:
        Limits(texts=0)
    assert str(error.value) == "texts: expected at least 1, found 0"
    with pytest.raises(ConfigError) as error:
        make_app({})
    assert str(error.value) == "taggers: expected at least one, found none"


def test_without_its_extra_the_service_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr("ner.serving.service.is_there", lambda module: module == "uvicorn")
    with pytest.raises(ConfigError) as error:
        make_app({"small": None})
    assert str(error.value) == (
        "ner serve: expected fastapi, prometheus_client, not installed here; `pip install 'bilstm-crf-ner[serve]'`"
    )


async def _ask(batcher):
    await batcher.answer(None)


def test_a_batcher_that_stops_refuses_what_comes():
    batcher = Batcher(Limits())
    batcher.refuse_more()
    with pytest.raises(RefusalError) as error:
        _ask(batcher).send(None)
    assert (error.value.status, error.value.code, error.value.retry_after) == (503, "stopping", 5)
    assert str(error.value) == "the service stops; ask another, or this one later"
