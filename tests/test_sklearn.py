"""scikit-learn's own tools on our estimator; what it predicts is what its tagger does."""

import pickle

import pytest

import ner
from ner.errors import ConfigError, DataError
from ner.text.sentence import sentence_from_words
from ner.text.tags import convert_tags, tags_to_spans

sklearn = pytest.importorskip("sklearn", reason="the extra sklearn isn't installed")

from sklearn.base import clone  # noqa: E402
from sklearn.exceptions import NotFittedError  # noqa: E402
from sklearn.model_selection import GridSearchCV, cross_val_score  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import FunctionTransformer  # noqa: E402

from ner.sklearn import Recognizer  # noqa: E402

X = [["Anna", "left", "Rome"], ["Bert", "Smith", "slept"], ["Rome", "fell"], ["He", "left"], []]
Y = [["B-PER", "O", "B-LOC"], ["B-PER", "I-PER", "O"], ["B-LOC", "O"], ["O", "O"], []]
SMALL = {
    "features.document_context": False,
    "model.char_encoder": "cnn",
    "model.char_hidden_dim": 4,
    "model.word_dim": 8,
    "model.precision": "fp32",
    "training.batch_size": 2,
    "training.calibrate": False,
    "run.threads": 1,
    "run.device": "cpu",
}


@pytest.fixture
def trained(monkeypatch, tagger):
    """Trains nothing: each training is kept, and gives a tagger that is there."""
    calls = []

    def train(config, corpus, *, progress):
        calls.append((config, corpus))
        return tagger

    monkeypatch.setattr("ner.trainer.train", train)
    return calls


def make(**options):
    return Recognizer(settings=SMALL, **options)


@pytest.mark.filterwarnings("ignore:.*:UserWarning")  # so small a corpus may teach nothing
def test_a_trained_one_predicts_as_its_tagger_does_and_survives_pickling():
    recognizer = make(epochs=12, hidden_dim=6, dev_size=0).fit(X * 4, Y * 4)
    predicted = recognizer.predict(X)
    assert predicted == recognizer.tagger_.tag_sentences([sentence_from_words(words) for words in X])
    assert recognizer.classes_ == ["B-LOC", "B-PER", "I-LOC", "I-PER", "O"]
    again = pickle.loads(pickle.dumps(recognizer))
    assert again.predict(X) == predicted
    assert again.get_params() == recognizer.get_params()
    assert again.score(X, Y) == recognizer.score(X, Y)
    assert pickle.loads(pickle.dumps(clone(recognizer))).get_params() == recognizer.get_params()


def test_a_fitted_one_needs_its_recipe_no_more(trained, tagger, tmp_path):
    recipe = tmp_path / "recipe.toml"
    recipe.write_text("[model]\nhidden_dim = 6\n", encoding="utf-8")
    recognizer = Recognizer(config=recipe).fit(X, Y)
    recipe.unlink()
    tags = tagger.tag_sentences([sentence_from_words(words) for words in X])
    assert recognizer.predict(X) == tags
    assert recognizer.score(X, tags) in (0.0, 1.0)  # 0 where it finds nothing
    assert len(recognizer.predict_marginals(X)) == len(X)


def test_settings_and_parameters_reach_the_training(trained):
    recognizer = make(epochs=3, hidden_dim=20, random_state=7)
    recognizer.set_params(settings={**SMALL, "model.dropout": 0.25, "training.seed": 9})
    recognizer.fit(X, Y)
    config = trained[0][0]
    assert (config.training.epochs, config.model.hidden_dim, config.model.dropout) == (3, 20, 0.25)
    assert config.training.seed == 9  # what is set by name goes before a parameter
    named = Recognizer(config=config.model_copy(), epochs=4).fit(X, Y)
    assert named.tagger_ is recognizer.tagger_
    assert (trained[1][0].training.epochs, trained[1][0].model.dropout) == (4, 0.25)


def test_the_dev_sentences_are_a_share_at_equal_distances_or_those_that_are_given(trained):
    words = [[f"w{number}"] for number in range(20)]
    tags = [["O"]] * 20
    make(dev_size=0.2).fit(words, tags)
    make(dev_size=0).fit(words, tags)
    make().fit(words, tags, X_dev=X[:1], y_dev=Y[:1])
    (_, share), (_, none), (_, given) = trained
    assert [s.words for s in share.dev] == [["w4"], ["w9"], ["w14"], ["w19"]]
    assert [s.words for s in share.train] == [w for w in words if w not in [s.words for s in share.dev]]
    assert (len(none.train), none.dev) == (20, [])
    assert (len(given.train), [s.words for s in given.dev], given.dev[0].tags) == (20, X[:1], ("B-PER", "O", "B-LOC"))


@pytest.mark.parametrize("scheme", ["iob1", "iob2", "bioes", "bilou", "bmes"])
def test_tags_are_read_in_any_scheme_and_predicted_in_it(trained, tagger, scheme):
    rows = [convert_tags(tags, scheme) for tags in Y]
    recognizer = make(dev_size=0).fit(X, rows)
    assert [list(s.tags) for s in trained[0][1].train] == Y
    words = ["Angela", "Merkel", "visited", "Paris", "."]
    (predicted,) = recognizer.predict([words])
    wanted = tagger.tag_words(words)
    assert wanted.count("O") < 4
    assert tags_to_spans(predicted) == tags_to_spans(wanted)
    assert predicted == (wanted if scheme == "iob1" else convert_tags(wanted, scheme))
    assert set(predicted) <= set(recognizer.classes_)


def test_tags_of_labels_alone_are_read_where_a_setting_says_so(trained, tagger):
    recognizer = Recognizer(settings={**SMALL, "data.scheme": "io"}).fit([["Anna", "left"]] * 3, [["PER", "O"]] * 3)
    assert recognizer.classes_ == ["LOC", "MISC", "O", "ORG", "PER"]
    assert recognizer.predict([["Angela", "Merkel", "slept"]]) == [["PER", "PER", "O"]]


@pytest.mark.parametrize("scheme", ["iob2", "bioes"])
def test_marginals_are_probabilities_whose_spans_are_the_taggers(trained, tagger, scheme):
    recognizer = make(dev_size=0).fit(X, [convert_tags(tags, "bioes") for tags in Y] if scheme == "bioes" else Y)
    words = ["Angela", "Merkel", "visited", "Paris", "."]
    marginals, empty = recognizer.predict_marginals([words, []])
    assert empty == []
    for row in marginals:
        assert list(row) == recognizer.classes_
        assert sum(row.values()) == pytest.approx(1, abs=1e-5)
    # A word that is an entity alone, or opens one, is of a tag that begins: B in IOB2, B or S in BIOES.
    ((span, score),) = [each for each in tagger.find_spans([sentence_from_words(words)])[0] if each[0].start == 3]
    alone = marginals[3][f"{'S' if scheme == 'bioes' else 'B'}-{span.label}"]
    assert alone == pytest.approx(score, abs=1e-4) if scheme == "bioes" else alone >= score - 1e-5


def test_the_score_is_f1_of_whole_entities(trained, tagger):
    recognizer = make(dev_size=0).fit(X, Y)
    words = ["Angela", "Merkel", "visited", "Paris", "."]
    tags = tagger.tag_words(words)
    assert recognizer.score([words], [tags]) == 1
    shorter = ["B-PER", "O", *tags[2:]]  # one of two entities is another
    assert recognizer.score([words], [shorter]) == pytest.approx(1 / 2)


def test_it_is_cloned_piped_cross_validated_and_searched_as_any_estimator(trained, sample_en):
    sentences = ner.read_conll(sample_en / "dev.conll")[:12]
    words, tags = [s.words for s in sentences], [list(s.tags) for s in sentences]
    recognizer = make(epochs=1)
    assert clone(recognizer).get_params() == recognizer.get_params()
    scores = cross_val_score(recognizer, words, tags, cv=3)
    assert len(scores) == 3
    assert 0 < min(scores) <= max(scores) <= 1
    assert [len(corpus.train) + len(corpus.dev) for _, corpus in trained] == [8, 8, 8]
    grid = {"hidden_dim": [4, 8], "settings": [SMALL, {**SMALL, "model.dropout": 0.1}]}
    search = GridSearchCV(recognizer, grid, cv=2).fit(words, tags)
    tried = {(config.model.hidden_dim, config.model.dropout) for config, _ in trained[3:]}
    assert len(tried) == 4
    assert search.predict(words[:1]) == search.best_estimator_.predict(words[:1])
    pipeline = make_pipeline(FunctionTransformer(lambda texts: [text.split() for text in texts]), make())
    texts = [" ".join(each) for each in words]
    assert pipeline.fit(texts, tags).predict(texts) == recognizer.fit(words, tags).predict(words)


@pytest.mark.parametrize(
    ("words", "tags", "kind", "message"),
    [
        ("Rome", Y, ConfigError, "X: expected a list of sentences, each a list of strings, found 'Rome'"),
        (X, 5, ConfigError, "y: expected a list of sentences, each a list of strings, found 5"),
        (["Rome fell"], [["O"]], DataError, "X[0]: expected a list of strings, one a word, found 'Rome fell'"),
        (
            [["a", {"lower": "b"}]],
            [["O", "O"]],
            DataError,
            "X[0][1]: expected a string, found {'lower': 'b'}; words are given as they are, features are made of them "
            "here",
        ),
        ([["a", 1.5]], [["O", "O"]], DataError, "X[0][1]: expected a string, found 1.5"),
        (X, Y[1:], DataError, "X and y: expected as many of both, found 5 and 4"),
        (
            [["Rome", "fell"]],
            [["O"]],
            DataError,
            "y[0]: expected 2 tags, one a word of X[0], found 1",
        ),
        (
            [["He", "left"], ["Rome"]],
            [["O", "O"], ["LOC"]],
            DataError,
            "y[1]: expected a tag such as O, B-PER or I-PER, found 'LOC'; settings data.scheme and data.tag_pattern "
            "say how tags are written",
        ),
    ],
)
def test_what_is_not_words_and_tags_is_told_by_its_place(trained, words, tags, kind, message):
    with pytest.raises(kind) as error:
        make().fit(words, tags)
    assert str(error.value) == message


def test_a_tag_of_another_scheme_than_the_settings_say_is_told_by_its_place(trained):
    with pytest.raises(DataError) as error:
        Recognizer(settings={**SMALL, "data.scheme": "iob2"}).fit([["Rome"]], [["S-LOC"]])
    assert str(error.value) == "y[0]: expected a tag of scheme iob2, found 'S-LOC'"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dev_size": 1}, "dev_size: expected a share from 0 to below 1, found 1"),
        ({"dev_size": "a tenth"}, "dev_size: expected a share from 0 to below 1, found 'a tenth'"),
        ({"config": 5}, "config: expected a recipe's path, a Config, or None, found 5"),
        ({"settings": [1]}, 'settings: expected settings by name, such as {"model.dropout": 0.3}, found [1]'),
        (
            {"settings": {"dropout": 0.5}},
            "settings: expected names such as \"model.dropout\", found 'dropout'; `ner settings` lists them",
        ),
        (
            {"settings": {"model.droput": 0.5}},
            "Recognizer: unknown key model.droput; did you mean model.dropout?",
        ),
    ],
)
def test_a_wrong_parameter_is_told_when_it_is_fitted(trained, options, message):
    with pytest.raises(ConfigError) as error:
        Recognizer(**options).fit(X, Y)
    assert str(error.value) == message


@pytest.mark.parametrize(("given", "found"), [({"X_dev": X}, "X_dev"), ({"y_dev": Y}, "y_dev")])
def test_half_a_dev_set_is_refused_and_not_left_out(trained, given, found):
    with pytest.raises(ConfigError) as error:
        make().fit(X, Y, **given)
    assert str(error.value) == f"X_dev and y_dev: expected both or neither, found {found} alone"
    assert not trained


@pytest.mark.parametrize("use", ["predict", "predict_marginals"])
def test_one_that_was_not_fitted_says_so(use):
    with pytest.raises(NotFittedError):
        getattr(make(), use)(X)
