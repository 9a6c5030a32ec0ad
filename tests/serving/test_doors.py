"""The same service in the words of others: Label Studio's ML backend, Presidio's analyzer, OpenAPI."""

import re

import httpx
import pytest

from ner.serving.analyze import Analysis
from ner.serving.openapi import EXAMPLES
from ner.serving.schemas import EntitiesAnswer, ErrorAnswer, WordsAnswer
from tests.serving.running import running

TEXT = "Angela Merkel visited Paris.\nIBM left Berlin for New York."
CONFIG = """<View>
  <Labels name="kinds" toName="body">
    <Label value="Person" predicted_values="PER,PERSON" background="red"/>
    <Label value="Place" alias="loc"/>
    <Label value="ORG"/>
  </Labels>
  <Text name="body" value="$article.body"/>
</View>"""


def predict(client, tasks, config=CONFIG):
    # As Label Studio 1.x sends it.
    return client.post(
        "/predict",
        json={
            "tasks": tasks,
            "model_version": None,
            "project": "7.1700000000",
            "label_config": config,
            "params": {"login": None, "password": None, "context": None},
        },
    )


def test_tasks_come_back_with_regions_in_the_words_of_their_configuration(client, tagger):
    body = {"id": 1, "data": {"article": {"body": TEXT}, "text": "Bob"}, "annotations": [], "predictions": []}
    answer = predict(client, [body, {"id": 2, "data": {"article": {"body": "Nobody."}}}]).json()
    found, nothing = answer["results"]
    names = {"PER": "Person", "LOC": "loc", "ORG": "ORG"}
    wanted = [entity for entity in tagger.tag(TEXT) if entity.label in names]
    assert [region["value"] for region in found["result"]] == [
        {"start": e.start, "end": e.end, "text": e.text, "labels": [names[e.label]]} for e in wanted
    ]
    assert {(r["from_name"], r["to_name"], r["type"]) for r in found["result"]} == {("kinds", "body", "labels")}
    assert len({region["id"] for region in found["result"]}) == len(wanted) > 2
    scores = [region["score"] for region in found["result"]]
    assert scores == pytest.approx([entity.score for entity in wanted], abs=1e-6)
    assert found["score"] == min(scores)
    assert nothing["result"] == []
    assert answer["model_version"] == found["model_version"] == nothing["model_version"]
    assert answer["model_version"] == tagger.version  # as `ner tag --format label-studio` writes it


def test_labels_that_a_configuration_has_not_are_left_out_and_without_one_all_have_their_own_names(client, tagger):
    only = '<View><Labels name="a" toName="b"><Label value="Loc"/></Labels><Text name="b" value="$text"/></View>'
    (found,) = predict(client, [{"data": {"text": TEXT}}], only).json()["results"]
    assert {region["value"]["labels"][0] for region in found["result"]} == {"Loc"}
    (found,) = predict(client, [{"data": {"text": TEXT}}], None).json()["results"]
    assert [region["value"]["labels"] for region in found["result"]] == [[e.label] for e in tagger.tag(TEXT)]
    assert {(region["from_name"], region["to_name"]) for region in found["result"]} == {("label", "text")}


def test_a_backend_is_connected_watched_and_told_of_events(client, tagger):
    setup = {"project": "7.1", "schema": CONFIG, "hostname": "", "access_token": "", "extra_params": None}
    answer = client.post("/setup", json=setup)
    assert answer.json()["model_version"] == tagger.version
    assert client.get("/health").json() == {"status": "UP", "model_class": "ner"}
    event = {"action": "ANNOTATION_CREATED", "project": {"id": 7}, "annotation": {"result": []}}
    assert client.post("/webhook", json=event).json() == {"status": "ignored"}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("<View>", "XML, found a fault in line 1: no element found"),
        ("<View><Text name='t' value='$text'/></View>", "<Labels> with the name of a <Text> in toName, found none"),
        (
            "<View><Labels name='l' toName='x'/><Text name='t' value='$text'/></View>",
            "<Labels> with the name of a <Text> in toName, found none",
        ),
        (
            "<View><Labels name='l' toName='t'/><Text name='t' value='hello'/></View>",
            '<Text> with a value such as "$text", found another',
        ),
        (
            '<!DOCTYPE x [<!ENTITY a "aaaa">]><View>&a;</View>',
            "XML without entities of its own, found a declaration of one",
        ),
    ],
)
def test_a_configuration_that_cannot_be_used_is_refused(client, config, message):
    for answer in (predict(client, [], config), client.post("/setup", json={"schema": config})):
        assert answer.status_code == 422
        assert answer.json()["error"]["message"] == f"label_config: expected {message}"


def test_a_task_without_the_text_is_refused(client):
    answer = predict(client, [{"data": {"article": "x"}}])
    assert answer.status_code == 422
    message = "tasks[0].data: expected a text under the key of the <Text>, found none"
    assert answer.json()["error"]["message"] == message


def test_presidios_client_gets_what_its_analyzer_would_tell(client, tagger):
    answer = client.post("/analyze", json={"text": TEXT, "language": "en"}).json()
    names = {"PER": "PERSON", "LOC": "LOCATION", "ORG": "ORGANIZATION", "MISC": "MISC"}
    assert [(one["entity_type"], one["start"], one["end"]) for one in answer] == [
        (names[e.label], e.start, e.end) for e in tagger.tag(TEXT)
    ]


@pytest.mark.slow  # importing Presidio takes seconds
def test_presidios_own_class_takes_an_answer_as_it_is(client, tagger):
    presidio = pytest.importorskip("presidio_analyzer", reason="presidio-analyzer isn't installed")
    answer = client.post("/analyze", json={"text": TEXT, "language": "en"}).json()
    results = [presidio.RecognizerResult.from_json(one) for one in answer]
    assert [result.score for result in results] == pytest.approx([e.score for e in tagger.tag(TEXT)], abs=1e-6)


def test_presidios_entities_and_threshold_leave_out_the_others(client):
    asked = {"text": [TEXT, "Nobody."], "language": "en", "entities": ["LOCATION"], "score_threshold": 0.5}
    first, second = client.post("/analyze", json=asked).json()
    assert {one["entity_type"] for one in first} == {"LOCATION"}
    assert second == []
    assert client.post("/analyze", json=asked | {"score_threshold": 1}).json() == [[], []]
    # AnalyzerEngine.analyze: `all_fields = not entities`
    everything = client.post("/analyze", json={"text": TEXT, "language": "en"}).json()
    assert everything
    assert client.post("/analyze", json={"text": TEXT, "language": "en", "entities": []}).json() == everything


def test_openapi_describes_each_path_and_its_examples_are_answered_as_it_says(client):
    document = client.get("/openapi.json").json()
    assert {*document["paths"]} == {
        "/v1/entities", "/v1/words", "/v1/models", "/health", "/ready", "/metrics",
        "/setup", "/predict", "/webhook", "/analyze",
    }  # fmt: skip
    answers = {"/v1/entities": EntitiesAnswer, "/v1/words": WordsAnswer, "/analyze": Analysis}
    seen = 0
    for path, methods in document["paths"].items():
        told = methods.get("post", {}).get("requestBody", {}).get("content", {}).get("application/json", {})
        for example in told.get("examples", {}).values():
            answer = client.post(path, json=example["value"])
            assert answer.status_code == 200, (path, answer.text)
            if path in answers:
                answers[path].model_validate_json(answer.content)
            seen += 1
    assert seen == sum(map(len, EXAMPLES.values()))
    ErrorAnswer.model_validate_json(client.post("/v1/entities", content=b"").content)


def test_every_reference_in_openapi_leads_to_a_schema(client):
    answer = client.get("/openapi.json")
    schemas = answer.json()["components"]["schemas"]
    assert set(re.findall(r'"#/components/schemas/(\w+)"', answer.text)) <= set(schemas)


def test_two_services_in_one_process_share_no_counter(tagger):
    with running({"a": tagger}) as one, running({"b": tagger}) as other:
        httpx.post(f"{one.base_url}/v1/entities", json={"text": TEXT})
        assert 'ner_requests_total{path="/v1/entities"' in one.get("/metrics").text
        assert 'ner_requests_total{path="/v1/entities"' not in other.get("/metrics").text
        assert other.get("/v1/models").json()["models"][0]["name"] == "b"
