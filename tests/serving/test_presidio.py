"""The recognizer in Presidio's own analyzer, without a model of spaCy's."""

import pickle

import pytest

import ner
from ner.errors import ConfigError

pytest.importorskip("presidio_analyzer", reason="the extra presidio isn't installed")

from presidio_analyzer import AnalyzerEngine, BatchAnalyzerEngine, RecognizerRegistry
from presidio_analyzer.nlp_engine import NoOpNlpEngine

from ner.serving.presidio import NerRecognizer, make_analyzer

TEXT = "Angela Merkel visited Paris. Her phone is 212-555-0187, her address angela@example.org."


@pytest.fixture(scope="module")
def recognizer(small_model):
    return NerRecognizer(small_model, runtime="numpy")


@pytest.fixture(scope="module")
def analyzer(recognizer):
    return make_analyzer(recognizer)


@pytest.fixture(scope="module")
def here(small_model):
    return ner.load(small_model, runtime="numpy")


def by_place(results):
    return [(r.start, r.end, r.entity_type) for r in sorted(results, key=lambda r: r.start)]


def test_presidio_finds_the_taggers_entities_under_its_own_names_with_their_probabilities(analyzer, here):
    entities = here.tag("Angela Merkel visited Paris.")
    results = analyzer.analyze("Angela Merkel visited Paris.", language="en")
    names = {"PER": "PERSON", "LOC": "LOCATION"}
    assert len(entities) == 2
    assert by_place(results) == [(e.start, e.end, names[e.label]) for e in entities]
    scores = [r.score for r in sorted(results, key=lambda r: r.start)]
    assert scores == pytest.approx([e.score for e in entities], abs=1e-9)


def test_its_own_patterns_work_beside_and_see_the_context(analyzer):
    results = analyzer.analyze(TEXT, language="en")
    found = {TEXT[r.start : r.end]: r for r in results}
    assert found["Angela Merkel"].entity_type == "PERSON"
    assert found["212-555-0187"].entity_type == "PHONE_NUMBER"
    assert found["angela@example.org"].entity_type == "EMAIL_ADDRESS"
    bare = {r.entity_type: r.score for r in analyzer.analyze("It is 212-555-0187.", language="en")}
    assert found["212-555-0187"].score > bare["PHONE_NUMBER"]  # "phone" stands before it


def test_only_what_is_asked_for_is_told(analyzer, recognizer):
    assert by_place(analyzer.analyze(TEXT, language="en", entities=["LOCATION"])) == [(22, 27, "LOCATION")]
    assert [r.entity_type for r in recognizer.analyze(TEXT, [])] == ["PERSON", "LOCATION"]
    assert recognizer.supported_entities == ["LOCATION", "ORGANIZATION", "PERSON"]


def test_names_and_ignored_labels_are_settings(small_model):
    recognizer = NerRecognizer(small_model, labels={"PER": "HUMAN"}, ignored=["LOC"], language="de", runtime="numpy")
    assert recognizer.supported_entities == ["HUMAN", "MISC", "ORG"]
    assert [r.entity_type for r in recognizer.analyze(TEXT, [])] == ["HUMAN"]
    assert recognizer.supported_language == "de"


def test_why_it_was_found_is_told_and_the_analyzer_knows_who_found_it(analyzer, recognizer):
    results = analyzer.analyze("Angela Merkel left.", language="en", return_decision_process=True)
    (person,) = [r for r in results if r.entity_type == "PERSON"]
    assert person.analysis_explanation.recognizer == "NerRecognizer"
    told = person.analysis_explanation.textual_explanation
    assert told == f"PER of the model, probability {person.score:.4g}"
    assert person.recognition_metadata["recognizer_identifier"] == recognizer.id


def test_it_works_in_an_analyzer_that_a_user_makes_and_in_batches(recognizer):
    registry = RecognizerRegistry(recognizers=[recognizer], supported_languages=["en"])
    engine = NoOpNlpEngine([{"lang_code": "en", "model_name": ""}])
    analyzer = AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=["en"])
    texts = ["Angela Merkel left.", "", "Angela Merkel visited Paris."]
    found = BatchAnalyzerEngine(analyzer).analyze_iterator(texts, language="en")
    assert [[r.entity_type for r in results] for results in found] == [["PERSON"], [], ["PERSON", "LOCATION"]]


def test_a_recognizer_is_pickled_with_its_model(recognizer):
    again = pickle.loads(pickle.dumps(recognizer))
    assert by_place(again.analyze(TEXT, [])) == by_place(recognizer.analyze(TEXT, []))


def test_presidios_anonymizer_takes_the_results(analyzer):
    pytest.importorskip("presidio_anonymizer", reason="presidio-anonymizer isn't installed")
    from presidio_anonymizer import AnonymizerEngine

    hidden = AnonymizerEngine().anonymize(TEXT, analyzer.analyze(TEXT, language="en"))
    assert hidden.text == ("<PERSON> visited <LOCATION>. Her phone is <PHONE_NUMBER>, her address <EMAIL_ADDRESS>.")


def test_a_model_in_place_of_a_recognizer_is_refused():
    with pytest.raises(ConfigError) as error:
        make_analyzer("en")
    assert str(error.value) == "recognizer: expected a NerRecognizer, found 'en'; NerRecognizer(MODEL) makes one"
