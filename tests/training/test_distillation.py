"""Learning from teachers: the loss against enumeration, what is kept of teachers, and what students make of it."""

import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import ner
from ner.config import Config
from ner.crf.chain import Chain
from ner.crf.layer import CRF, Constraints
from ner.errors import ConfigError
from ner.features.feature import Material
from ner.features.vocabulary import fit_vocabularies
from ner.formats.corpus import Corpus
from ner.inference.loading import load_model, save_model
from ner.inference.prediction import reader_of
from ner.text.sentence import Sentence, sentence_from_words
from ner.training import distillation
from ner.training.distillation import Lessons, cross_entropy, take_lessons, training_sentences
from ner.training.events import Listener
from ner.training.training import train_model
from tests.tiny import predict_tags

MakeConfig = Callable[..., Config]

LENGTHS = [4, 1, 3]


def random_crf(num_tags: int, seed: int, *, constrained: bool) -> CRF:
    numbers = torch.Generator().manual_seed(seed)
    constraints = None
    if constrained:
        start, end = (torch.rand(num_tags, generator=numbers) < 0.6 for _ in range(2))
        transitions = torch.rand(num_tags, num_tags, generator=numbers) < 0.6
        start[0] = end[0] = transitions[0, 0] = True  # so that each sentence has a legal sequence
        constraints = Constraints(start, transitions, end)
    crf = CRF(num_tags, batch_first=True, constraints=constraints).double()
    for parameter in crf.parameters():
        parameter.data = torch.randn(parameter.shape, generator=numbers, dtype=torch.double)
    return crf


def random_batch(num_tags: int, seed: int) -> tuple[Tensor, Tensor]:
    emissions = 2 * torch.randn(
        3, max(LENGTHS), num_tags, generator=torch.Generator().manual_seed(seed), dtype=torch.double
    )
    return emissions, torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS).unsqueeze(1)


def lesson_of(chain: Chain, emissions: Tensor) -> list[Tensor]:
    counts = chain.expected_counts(emissions.numpy(), np.array(LENGTHS))
    return [torch.from_numpy(np.ascontiguousarray(part)) for part in counts]


def log_probabilities(crf: CRF, emissions: Tensor) -> dict[tuple[int, ...], float]:
    """The log-probability of each legal tag sequence of one sentence, by `torchcrf`'s score and a sum over all."""
    start, transitions, end = (part.tolist() for part in crf.transition_scores())
    emissions, scores = emissions.detach(), {}
    for tags in itertools.product(range(crf.num_tags), repeat=len(emissions)):
        parts = [start[tags[0]], end[tags[-1]], *(float(emissions[step, tag]) for step, tag in enumerate(tags))]
        total = sum(parts) + sum(transitions[a][b] for a, b in itertools.pairwise(tags))
        if total > -math.inf:
            scores[tags] = total
    partition = math.log(math.fsum(map(math.exp, scores.values())))
    return {tags: value - partition for tags, value in scores.items()}


@pytest.mark.parametrize("constrained", [False, True])
def test_the_loss_is_the_cross_entropy_summed_over_all_tag_sequences(constrained: bool) -> None:
    teacher, student = (random_crf(3, 1, constrained=constrained) for _ in range(2))
    for parameter in student.parameters():
        parameter.data = parameter.data.flip(0) * 1.5
    of_teacher, mask = random_batch(3, 2)
    of_student, _ = random_batch(3, 3)
    found = cross_entropy(student, of_student, mask, *lesson_of(teacher.chain(), of_teacher))
    for row, length in enumerate(LENGTHS):
        theirs = log_probabilities(teacher, of_teacher[row, :length])
        ours = log_probabilities(student, of_student[row, :length])
        wanted = -math.fsum(math.exp(value) * ours[tags] for tags, value in theirs.items())
        assert found[row].item() == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("constrained", [False, True])
def test_the_gradient_of_the_loss_is_that_of_small_differences(constrained: bool) -> None:
    student = random_crf(3, 4, constrained=constrained)
    teacher = random_crf(3, 4, constrained=constrained)  # with the same constraints
    emissions, mask = random_batch(3, 5)
    lesson = lesson_of(teacher.chain(), random_batch(3, 6)[0])

    def loss(emissions: Tensor, start: Tensor, transitions: Tensor, end: Tensor) -> Tensor:
        for name, part in (("start_transitions", start), ("transitions", transitions), ("end_transitions", end)):
            student._parameters[name] = part  # type: ignore[assignment]
        return cross_entropy(student, emissions, mask, *lesson)

    parts = (student.start_transitions, student.transitions, student.end_transitions)
    inputs = [part.detach().clone().requires_grad_() for part in (emissions, *parts)]
    assert torch.autograd.gradcheck(loss, inputs)


def test_a_student_with_the_weights_of_its_teacher_has_nothing_to_learn() -> None:
    crf = random_crf(4, 7, constrained=True)
    emissions, mask = random_batch(4, 8)
    lesson = lesson_of(crf.chain(), emissions)
    emissions.requires_grad_()
    loss = cross_entropy(crf, emissions, mask, *lesson)
    loss.sum().backward()
    for tensor in (emissions, *crf.parameters()):
        assert tensor.grad is not None
        assert tensor.grad.abs().max() < 1e-12
    for row, length in enumerate(LENGTHS):  # and its loss is the teacher's entropy
        logs = log_probabilities(crf, emissions[row, :length]).values()
        assert loss[row].item() == pytest.approx(-math.fsum(math.exp(log) * log for log in logs), abs=1e-9)


def test_lessons_of_a_batch_are_those_of_its_sentences_with_zeros_at_padding() -> None:
    marginals = np.arange(8, dtype=np.float32).reshape(4, 2) + 1
    transitions = np.float32([[5, 6], [7, 8]])
    weights = np.float32([0.5, 1])
    lessons = Lessons(np.array([0, 3]), np.array([3, 1]), weights, marginals, transitions, np.array([0, 3]))
    found = lessons.of(np.array([1, 0]))
    assert found.weights.tolist() == [1, 0.5]
    assert found.marginals.tolist() == [[[7, 8], [0, 0], [0, 0]], [[1, 2], [3, 4], [5, 6]]]
    assert found.transitions.tolist() == [[[7, 0], [0, 8]], [[5, 0], [0, 6]]]
    assert lessons.size == 4 * (8 + 4)


@pytest.fixture
def teach(corpus: Corpus, make_config: MakeConfig, tmp_path: Path) -> Callable[..., str]:
    """The folder of a model trained with these settings."""

    def make(name: str, sentences: list[Sentence] | None = None, **settings: object) -> str:
        model = train_model(make_config(**settings), Corpus(sentences or corpus.train, [], []))
        save_model(model, tmp_path / name)
        return str(tmp_path / name)

    return make


def lessons_of(config: Config, corpus: Corpus, listener: Listener = Listener()) -> Lessons:
    sentences = training_sentences(corpus)
    vocabularies = fit_vocabularies(Material(sentences, config))
    found = take_lessons(config, sentences, vocabularies, num_labelled=len(corpus.train), listener=listener)
    assert found
    return found


def test_a_teacher_of_other_words_cell_and_features_tells_the_gradient_of_its_own_log_partition(
    corpus: Corpus, make_config: MakeConfig, teach: Callable[..., str]
) -> None:
    teacher = teach("teacher", corpus.train[:6], cell="gru", hidden_dim=5, char_encoder="lstm", casing_dim=3)
    found = lessons_of(make_config(teachers=[teacher]), corpus)
    model = load_model(teacher, "cpu")
    for read in reader_of(model).emitted(corpus.train):
        emissions = torch.from_numpy(read.emissions.copy()).requires_grad_()
        mask = torch.arange(emissions.shape[1]) < torch.from_numpy(read.lengths).unsqueeze(1)
        for parameter in model.network.crf.parameters():
            parameter.grad = None
        model.network.crf.log_partition(emissions, mask).sum().backward()
        lesson = found.of(read.rows)
        assert emissions.grad is not None
        torch.testing.assert_close(lesson.marginals, emissions.grad, rtol=0, atol=1e-5)
        wanted = model.network.crf.transitions.grad
        torch.testing.assert_close(lesson.transitions.sum(0), wanted, rtol=0, atol=1e-4)


def test_what_several_teachers_expect_is_averaged(
    corpus: Corpus, make_config: MakeConfig, teach: Callable[..., str]
) -> None:
    folders = [teach(f"seed{seed}", seed=seed) for seed in (1, 2)]
    one, other, both = (
        lessons_of(make_config(teachers=names), corpus) for names in ([folders[0]], [folders[1]], folders)
    )
    np.testing.assert_allclose(both.marginals, (one.marginals + other.marginals) / 2, atol=1e-6)
    np.testing.assert_allclose(both.transitions, (one.transitions + other.transitions) / 2, atol=1e-5)
    assert np.abs(one.marginals - other.marginals).max() > 1e-3


def test_teachers_read_portion_by_portion_what_they_read_at_once(
    corpus: Corpus, make_config: MakeConfig, teach: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = make_config(teachers=[teach("teacher")])
    whole = lessons_of(config, corpus)
    told: list[str] = []
    monkeypatch.setattr(distillation, "_TOGETHER", 3)
    parts = lessons_of(config, corpus, Listener(on_message=told.append))
    np.testing.assert_allclose(parts.marginals, whole.marginals, atol=1e-6)
    np.testing.assert_allclose(parts.transitions, whole.transitions, atol=1e-5)
    assert [line.rpartition(",")[0].rpartition(": ")[2] for line in told[:3]] == [
        f"{done} of 8 sentences read" for done in (3, 6, 8)
    ]
    assert told[3] == "what the teachers expect takes 0 MB of memory"


def test_where_documents_are_marked_none_is_in_two_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distillation, "_TOGETHER", 2)
    opens = [True, False, False, True, True, False, True]
    marked = [replace(sentence_from_words(["a"]), opens_document=open_) for open_ in opens]
    assert [len(part) for part in distillation._portions(marked)] == [3, 3, 1]
    unmarked = [sentence_from_words(["a"])] * 5
    assert [len(part) for part in distillation._portions(unmarked)] == [2, 2, 1]


def test_with_the_whole_weight_on_teachers_gold_tags_say_nothing(
    corpus: Corpus, make_config: MakeConfig, teach: Callable[..., str]
) -> None:
    config = make_config(teachers=[teach("teacher")], teacher_weight=1.0)
    turned = [sentence_from_words(s.words, [*(s.tags or ())][::-1]) for s in corpus.train[-1:]]
    turned = [sentence_from_words(s.words, [tag.replace("I-", "B-") for tag in s.tags or ()]) for s in turned]
    first = train_model(config, Corpus(corpus.train, [], []))
    second = train_model(config, Corpus([*corpus.train[:-1], *turned], [], []))
    ours, theirs = first.network.state_dict(), second.network.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    plain = train_model(make_config(), Corpus(corpus.train, [], [])).network.state_dict()
    assert not all(torch.equal(ours[name], plain[name]) for name in ours)


@pytest.mark.parametrize("weight", [0.5, 1.0])
def test_a_student_learns_by_heart_what_its_teacher_knows(
    corpus: Corpus, make_config: MakeConfig, teach: Callable[..., str], weight: float
) -> None:
    teacher = teach("teacher", epochs=25, dropout=0.0, char_dropout=0.0, unknown_rate=0.0)
    settings = {"epochs": 30, "dropout": 0.0, "char_dropout": 0.0, "unknown_rate": 0.0}
    model = train_model(make_config(teachers=[teacher], teacher_weight=weight, **settings), corpus)
    assert predict_tags(model, corpus.train) == predict_tags(load_model(teacher, "cpu"), corpus.train)
    assert model.metrics["training"]["teachers"] == [teacher]


def test_unlabelled_text_teaches_words_that_no_gold_tag_ever_stood_at(
    corpus: Corpus, make_config: MakeConfig, teach: Callable[..., str]
) -> None:
    settings = {"dropout": 0.0, "char_dropout": 0.0, "unknown_rate": 0.0, "char_encoder": "none", "epochs": 40}
    teacher = teach("teacher", **settings)
    known = [replace(s, opens_document=False) for s in corpus.train[:6]]
    only = [Sentence(s.tokens) for s in corpus.train[6:]]
    model = train_model(make_config(teachers=[teacher], **settings), Corpus(known, [], [], only))
    assert predict_tags(model, only) == [[*(s.tags or ())] for s in corpus.train[6:]]
    assert model.metrics["training"]["sentences"] == 6
    assert model.metrics["training"]["unlabelled_sentences"] == 2
    assert model.metrics["training"]["tokens"] == sum(len(s.spelled) for s in known)


def test_partly_labelled_sentences_are_learned_with_teachers_too(
    corpus: Corpus, make_config: MakeConfig, teach: Callable[..., str]
) -> None:
    teacher = teach("teacher", epochs=25, dropout=0.0, unknown_rate=0.0)
    partial = [*corpus.train[:4], *(sentence_from_words(s.words, ["?"] * len(s.spelled)) for s in corpus.train[4:])]
    config = make_config(teachers=[teacher], epochs=30, dropout=0.0, char_dropout=0.0, unknown_rate=0.0)
    model = train_model(config, Corpus(partial, [], []))
    assert predict_tags(model, corpus.train) == predict_tags(load_model(teacher, "cpu"), corpus.train)


def marks(sentences: list[Sentence]) -> list[bool]:
    return [sentence.opens_document for sentence in sentences]


@pytest.mark.parametrize(
    ("train", "unlabelled", "wanted"),
    [
        ([False, False], [False, False], [False, False, False, False]),
        ([True, False], [True, False], [True, False, True, False]),
        ([True, False], [False, True], [True, False, True, True]),
        ([True, False], [False, False], [True, False, True, True]),
        ([False, False], [True, False], [True, True, True, False]),
    ],
)
def test_no_document_holds_both_labelled_and_unlabelled_sentences(
    train: list[bool], unlabelled: list[bool], wanted: list[bool]
) -> None:
    def sentences(opens: list[bool], tags: list[str] | None) -> list[Sentence]:
        return [replace(sentence_from_words(["a"], tags), opens_document=open_) for open_ in opens]

    found = training_sentences(Corpus(sentences(train, ["O"]), [], [], sentences(unlabelled, None)))
    assert marks(found) == wanted
    assert all(sentence.tags == ("O",) for sentence in found)


def test_a_teacher_of_other_labels_is_refused_before_anything_is_trained(
    corpus: Corpus, make_config: MakeConfig, teach: Callable[..., str]
) -> None:
    other = [sentence_from_words(["Oslo"], ["B-LOC"])]
    teacher = teach("teacher", other)
    with pytest.raises(ConfigError) as caught:
        train_model(make_config(teachers=[teacher]), corpus)
    assert str(caught.value) == (
        f"{teacher}: expected a teacher of the labels of the training corpus (LOC, PER), found one of LOC; "
        "train one on a corpus with these labels"
    )


def test_a_teacher_that_cuts_text_otherwise_is_refused_where_text_was_cut(
    corpus: Corpus, make_config: MakeConfig, teach: Callable[..., str]
) -> None:
    config = make_config(teachers=[teach("teacher")])
    config = config.model_copy(update={"data": config.data.model_copy(update={"tokenizer": "spaces"})})
    train_model(config, corpus)  # of tokens that are there it may tell
    with pytest.raises(ConfigError) as caught:
        train_model(config, replace(corpus, unlabelled=[sentence_from_words(["Oslo"])]))
    assert str(caught.value) == (
        f'{config.training.teachers[0]}: expected a teacher whose data.tokenizer is "spaces", as the text of '
        'data.unlabelled was cut, found "words"; set data.tokenizer = "words", or name another teacher'
    )


def test_unlabelled_text_without_a_teacher_is_refused(corpus: Corpus, make_config: MakeConfig) -> None:
    with pytest.raises(ConfigError) as caught:
        train_model(make_config(), replace(corpus, unlabelled=[sentence_from_words(["Oslo"])]))
    assert str(caught.value) == (
        "data.unlabelled: expected a teacher that tells of its text, found none; name one with --teacher "
        "(training.teachers), or leave data.unlabelled out"
    )


def test_teachers_that_are_named_in_python_replace_those_of_the_settings(
    corpus: Corpus, make_config: MakeConfig, teach: Callable[..., str]
) -> None:
    teacher = teach("teacher")
    tagger = ner.train(make_config(teachers=["nowhere"], epochs=1), corpus, teachers=[Path(teacher)])
    assert tagger.config.training.teachers == (teacher,)
