"""Requests that come together are tagged together; the queue is bounded; the end of the service loses none."""

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import httpx
import pytest

from ner.serving.limits import Limits
from tests.serving.running import Held, running

TEXTS = [f"Angela Merkel visited Paris {number} times." for number in range(12)]


def ask(client, text, **more):
    return client.post("/v1/entities", json={"text": text, **more})


def wait_until(true):
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def held(tagger):
    return Held(tagger)


def all_at_once(client, held, texts, pool, **more):
    """The answers to texts that came while the first of them was being tagged."""
    held.go.clear()
    held.asked.clear()
    first = pool.submit(ask, client, texts[0], **more)
    assert held.began.acquire(timeout=20)
    rest = [pool.submit(ask, client, text, **more) for text in texts[1:]]
    wait_until(lambda: client.app.state.batcher.waiting == len(texts))
    held.go.set()
    return [future.result() for future in (first, *rest)]


def test_what_comes_while_a_batch_is_tagged_is_the_next_batch_and_each_gets_its_own_answer(held, tagger):
    with running({"small": held}) as client, ThreadPoolExecutor(12) as pool:
        answers = all_at_once(client, held, TEXTS, pool)
        assert [len(batch) for batch in held.asked] == [1, 11]
        for text, answer in zip(TEXTS, answers, strict=True):
            entities = answer.json()["results"][0]["entities"]
            assert [(e["text"], e["start"]) for e in entities] == [(e.text, e.start) for e in tagger.tag(text)]


def test_a_batch_has_no_more_texts_than_it_may(held):
    with running({"small": held}, limits=Limits(batch_texts=4)) as client, ThreadPoolExecutor(12) as pool:
        all_at_once(client, held, TEXTS, pool)
        assert [len(batch) for batch in held.asked] == [1, 4, 4, 3]
    with running({"small": held}, limits=Limits(batch_texts=1)) as client, ThreadPoolExecutor(12) as pool:
        all_at_once(client, held, TEXTS, pool)
        assert [len(batch) for batch in held.asked] == [1] * 12


def test_in_a_batch_that_fails_those_fail_alone_at_which_it_fails(held):
    split = held.split
    held.split = lambda text: 1 // 0 if "bad" in text else split(text)
    with running({"small": held}) as client, ThreadPoolExecutor(12) as pool:
        answers = all_at_once(client, held, [*TEXTS[:3], "bad", *TEXTS[3:6]], pool)
        assert [answer.status_code for answer in answers] == [200, 200, 200, 500, 200, 200, 200]


def test_what_the_queue_has_no_room_for_is_refused_with_the_time_to_come_again(held):
    with running({"small": held}, limits=Limits(waiting=3)) as client, ThreadPoolExecutor(12) as pool:
        held.go.clear()
        accepted = [pool.submit(ask, client, text) for text in TEXTS[:3]]
        wait_until(lambda: client.app.state.batcher.waiting == 3)
        answer = ask(client, TEXTS[3])
        assert answer.status_code == 429
        assert 1 <= int(answer.headers["retry-after"]) <= 60
        characters = sum(map(len, TEXTS[:3]))
        assert answer.json()["error"]["message"] == (
            f"the service has 3 requests of {characters} characters to answer, and no room for more; come again after "
            "the seconds that Retry-After says"
        )
        held.go.set()
        assert [future.result().status_code for future in accepted] == [200] * 3
        assert ask(client, TEXTS[3]).status_code == 200


def test_characters_that_wait_are_bounded_too_but_one_request_is_always_taken(held):
    limits = Limits(waiting_characters=50)
    with running({"small": held}, limits=limits) as client, ThreadPoolExecutor(12) as pool:
        held.go.clear()
        first = pool.submit(ask, client, "Angela Merkel. " * 10)
        wait_until(lambda: client.app.state.batcher.waiting == 1)
        assert ask(client, "a").status_code == 429
        held.go.set()
        assert first.result().status_code == 200


def test_a_long_request_does_not_hold_up_a_short_one_and_is_answered_whole(held, tagger):
    long = "\n".join(TEXTS * 60)
    with running({"small": held}) as client, ThreadPoolExecutor(2) as pool:
        held.go.clear()
        slow = pool.submit(client.post, "/v1/entities", json={"texts": [long, "Nobody."]})
        assert held.began.acquire(timeout=20)
        quick = pool.submit(ask, client, TEXTS[0])
        assert held.began.acquire(timeout=20)  # while the long one is still held
        held.go.set()
        assert quick.result().status_code == 200
        entities = slow.result().json()["results"][0]["entities"]
    assert [(e["start"], e["end"]) for e in entities] == [(e.start, e.end) for e in tagger.tag(long)]


@pytest.mark.parametrize("more", [{"text": "Nobody. " * 500, "k_best": 9}, {"texts": ["Nobody."] * 65}])
def test_much_work_in_few_characters_is_a_long_request_too(held, more):
    held.find_k_best = lambda sentences, **options: (
        held.find_spans([]),
        held._tagger.find_k_best(sentences, **options),
    )[1]
    with running({"small": held}) as client, ThreadPoolExecutor(2) as pool:
        held.go.clear()
        slow = pool.submit(client.post, "/v1/entities", json=more)
        assert held.began.acquire(timeout=20)
        quick = pool.submit(ask, client, TEXTS[0])
        assert held.began.acquire(timeout=20)
        held.go.set()
        assert (quick.result().status_code, slow.result().status_code) == (200, 200)


def test_a_long_request_whose_client_has_gone_is_not_worked_on(held):
    long = {"texts": ["Nobody."] * 65}
    with running({"small": held}) as client, ThreadPoolExecutor(2) as pool:
        held.go.clear()
        first = pool.submit(client.post, "/v1/entities", json=long)
        assert held.began.acquire(timeout=20)
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{client.base_url}/v1/entities", json=long, timeout=0.5)
        wait_until(lambda: client.app.state.batcher.waiting == 1)
        held.go.set()
        assert first.result().status_code == 200
        assert client.post("/v1/entities", json=long).status_code == 200
        assert [len(batch) for batch in held.asked] == [65, 65]


def test_a_service_that_stops_answers_what_it_has_and_is_reached_no_more(held):
    before = set(threading.enumerate())  # of a service that another file of tests shares
    with running({"small": held}) as client, ThreadPoolExecutor(12) as pool:
        held.go.clear()
        accepted = [pool.submit(httpx.post, f"{client.base_url}/v1/entities", json={"text": t}) for t in TEXTS[:5]]
        wait_until(lambda: client.app.state.batcher.waiting == 5)
        client.server.should_exit = True
        wait_until(lambda: not client.app.state.batcher.ready)

        def reached():
            try:
                socket.create_connection(client.address, timeout=5).close()
            except OSError:
                return False
            return True

        wait_until(lambda: not reached())
        held.go.set()
        assert [future.result().status_code for future in accepted] == [200] * 5
        client.thread.join(20)
        assert not client.thread.is_alive()
    assert {"ner-quick", "ner-long"}.isdisjoint(thread.name for thread in set(threading.enumerate()) - before)


def test_requests_are_counted_by_path_and_status(tagger):
    with running({"small": tagger}) as client:
        ask(client, TEXTS[0])
        ask(client, 3)
        client.get("/Angela/Merkel")
        text = client.get("/metrics").text
    assert 'ner_requests_total{path="/v1/entities",status="200"} 1.0' in text
    assert 'ner_requests_total{path="/v1/entities",status="422"} 1.0' in text
    assert 'ner_requests_total{path="other",status="404"} 1.0' in text
    assert f"ner_characters_total {float(len(TEXTS[0]))}" in text
    assert "ner_batch_requests_count 1.0" in text
    assert "ner_waiting_requests 0.0" in text
    assert "Merkel" not in text


@pytest.mark.parametrize(("log", "told"), [("none", 0), ("requests", 2), ("texts", 2)])
def test_the_log_has_texts_only_where_they_are_asked_for(tagger, capfd, log, told):
    with running({"small": tagger}, log=log) as client:
        ask(client, "Angela Merkel\n")
        client.get("/Merkel?q=Merkel")
    out, err = capfd.readouterr()
    assert out == ""
    assert len(err.splitlines()) == told
    assert ("Merkel" in err) == (log == "texts")
    if told:
        assert " POST /v1/entities 200 " in err
        assert " GET other 404 " in err


def test_what_was_finished_long_ago_is_forgotten_though_nothing_is_refused(held, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr("ner.serving.batcher.time", SimpleNamespace(monotonic=lambda: now[0]))
    with running({"small": held}) as client:
        batcher = client.app.state.batcher
        for text in TEXTS[:6]:
            now[0] += 2
            assert ask(client, text).status_code == 200
        kept = [characters for _, characters in batcher._finished]
        assert kept == [len(text) for text in TEXTS[3:6]]  # of the last five seconds
        batcher.characters = 10 * sum(kept)
        assert batcher._seconds_until_room() == 25  # half of them, at a fifth of `sum(kept)` a second
        batcher.characters = 0
