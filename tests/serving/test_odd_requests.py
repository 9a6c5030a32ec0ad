"""Requests that few would send: each has one clear answer, and the next request has its own."""

import json
import socket

import pytest

from tests.serving.running import running

TEXT = "Angela Merkel visited Paris."
GOOD = json.dumps({"text": TEXT}).encode()


def request(body, *, head="POST /v1/entities HTTP/1.1"):
    return f"{head}\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


def entities_of(client, text, **more):
    answer = client.post("/v1/entities", json={"text": text, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()["results"][0]["entities"]


@pytest.mark.parametrize("text", ["", " ", "\n\t \u00a0\u3000", "\u200b", "\x00"])
def test_a_text_without_a_word_has_no_entities(client, text):
    assert entities_of(client, text) == []


def test_a_null_character_is_a_character_and_shifts_what_follows_by_one(client, tagger):
    text = f"\x00 {TEXT}"
    found = entities_of(client, text)
    assert [(e["start"], e["end"]) for e in found] == [(e.start, e.end) for e in tagger.tag(text)]
    assert {text[e["start"] : e["end"]] for e in found} >= {"Paris"}


def test_documents_that_bring_entities_are_refused_and_not_ignored(client):
    asked = {"documents": [{"id": "a", "text": TEXT, "entities": []}]}
    answer = client.post("/v1/entities", json=asked)
    assert answer.status_code == 422
    assert answer.json()["error"]["message"] == "documents[0].entities: extra inputs are not permitted"


def test_labellings_and_entities_by_threshold_come_together(client, tagger):
    answer = client.post("/v1/entities", json={"text": TEXT, "threshold": 0.01, "k_best": 2})
    (result,) = answer.json()["results"]
    assert [len(sentence["labellings"]) for sentence in result["sentences"]] == [2]
    # Every labelling's most probable entities are among those of at least so small a probability.
    found = {(e["label"], e["start"], e["end"]) for e in result["entities"]}
    assert {(e.label, e.start, e.end) for e in tagger.tag(TEXT)} <= found


@pytest.mark.parametrize("kind", ["application/json; charset=latin-1", "text/plain", "application/xml", ""])
def test_a_body_is_json_in_utf_8_whatever_its_header_says(client, kind):
    text = "Łukasz left Zürich."
    body = json.dumps({"text": text}, ensure_ascii=False)
    answer = client.post("/v1/entities", content=body.encode(), headers={"content-type": kind})
    assert answer.json()["results"][0]["entities"] == entities_of(client, text)


def test_other_methods_have_no_answer_but_what_is_allowed(client):
    for method, path, allowed in (
        ("HEAD", "/v1/entities", "POST"),
        ("OPTIONS", "/v1/entities", "POST"),
        ("PUT", "/predict", "POST"),
        ("OPTIONS", "/v1/models", "GET"),
    ):
        answer = client.request(method, path)
        assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
        assert "access-control-allow-origin" not in answer.headers
    assert client.head("/v1/entities").content == b""


def test_a_path_with_a_slash_too_many_leads_to_the_path(client):
    answer = client.post("/v1/entities/", json={"text": TEXT}, follow_redirects=True)
    assert answer.json()["results"][0]["entities"] == entities_of(client, TEXT)


def test_requests_that_are_sent_in_one_go_are_answered_in_their_order(client):
    texts = [TEXT, "Nobody.", "Rome fell."]
    sent = b"".join(request(json.dumps({"documents": [{"id": text, "text": text}]}).encode()) for text in texts)
    with socket.create_connection(client.address, timeout=30) as connection:
        connection.sendall(sent + request(b"{") + request(GOOD, head="GET /nothing HTTP/1.1"))
        received = b""
        while received.count(b"HTTP/1.1 ") < 5 or not received.endswith(b"}}"):
            received += connection.recv(65536)
    answers = [part.partition(b"\r\n\r\n")[2] for part in received.split(b"HTTP/1.1 ")[1:]]
    assert [json.loads(answer)["results"][0]["id"] for answer in answers[:3]] == texts
    assert [json.loads(answer)["error"]["status"] for answer in answers[3:]] == [400, 404]


def test_who_goes_while_a_short_request_waits_leaves_nothing_behind(tagger):
    with running({"small": tagger}) as client:
        for _ in range(5):
            with socket.create_connection(client.address, timeout=30) as connection:
                connection.sendall(request(GOOD))
        assert entities_of(client, TEXT)
        assert client.app.state.batcher.waiting == 0
        assert client.app.state.batcher.characters == 0
