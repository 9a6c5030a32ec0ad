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
from ner.config import Config, parse_config
from ner.crf.chain import Chain
from ner.crf.layer import CRF, Constraints
from ner.errors import ConfigError, InterruptionError
from ner.features.feature import Material
from ner.features.vocabulary import fit_vocabularies
from ner.formats.corpus import Corpus
from ner.inference.loading import load_model, save_model
from ner.inference.prediction import reader_of
from ner.text.sentence import Sentence, sentence_from_words
from ner.text.tags import legal_transitions
from ner.training import distillation
from ner.training.distillation import Lessons, cross_entropy, take_lessons, training_sentences
from ner.training.events import Listener
from ner.training.training import train_model
from tests.tiny import TEXT, plain_settings, predict_tags, read_pairs

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


# By these a tiny network knows its sentences by heart.
BY_HEART = {
    "epochs": 15,
    "batch_size": 2,
    "learning_rate": 0.1,
    "dropout": 0.0,
    "char_dropout": 0.0,
    "unknown_rate": 0.0,
}


def configure(**settings: object) -> Config:
    """Settings of a tiny network."""
    tree = plain_settings()
    tree["model"] |= {"word_dim": 8, "char_dim": 5, "char_hidden_dim": 5, "hidden_dim": 8, "dropout": 0.2}
    tree["training"] |= {"epochs": 2, "batch_size": 3, "learning_rate": 0.05}
    for key, value in settings.items():
        tree["model" if key in tree["model"] or key in ("cell", "char_dropout", "constraints") else "training"][key] = (
            value
        )
    return parse_config(tree, "test")


def save(folder: Path, config: Config, sentences: list[Sentence]) -> str:
    save_model(train_model(config, Corpus(sentences, [], [])), folder)
    return str(folder)


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of a model that knows the tiny corpus by heart."""
    return save(tmp_path_factory.mktemp("teacher") / "model", configure(**BY_HEART), read_pairs(TEXT))


@pytest.fixture(scope="module")
def other_teacher(tmp_path_factory: pytest.TempPathFactory) -> str:
    """That of another one, of fewer words, another cell and other features."""
    config = configure(cell="gru", hidden_dim=5, char_encoder="lstm", casing_dim=3)
    return save(tmp_path_factory.mktemp("other") / "model", config, read_pairs(TEXT)[:6])


def lessons_of(config: Config, corpus: Corpus, listener: Listener = Listener()) -> Lessons:
    sentences = training_sentences(corpus)
    vocabularies = fit_vocabularies(Material(sentences, config))
    found = take_lessons(
        config, sentences, vocabularies=vocabularies, num_labelled=len(corpus.train), listener=listener
    )
    assert found
    return found


def test_a_teacher_of_other_words_cell_and_features_tells_the_gradient_of_its_own_log_partition(
    corpus: Corpus, other_teacher: str
) -> None:
    found = lessons_of(configure(teachers=[other_teacher]), corpus)
    model = load_model(other_teacher, "cpu")
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


def test_what_several_teachers_expect_is_averaged(corpus: Corpus, teacher: str, other_teacher: str) -> None:
    named = ([teacher], [other_teacher], [teacher, other_teacher])
    one, other, both = (lessons_of(configure(teachers=names), corpus) for names in named)
    np.testing.assert_allclose(both.marginals, (one.marginals + other.marginals) / 2, atol=1e-6)
    np.testing.assert_allclose(both.transitions, (one.transitions + other.transitions) / 2, atol=1e-5)
    assert np.abs(one.marginals - other.marginals).max() > 1e-3


def test_a_teacher_without_constraints_expects_nothing_that_its_student_is_forbidden(
    corpus: Corpus, tmp_path: Path
) -> None:
    free = save(tmp_path / "free", configure(constraints=False), corpus.train)
    tags = ["O", *(f"{role}-{label}" for label in ("LOC", "PER") for role in "BIES")]
    start, transitions, end = (np.array(allowed) for allowed in legal_transitions(tags))
    for constrained in (True, False):
        found = lessons_of(configure(teachers=[free], constraints=constrained), corpus)
        first, last = found.marginals[found.starts], found.marginals[found.starts + found.lengths - 1]
        forbidden = first[:, ~start].sum() + last[:, ~end].sum()
        assert (forbidden == 0) == constrained
        assert len(found.pairs) == (transitions.sum() if constrained else len(tags) ** 2)
        np.testing.assert_allclose(found.marginals.sum(1), 1, atol=1e-5)
        np.testing.assert_allclose(found.transitions.sum(1), found.lengths - 1, atol=1e-4)


def test_teachers_read_portion_by_portion_what_they_read_at_once(
    corpus: Corpus, teacher: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configure(teachers=[teacher])
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


def test_with_the_whole_weight_on_teachers_gold_tags_say_nothing(corpus: Corpus, teacher: str) -> None:
    config = configure(teachers=[teacher], teacher_weight=1.0)
    turned = [sentence_from_words(corpus.train[-1].words, ["O", "O", "B-LOC"])]
    first = train_model(config, Corpus(corpus.train, [], []))
    second = train_model(config, Corpus([*corpus.train[:-1], *turned], [], []))
    ours, theirs = first.network.state_dict(), second.network.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    plain = train_model(configure(), Corpus(corpus.train, [], [])).network.state_dict()
    assert not all(torch.equal(ours[name], plain[name]) for name in ours)


def test_a_student_learns_by_heart_what_its_teacher_knows(corpus: Corpus, teacher: str) -> None:
    nothing = [sentence_from_words(s.words, ["?"] * len(s.spelled)) for s in corpus.train[2:]]
    partial = Corpus([*corpus.train[:2], *nothing], [], [])
    model = train_model(configure(**BY_HEART, teachers=[teacher]), partial)
    assert predict_tags(model, corpus.train) == [[*(s.tags or ())] for s in corpus.train]
    assert model.metrics["training"]["teachers"] == [teacher]
    alone = train_model(configure(**BY_HEART), partial)
    assert predict_tags(alone, corpus.train) != predict_tags(model, corpus.train)


def test_unlabelled_text_teaches_words_that_no_gold_tag_ever_stood_at(corpus: Corpus, teacher: str) -> None:
    only = [Sentence(s.tokens) for s in corpus.train[6:]]
    config = configure(**BY_HEART, teachers=[teacher], char_encoder="none")
    model = train_model(config, Corpus(corpus.train[:6], [], [], unlabelled=[Sentence(), *only]))
    assert predict_tags(model, only) == [[*(s.tags or ())] for s in corpus.train[6:]]
    told = model.metrics["training"]
    assert (told["sentences"], told["unlabelled_sentences"]) == (6, 2)
    assert told["tokens"] == sum(len(s.spelled) for s in corpus.train[:6])


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

    found = training_sentences(Corpus(sentences(train, ["O"]), [], [], unlabelled=sentences(unlabelled, None)))
    assert marks(found) == wanted
    assert all(sentence.tags == ("O",) for sentence in found)


def test_a_teacher_of_other_labels_is_refused_before_anything_is_trained(corpus: Corpus, teacher: str) -> None:
    with pytest.raises(ConfigError) as caught:
        train_model(configure(teachers=[teacher]), Corpus([sentence_from_words(["Oslo"], ["B-GPE"])], [], []))
    assert str(caught.value) == (
        f"{teacher}: expected a teacher of the labels of the training corpus (GPE), found one of LOC, PER; "
        "train one on a corpus with these labels"
    )


def test_a_teacher_that_cuts_text_otherwise_is_refused_where_text_was_cut(corpus: Corpus, teacher: str) -> None:
    config = configure(teachers=[teacher])
    config = config.model_copy(update={"data": config.data.model_copy(update={"tokenizer": "spaces"})})
    train_model(config, corpus)  # of tokens that are there it may tell
    with pytest.raises(ConfigError) as caught:
        train_model(config, replace(corpus, unlabelled=[sentence_from_words(["Oslo"])]))
    assert str(caught.value) == (
        f'{teacher}: expected a teacher whose data.tokenizer is "spaces", as the text of data.unlabelled was cut, '
        'found "words"; set data.tokenizer = "words", or name another teacher'
    )


def test_unlabelled_text_without_a_teacher_is_refused(corpus: Corpus) -> None:
    with pytest.raises(ConfigError) as caught:
        train_model(configure(), replace(corpus, unlabelled=[sentence_from_words(["Oslo"])]))
    assert str(caught.value) == (
        "data.unlabelled: expected a teacher that tells of its text, found none; name one with --teacher "
        "(training.teachers), or leave data.unlabelled out"
    )


@pytest.mark.filterwarnings("ignore:expected entities of the dev set, found none")  # after one epoch
def test_teachers_that_are_named_in_python_replace_those_of_the_settings(corpus: Corpus, teacher: str) -> None:
    tagger = ner.train(configure(teachers=["nowhere"], epochs=1), corpus, teachers=[Path(teacher)])
    assert tagger.config.training.teachers == (teacher,)


def test_a_run_is_resumed_with_the_teachers_that_it_began_with(corpus: Corpus, teacher: str, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    config = configure(teachers=[teacher])
    steps = iter(range(9))
    stopping = Listener(should_stop=lambda: next(steps) == 2)
    with pytest.raises(InterruptionError):
        train_model(config, corpus, listener=stopping, state=tmp_path / "state")
    with pytest.raises(ConfigError) as caught:
        train_model(configure(), corpus, state=tmp_path / "state", resume=True)
    assert str(caught.value) == (
        f"{tmp_path / 'state'}: expected training.teachers = [{teacher!r}], as the run began, found []; "
        "train with --force to begin anew"
    )
    resumed = train_model(config, corpus, state=tmp_path / "state", resume=True).network.state_dict()
    unbroken = train_model(config, corpus).network.state_dict()
    assert all(torch.equal(resumed[name], unbroken[name]) for name in unbroken)


def test_the_command_line_takes_teachers_one_by_one_and_several_together(
    run: Callable[..., tuple[int, str, str]], teacher: str, other_teacher: str, tmp_path: Path
) -> None:
    (tmp_path / "my.toml").write_text(f'[data]\ntrain = "{tmp_path}/train.conll"\n[training]\nepochs = 1\n')
    ner.write_conll(tmp_path / "train.conll", read_pairs(TEXT))
    options = ["--teacher", f"{teacher},{other_teacher}", "--teacher", teacher]
    code, _, told = run("train", tmp_path / "my.toml", "--out", tmp_path / "model", *options)
    assert code == 0, told
    assert f"teacher 3 of 3, {teacher}: 8 of 8 sentences read" in told
    assert ner.load(tmp_path / "model").config.training.teachers == (teacher, other_teacher, teacher)
