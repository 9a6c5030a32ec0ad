"""`ner merge`: several annotations of the same sentences, and training on what they agree on."""

import json
import re
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

import ner
from ner.errors import ConfigError, DataError
from ner.features.batches import encode
from ner.features.phrases import Gazetteer
from ner.merging import Source, matches_as_source, merge
from ner.network.model import build_model
from ner.settings import ModelConfig
from ner.storage.soft_targets import digests_of, read_soft_targets, rows_of, write_soft_targets
from ner.storage.tensor_files import write_tensors
from ner.text.sentence import sentence_from_words
from ner.training.distillation import loss_with_teachers
from ner.training.soft_targets import read_lessons
from ner.training.training import train_model
from tests.conftest import ROOT
from tests.tiny import TEXT, make_batch, plain_overrides, read_pairs, vocabularies_of

sys.path.insert(0, str(ROOT / "benchmarks"))
import weak_labels


def sources_of(*texts):
    return [Source(name, read_pairs(text)) for name, text in zip("abcdefg", texts, strict=False)]


GOLD = read_pairs(TEXT)


@pytest.fixture(scope="module")
def careless(sample_en):
    """Gold sentences, five annotators of them, each with an F1 of 60 to 80, and what they agree on."""
    gold = ner.read_conll(sample_en / "train.conll")
    sources = [
        Source(name, weak_labels.annotate(gold, care, [number], habits=0))
        for number, (name, care) in enumerate(weak_labels.ANNOTATORS.items())
    ]
    return gold, sources, merge(sources)


def test_what_five_careless_annotators_agree_on_is_better_than_a_vote_by_two_points(careless):
    gold, sources, merged = careless
    alone = [weak_labels.f1_of(gold, source.sentences) for source in sources]
    assert all(60 < f1 < 80 for f1 in alone)
    f1 = weak_labels.f1_of(gold, merged.sentences)
    assert f1 > weak_labels.f1_of(gold, merge(sources, method="majority").sentences) + 2
    assert f1 > max(alone) + 10
    # What is told of each source without the gold labels is near to what they tell.
    assert [100 * told.f1 for told in merged.told] == pytest.approx(alone, abs=3)


def test_how_sure_a_tag_is_tells_how_often_it_is_right(careless):
    gold, _, merged = careless
    chances = np.array([chance for own in merged.chances for chance in own])
    right = np.array(
        [
            one == two
            for a, b in zip(gold, merged.sentences, strict=True)
            for one, two in zip(a.tags, b.tags, strict=True)
        ]
    )
    assert right[chances > 0.99].mean() > 0.98
    assert right[chances < 0.9].mean() < 0.9
    partial = [tag for sentence in merged.partial(0.9) for tag in sentence.tags]
    assert [tag == "?" for tag in partial] == (chances < 0.9).tolist()


@pytest.mark.parametrize("method", ["consensus", "majority"])
def test_where_all_say_the_same_that_is_the_result(method):
    merged = merge([Source(str(number), GOLD) for number in range(3)], method=method)
    assert [sentence.tags for sentence in merged.sentences] == [sentence.tags for sentence in GOLD]
    assert [(told.precision, told.recall) for told in merged.told] == [(1, 1)] * 3


def test_who_is_silent_of_a_sentence_has_not_looked_at_it():
    silent = [replace(s, tags=("?",) * len(s.words)) if index % 2 else s for index, s in enumerate(GOLD)]
    unseen = [replace(s, tags=None) for s in GOLD[:-1]] + GOLD[-1:]
    merged = merge([Source("a", GOLD), Source("b", silent), Source("c", GOLD), Source("d", unseen)])
    assert [sentence.tags for sentence in merged.sentences] == [sentence.tags for sentence in GOLD]
    assert [told.sentences for told in merged.told] == [8, 4, 8, 1]


def test_what_a_list_of_names_does_not_match_it_has_overlooked():
    names = matches_as_source(Gazetteer("places", ("Oslo",)), "LOC", GOLD)
    told = merge([Source("a", GOLD), Source("b", GOLD), names]).told[-1]
    entities = [span for sentence in GOLD for span in sentence.spans]
    assert (told.sentences, told.precision) == (len(GOLD), 1)
    assert told.recall == pytest.approx(TEXT.count("Oslo") / len(entities))


def test_the_targets_are_marginals_and_transitions_of_the_same_distribution():
    targets = merge(sources_of(TEXT, TEXT.replace("Bob/B-PER", "Bob/O"), TEXT.replace("Rome/B-LOC", "Rome/O"))).targets
    assert targets.marginals.sum(1) == pytest.approx(1, abs=1e-5)
    assert targets.transitions.sum(1) == pytest.approx(targets.lengths - 1, abs=1e-4)
    num_tags = len(targets.tags)
    begin = 0
    for length, passed in zip(targets.lengths, targets.transitions, strict=True):
        square = np.zeros(num_tags * num_tags)
        square[targets.pairs] = passed
        own = targets.marginals[begin : begin + length]
        assert square.reshape(num_tags, num_tags).sum(1) == pytest.approx(own[:-1].sum(0), abs=1e-4)
        assert square.reshape(num_tags, num_tags).sum(0) == pytest.approx(own[1:].sum(0), abs=1e-4)
        begin += length


def test_the_longest_names_of_a_list_are_a_source_that_is_silent_of_the_rest():
    sentence = sentence_from_words(["In", "NEW", "YORK", "and", "Rome", "New"], ["O"] * 6)
    source = matches_as_source(Gazetteer("places", ("New York", "York", "Rome")), "LOC", [sentence])
    assert source.name == "places (LOC)"
    assert source.sentences[0].tags == ("?", "B-LOC", "I-LOC", "?", "B-LOC", "?")
    assert source.looks_at_all


def test_a_list_of_names_makes_the_difference_where_annotators_are_few():
    one = TEXT.replace("Oslo/B-LOC", "Oslo/O")
    sentences = read_pairs(one) * 5
    names = matches_as_source(Gazetteer("places", ("Oslo", "Rome", "New York")), "LOC", sentences)
    other = read_pairs(TEXT) * 5
    merged = merge([Source("a", sentences), Source("b", other), names])
    assert [sentence.tags for sentence in merged.sentences] == [sentence.tags for sentence in other]


def test_a_label_that_only_one_of_five_ever_names_is_left_out():
    odd = TEXT.replace("nothing/O", "nothing/B-MISC")
    merged = merge(sources_of(odd, TEXT, TEXT, TEXT, TEXT))
    assert {tag[2:] for tag in merged.targets.tags} == {"", "PER", "LOC"}
    assert [sentence.tags for sentence in merged.sentences] == [sentence.tags for sentence in GOLD]


@pytest.mark.parametrize(
    ("sources", "options", "kind", "message"),
    [
        ([Source("a", GOLD)], {}, ConfigError, "sources: expected at least two, found 1"),
        (
            sources_of(TEXT, TEXT),
            {"method": "best"},
            ConfigError,
            "method: expected one of consensus, majority, found 'best'",
        ),
        (
            sources_of(TEXT, TEXT + "more/O\n"),
            {},
            DataError,
            "b: expected the 8 sentences of a, found 9",
        ),
        (
            sources_of("Rome/B-LOC is/O", "Rome/B-LOC was/O"),
            {},
            DataError,
            "b: expected the words of a, 'Rome is', found 'Rome was'",
        ),
        (
            sources_of("Rome/O", "Rome/O"),
            {},
            ConfigError,
            "sources: expected an entity that most of them agree on, found none",
        ),
    ],
)
def test_sources_that_can_not_be_merged_are_an_error(sources, options, kind, message):
    with pytest.raises(kind) as error:
        merge(sources, **options)
    assert str(error.value) == message


def test_certain_targets_are_learned_as_their_tags_are(tmp_path):
    """One-hot targets: the cross-entropy is the negative log-likelihood of the tags, whatever the order of both."""
    torch.manual_seed(3)
    merged = merge([Source("a", GOLD), Source("b", GOLD)], method="majority")
    backwards = merged.targets.tags[::-1]
    order = [merged.targets.tags.index(tag) for tag in backwards]
    size = len(order)
    pairs = [order.index(p // size) * size + order.index(p % size) for p in merged.targets.pairs.tolist()]
    targets = replace(
        merged.targets, tags=backwards, marginals=merged.targets.marginals[:, order], pairs=np.array(pairs)
    )
    write_soft_targets(tmp_path / "soft.safetensors", targets)

    vocabularies = vocabularies_of(GOLD)
    lessons = read_lessons(str(tmp_path / "soft.safetensors"), GOLD[::-1], vocabularies)
    network = build_model(ModelConfig(word_dim=8, hidden_dim=8, char_dim=4, char_hidden_dim=4), vocabularies).eval()
    inputs, tags = make_batch(encode(GOLD[::-1], vocabularies, tagged=True), range(8))
    with torch.no_grad():
        taught = loss_with_teachers(network, inputs, tags, lessons.of(np.arange(8)))
        assert taught.item() == pytest.approx(network(inputs, tags).item(), rel=1e-5)


@pytest.fixture
def soft(tmp_path):
    path = tmp_path / "merged.safetensors"
    write_soft_targets(path, merge([Source("a", GOLD), Source("b", GOLD)]).targets)
    return path


def tiny_recipe(tmp_path, sentences, *changes):
    ner.write_conll(tmp_path / "train.conll", sentences)
    changed = [*plain_overrides(), "model.word_dim=8", "model.hidden_dim=8", "training.epochs=2", "run.threads=1"]
    changed += ["training.batch_size=3", "training.learning_rate=0.05", f"data.train={tmp_path / 'train.conll'}"]
    config = ner.load_config(ROOT / "configs" / "default.toml", [*changed, *changes, "model.vectors="])
    return config, ner.load_corpus(config.data)


def test_training_on_certain_targets_is_training_on_their_tags_whatever_tags_stand_beside_them(tmp_path):
    path = tmp_path / "certain.safetensors"
    write_soft_targets(path, merge([Source("a", GOLD), Source("b", GOLD)], method="majority").targets)
    wrong = [replace(s, tags=tuple("B-LOC" if tag == "B-PER" else "O" for tag in s.tags)) for s in GOLD]
    wrong[-1] = GOLD[-1]  # so that all labels are in the file
    plain = train_model(*tiny_recipe(tmp_path, GOLD)).history
    taught = train_model(*tiny_recipe(tmp_path, wrong, f"training.soft_targets={path}")).history
    assert [epoch["loss"] for epoch in taught] == pytest.approx([epoch["loss"] for epoch in plain], rel=1e-4)
    assert plain[1]["loss"] < plain[0]["loss"]


def test_soft_targets_of_other_labels_or_sentences_are_an_error(tmp_path, soft):
    fewer = [replace(s, tags=tuple(tag if "LOC" in tag else "O" for tag in s.tags)) for s in GOLD]
    config, corpus = tiny_recipe(tmp_path, fewer, f"training.soft_targets={soft}")
    with pytest.raises(ConfigError) as error:
        train_model(config, corpus)
    assert str(error.value) == (
        "training.soft_targets: expected targets of the labels of the training corpus (LOC), found those of LOC, PER "
        f"in {soft}; train on the file that `ner merge` wrote beside it"
    )
    with pytest.raises(DataError) as wrong:
        rows_of(read_soft_targets(soft), [sentence_from_words(["Nobody", "said"])], "soft.safetensors")
    assert str(wrong.value) == (
        "training set: expected a sentence that soft.safetensors has targets for, found 'Nobody said'; train on the "
        "file that `ner merge` wrote beside it"
    )


def test_a_run_goes_on_with_the_soft_targets_that_it_began_with_and_with_no_others(tmp_path, soft):
    config, corpus = tiny_recipe(tmp_path, GOLD, f"training.soft_targets={soft}")
    unbroken = train_model(config, corpus).history
    begun = config.model_copy(update={"training": config.training.model_copy(update={"epochs": 1})})
    train_model(begun, corpus, state=tmp_path / "state")
    goes_on = train_model(config, corpus, state=tmp_path / "state", resume=True).history
    assert [epoch["loss"] for epoch in goes_on] == [epoch["loss"] for epoch in unbroken]
    train_model(begun, corpus, state=tmp_path / "state")
    targets = read_soft_targets(soft)
    write_soft_targets(soft, replace(targets, marginals=targets.marginals * 0.5 + 0.5 / len(targets.tags)))
    with pytest.raises(ConfigError) as error:
        train_model(config, corpus, state=tmp_path / "state", resume=True)
    assert str(error.value) == (
        f"{tmp_path / 'state'}: expected the file of soft targets as the run began, found another; "
        "train with --force to begin anew"
    )


def test_soft_targets_and_teachers_are_one_or_the_other(tmp_path, soft):
    config, corpus = tiny_recipe(tmp_path, GOLD, f"training.soft_targets={soft}", 'training.teachers=["en"]')
    with pytest.raises(ConfigError) as error:
        train_model(config, corpus)
    assert str(error.value) == "training.teachers and training.soft_targets: expected one or the other, found both"


def test_a_sentence_that_stands_twice_has_the_targets_of_each_place(soft):
    targets = read_soft_targets(soft)
    twice = replace(targets, digests=digests_of([*GOLD[:4], *GOLD[:4]]))
    assert rows_of(twice, [GOLD[1], GOLD[0], GOLD[1], GOLD[1]], "soft").tolist() == [1, 0, 5, 5]


def test_a_file_of_something_else_is_an_error(tmp_path):
    wanted = "expected the soft targets that `ner merge` writes"
    missing, text, other = (tmp_path / name for name in ("missing", "text", "other"))
    text.write_text("no tensors at all")
    write_tensors(other, {"weight": np.zeros(3)}, {})
    for path, found in ((missing, ", found no such file"), (other, ", found another file")):
        with pytest.raises(DataError) as error:
            read_soft_targets(path)
        assert str(error.value) == f"{path}: {wanted}{found}"
    with pytest.raises(DataError) as error:
        read_soft_targets(text)
    assert str(error.value).startswith(f"{text}: {wanted}: expected a header of ")


@pytest.fixture
def annotators(tmp_path):
    paths = []
    for name, text in (
        ("a", TEXT),
        ("b", TEXT.replace("Bob/B-PER", "Bob/?")),
        ("c", TEXT.replace("Rome/B-LOC", "Rome/O")),
    ):
        lines = (
            f"{pair.rpartition('/')[0]} {pair.rpartition('/')[2]}"
            for pair in text.strip().replace("\n", " /\n").split()
        )
        paths.append(tmp_path / f"{name}.conll")
        paths[-1].write_text("\n".join("" if line == " " else line for line in lines) + "\n")
    return paths


def test_the_command_writes_labels_and_targets_and_tells_of_the_sources(run, annotators, tmp_path):
    places = tmp_path / "places.txt"
    places.write_text("Rome\nOslo\nNew York\n")
    out = tmp_path / "out" / "merged.conll"
    code, said, err = run("merge", *annotators, "--out", out, "--gazetteer", f"LOC={places}")
    assert code == 0, err
    assert [s.tags for s in ner.read_conll(out)] == [s.tags for s in GOLD]
    assert rows_of(read_soft_targets(out.with_suffix(".safetensors")), GOLD, "").tolist() == list(range(8))
    lines = said.splitlines()
    assert lines[0].split() == ["source", "sentences", "precision", "recall", "F1"]
    assert lines[1].split()[1:] == ["8", "100.00", "100.00", "100.00"]
    assert len(lines) == 5
    told = json.loads(run("merge", *annotators, "--out", out, "--json")[1])
    assert [each["name"] for each in told] == [str(path) for path in annotators]


def test_the_tag_columns_of_one_file_are_sources_too(run, annotators, tmp_path):
    columns = [path.read_text().splitlines() for path in annotators]
    joined = "\n".join(f"{a} {b.split()[1]} {c.split()[1]}" if a else "" for a, b, c in zip(*columns, strict=True))
    (tmp_path / "all.conll").write_text(joined + "\n")
    out = tmp_path / "merged.conll"
    assert run("merge", tmp_path / "all.conll", "--columns", "1,2,3", "--out", out)[0] == 0
    assert [s.tags for s in ner.read_conll(out)] == [s.tags for s in GOLD]


def test_the_example_of_the_page_prints_what_the_page_says(run, tmp_path, monkeypatch):
    page = (ROOT / "docs" / "annotate-less.md").read_text(encoding="utf-8")
    head, *lines = re.search(r"```\n(==> anna.*?)\n```", page, flags=re.DOTALL)[1].split("\n")
    names = re.findall(r"==> (\S+) <==", head)
    begins = [head.index(f"==> {name}") for name in names]
    monkeypatch.chdir(tmp_path)
    for name, begin, end in zip(names, begins, [*begins[1:], None], strict=True):
        (tmp_path / name).write_text("\n".join(line[begin:end].strip() for line in lines) + "\n")
    (tmp_path / "companies.txt").write_text("IBM\n")
    command, printed = re.search(r"```sh\nner (merge anna[^\n]*)\n```\n\n```\n(.*?)```", page, flags=re.DOTALL).groups()
    code, said, _ = run(*command.split())
    assert (code, said) == (0, printed)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--columns", "1,2"], "--columns: expected one file, found 3"),
        (["--gazetteer", "places.txt"], "--gazetteer: expected LABEL=FILE, found 'places.txt'"),
    ],
)
def test_a_wrong_option_is_an_error(run, annotators, tmp_path, options, message):
    assert run("merge", *annotators, "--out", tmp_path / "m.conll", *options) == (2, "", f"error: {message}\n")


def test_columns_that_are_no_numbers_and_a_place_that_is_a_source_are_errors(run, annotators, tmp_path):
    first = annotators[0]
    found = run("merge", first, "--columns", "1,two", "--out", tmp_path / "m.conll")
    assert found == (2, "", "error: --columns: expected numbers of columns such as 1,2,3, found '1,two'\n")
    found = run("merge", *annotators, "--out", first)
    message = f"--out {first}: expected another place than that of the input, found the same; choose another"
    assert found == (2, "", f"error: {message}\n")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ("1,2,1", "expected a column for each source, found 1 twice: 1,2,1"),
        ("1,-1", "expected all columns counted from one end, found 1,-1"),
    ],
)
def test_a_column_is_one_source_and_a_failure_leaves_no_folder(run, annotators, tmp_path, columns, message):
    found = run("merge", annotators[0], "--columns", columns, "--out", tmp_path / "new" / "below" / "m.conll")
    assert found == (2, "", f"error: --columns: {message}\n")
    assert not (tmp_path / "new").exists()
