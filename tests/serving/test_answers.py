"""What the service answers is what the tagger says, over HTTP."""

import pytest

import ner
from ner.text.sentence import sentence_from_words

TEXT = "Angela Merkel visited Paris.\nIBM left Berlin for New York."
TEXTS = [TEXT, "", "Nobody spoke.", "😀 Angela Merkel met 𝒳 in Berlin."]


def asked(client, path="/v1/entities", **request):
    answer = client.post(path, json=request)
    assert answer.status_code == 200, answer.text
    return answer.json()


def as_dicts(entities):
    return [entity.as_dict() for entity in entities]


def test_entities_are_those_of_the_tagger_with_their_scores(client, tagger):
    answer = asked(client, text=TEXT)
    wanted = as_dicts(tagger.tag(TEXT))
    assert len(wanted) > 2
    assert answer["model"] == "small"
    (result,) = answer["results"]
    for found, entity in zip(result["entities"], wanted, strict=True):
        assert found.pop("score") == pytest.approx(entity.pop("score"), abs=1e-6)
        assert found == entity


def test_each_of_several_texts_has_its_result_in_their_order(client, tagger):
    results = asked(client, texts=TEXTS)["results"]
    for text, result in zip(TEXTS, results, strict=True):
        assert [(e["start"], e["end"], e["label"]) for e in result["entities"]] == [
            (e.start, e.end, e.label) for e in tagger.tag(text)
        ]


def test_documents_get_their_names_back(client):
    results = asked(client, documents=[{"id": "a", "text": TEXT}, {"text": "Nobody."}])["results"]
    assert [result.get("id") for result in results] == ["a", None]
    assert asked(client, texts=[])["results"] == asked(client, documents=[])["results"] == []


@pytest.mark.parametrize("threshold", [0.1, 0.9])
def test_a_threshold_finds_what_a_tagger_with_it_finds(client, small_model, threshold):
    wanted = ner.load(small_model, device="cpu", threshold=threshold).tag(TEXT)
    (result,) = asked(client, text=TEXT, threshold=threshold)["results"]
    assert [(e["text"], e["label"]) for e in result["entities"]] == [(e.text, e.label) for e in wanted]


def test_a_least_score_and_labels_leave_out_the_others(client, tagger):
    entities = tagger.tag(TEXT)
    middle = sorted(entity.score for entity in entities)[1]
    (result,) = asked(client, text=TEXT, min_score=middle - 1e-5)["results"]
    assert [e["start"] for e in result["entities"]] == [e.start for e in entities if e.score > middle - 1e-5]
    (result,) = asked(client, text=TEXT, labels=["LOC"])["results"]
    assert [e["start"] for e in result["entities"]] == [e.start for e in entities if e.label == "LOC"]
    assert asked(client, text=TEXT, labels=[])["results"] == [{"entities": []}]


def test_labellings_are_the_best_of_each_sentence_with_its_place(client, tagger):
    (result,) = asked(client, text=TEXT, k_best=3)["results"]
    assert [TEXT[s["start"] : s["end"]] for s in result["sentences"]] == TEXT.split("\n")
    for found, wanted in zip(result["sentences"], tagger.k_best(TEXT, k=3), strict=True):
        assert [each["probability"] for each in found["labellings"]] == pytest.approx(
            [each.probability for each in wanted], abs=1e-6
        )
        texts = [[entity["text"] for entity in each["entities"]] for each in found["labellings"]]
        assert texts == [[entity.text for entity in each.entities] for each in wanted]


def test_offsets_in_utf16_are_places_in_the_utf16_of_the_text(client):
    text = "😀 Angela Merkel met 𝒳 in Berlin."
    (result,) = asked(client, text=text, offsets="utf16", k_best=1)["results"]
    encoded = text.encode("utf-16-le")
    assert result["entities"]
    for place in (*result["entities"], *result["sentences"][0]["labellings"][0]["entities"]):
        assert encoded[2 * place["start"] : 2 * place["end"]].decode("utf-16-le") == place["text"]


def test_words_get_the_tags_that_the_tagger_gives_each_sentence_by_itself(client, tagger):
    sentences = [["Angela", "Merkel", "visited", "Paris"], [], ["Berlin", "and", "Berlin"]]
    answer = asked(client, "/v1/words", sentences=sentences)
    assert [result["tags"] for result in answer["results"]] == [tagger.tag_words(words) for words in sentences]
    (spans,) = tagger.find_spans([sentence_from_words(sentences[0])])
    assert spans
    for found, (span, score) in zip(answer["results"][0]["entities"], spans, strict=True):
        assert found == {"label": span.label, "start": span.start, "end": span.end, "score": pytest.approx(score)}


def test_a_model_is_asked_by_its_name(client):
    assert asked(client, text=TEXT, model="other")["model"] == "other"
    models = client.get("/v1/models").json()["models"]
    assert [(model["name"], model["labels"]) for model in models] == [
        (name, ["LOC", "MISC", "ORG", "PER"]) for name in ("small", "other")
    ]
