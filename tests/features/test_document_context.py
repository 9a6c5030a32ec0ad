"""What a name is shown of its other occurrences, against plain loops, and that no batch or file changes it."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ner.features.batches import encode
from ner.features.document_context import DocumentContext
from ner.features.vocabulary import Vocabularies
from ner.features.words import Words, WordVocabulary
from ner.formats.corpus import Corpus
from ner.inference.loading import Model, load_model, save_model
from ner.inference.prediction import reader_of
from ner.output import OutputOptions, tag_columns
from ner.settings import DataConfig
from ner.tagger import Tagger
from ner.text.sentence import Sentence, sentence_from_words
from ner.training.events import Listener
from ner.training.training import train_model
from tests.tiny import MakeConfig, make_batch

# A `|` opens a document; `Rome` stands in both, six times in the second.
LINES = """Rome beat Oslo
| Bob left ROME
in Rome Rome sleeps and rome stays
Oslo
Mr Bob of Rome met Rome and U.S. Rome
| Oslo fell"""


def read(text: str) -> list[Sentence]:
    lines = [line.removeprefix("| ").split() for line in text.splitlines()]
    opened = [line.startswith("|") for line in text.splitlines()]
    return [sentence_from_words(line, opens_document=opens) for line, opens in zip(lines, opened, strict=True)]


SENTENCES = read(LINES)
WORDS = tuple(sorted({word.lower() for sentence in SENTENCES for word in sentence.words}))
FEATURES = {"words": Words(WordVocabulary(WORDS), 8), "document_context": DocumentContext(8, 5, 0.5)}
VOCABULARIES = Vocabularies((), FEATURES)


def by_loops(sentences: list[Sentence]) -> Iterator[dict[tuple[int, str], float]]:
    """Of each token {(offset, word): weight}."""
    documents: list[list[tuple[int, int]]] = []
    marked = any(sentence.opens_document for sentence in sentences)
    for row, sentence in enumerate(sentences):
        if not documents or sentence.opens_document or not marked:
            documents.append([])
        documents[-1] += [(row, token) for token in range(len(sentence.words))]
    for document in documents:
        for at, (row, token) in enumerate(document):
            word = sentences[row].words[token]
            alike = [
                other
                for other, (r, p) in enumerate(document)
                if sentences[r].words[p].lower() == word.lower() != sentences[r].words[p] and other != at
            ]
            near = [*[other for other in alike if other < at][-4:], *[other for other in alike if other > at][:4]]
            found: dict[tuple[int, str], float] = {}
            for other in near if word != word.lower() else []:
                r, p = document[other]
                for offset in (-2, -1, 1, 2):
                    if 0 <= p + offset < len(sentences[r].words):
                        key = (offset, sentences[r].words[p + offset].lower())
                        found[key] = found.get(key, 0) + 1 / len(near)
            yield found


def in_batch(sentences: list[Sentence], rows: list[int]) -> list[dict[tuple[int, str], float]]:
    """The same, from a batch."""
    inputs, _ = make_batch(encode(sentences, VOCABULARIES), np.array(rows))
    steps = inputs.mask.shape[1]
    found: list[dict[tuple[int, str], float]] = [{} for _ in range(len(rows) * steps)]
    shown = {name: inputs.arrays.get(f"document_context.{name}") for name in ("sets", "words", "weights", "tokens")}
    assert len({array is None for array in shown.values()}) == 1
    parts = ([] if shown[name] is None else shown[name].tolist() for name in ("sets", "words", "weights"))
    for index, word, weight in zip(*parts, strict=True):
        token = found[int(shown["tokens"][index // 4])]
        key = ((-2, -1, 1, 2)[index % 4], WORDS[word - 2])
        token[key] = token.get(key, 0) + weight
    kept = [index * steps + token for index, row in enumerate(rows) for token in range(len(sentences[row].words))]
    assert not any(words for index, words in enumerate(found) if index not in kept)
    return [found[index] for index in kept]


@pytest.mark.parametrize("text", [LINES, LINES.replace("| ", ""), "Rome", "rome Rome", "Rome\n\nRome Rome"])
def test_a_name_is_shown_the_words_around_its_nearest_occurrences_in_the_document(text: str) -> None:
    sentences = read(text)
    wanted = list(by_loops(sentences))
    full = [row for row, sentence in enumerate(sentences) if sentence.words]
    found = in_batch(sentences, full)
    assert found == [pytest.approx(token) for token in wanted]
    tokens = iter(wanted)
    per_row = {row: [next(tokens) for _ in sentences[row].words] for row in full}
    for rows in (full[:1], full[::-1]):
        assert in_batch(sentences, rows) == [pytest.approx(token) for row in rows for token in per_row[row]]


def test_more_occurrences_than_eight_leave_the_nearest() -> None:
    sentences = [sentence_from_words(["Rome", word]) for word in WORDS[:12]]
    sentences[0] = opening(sentences[0])
    found = in_batch(sentences, [6])
    assert found[0] == pytest.approx({(1, word): 1 / 8 for word in (*WORDS[2:6], *WORDS[7:11])})


def opening(sentence: Sentence) -> Sentence:
    return sentence_from_words(sentence.words, sentence.tags, opens_document=True)


@pytest.fixture
def model(corpus: Corpus, make_config: MakeConfig) -> Model:
    """Knows documents; what it is shown of other occurrences weighs enough to change its scores."""
    train = [opening(corpus.train[0]), *corpus.train[1:]]
    model = train_model(make_config(document_context=True, casing_dim=2, epochs=2), Corpus(train, train, []))
    with torch.no_grad():
        model.network.document_context.scores.weight.mul_(5)
    return model


def emissions(model: Model, sentences: list[Sentence]) -> list[torch.Tensor]:
    found = {}
    for rows, scores, lengths in reader_of(model).emitted(sentences):
        for row, own, length in zip(rows, scores, lengths, strict=True):
            found[int(row)] = torch.from_numpy(own[:length])
    return [found[row] for row in sorted(found)]


def test_a_document_changes_what_its_names_are_and_leaves_other_words_and_documents_alone(model: Model) -> None:
    together = emissions(model, SENTENCES)
    alone = [emissions(model, [sentence])[0] for sentence in SENTENCES]
    differ = [not torch.allclose(a, b, atol=1e-4) for a, b in zip(together, alone, strict=True)]
    # The first document is one sentence of three names; the last one alone; `Oslo` stands alone in the second.
    assert differ == [False, True, True, False, True, False]
    document = SENTENCES[1:5]
    torch.testing.assert_close(emissions(model, document), together[1:5])


def until(condition: Callable[[], bool]) -> None:
    """Waits for it, at most twenty seconds."""
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


def test_threads_that_ask_in_the_same_moment_are_answered_as_alone(model: Model) -> None:
    opening_first, unmarked = SENTENCES[1:5], [SENTENCES[2], SENTENCES[4]]
    marked_later = [SENTENCES[2], *SENTENCES[4:]]
    questions = [opening_first, unmarked, marked_later, unmarked[::-1], SENTENCES[5:] + SENTENCES[1:3]]
    wanted = [reader_of(model).marginals(question) for question in questions]
    reader, go_on = reader_of(model), threading.Event()
    with ThreadPoolExecutor(1 + len(questions)) as pool:
        pool.submit(reader.together.ask, "first", [1], lambda items: [go_on.wait(20) for _ in items])
        until(lambda: reader.together._is_busy)
        asked = [pool.submit(reader.marginals, question) for question in questions]
        until(lambda: len(reader.together._waiting) + sum(each.done() for each in asked) == len(questions))
        go_on.set()
        for each, alone in zip(asked, wanted, strict=True):
            for found, expected in zip(each.result(20), alone, strict=True):
                np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_reader_that_keeps_words_reads_the_document_context_as_well(model: Model) -> None:
    reader = reader_of(model)
    inputs, _ = make_batch(encode(SENTENCES, model.vocabularies), np.arange(len(SENTENCES)))
    cached, _ = make_batch(encode(SENTENCES, model.vocabularies, cache=reader.words), np.arange(len(SENTENCES)))
    with torch.no_grad():
        wanted, found = model.network.eval().emissions(inputs), model.network.emissions(cached)
    torch.testing.assert_close(found[inputs.mask], wanted[inputs.mask])


def test_it_is_saved_and_read_again(model: Model, tmp_path: Path) -> None:
    save_model(model, tmp_path / "model")
    loaded = load_model(tmp_path / "model", "cpu")
    assert "document_context" in loaded.vocabularies.features
    torch.testing.assert_close(emissions(loaded, SENTENCES), emissions(model, SENTENCES))


def test_a_text_is_a_document_whatever_stands_beside_it(model: Model) -> None:
    tagger = Tagger(model)
    texts = ["Rome sleeps. Mr Rome left.", "Rome is old. Mr Bob Rome lives in Rome.", "Rome", ""]
    wanted = [tagger.tag(text) for text in texts]
    for batch_size in (1, 2, 4):
        for found, expected in zip(tagger.pipe(texts, batch_size=batch_size), wanted, strict=True):
            assert [(e.label, e.start, e.end) for e in found] == [(e.label, e.start, e.end) for e in expected]
            assert [e.score for e in found] == pytest.approx([e.score for e in expected], abs=1e-5)
    for text in texts[:2]:
        sentences = tagger.split(text)
        for inspection, scores in zip(tagger.inspect(text), emissions(model, sentences), strict=True):
            np.testing.assert_allclose(inspection.emissions, scores, atol=1e-5)


@pytest.mark.parametrize("batch_size", [2, 3, 100])
@pytest.mark.parametrize("blank", ["\n", "\n\n", ""])
def test_a_column_file_is_tagged_by_its_documents(model: Model, batch_size: int, blank: str) -> None:
    tagger = Tagger(model)
    lines = []
    for sentence in SENTENCES:
        lines += [f"-DOCSTART-\n{blank}"] if sentence.opens_document else []
        lines += [f"{word}\n" for word in sentence.words] + ["\n"]
    lines = "".join(lines).splitlines(keepends=True)
    tagged = tag_columns(tagger, lines, OutputOptions("conll", batch_size=batch_size), data=DataConfig(), where="f")
    tags = [line.split()[1] for line in "".join(tagged).splitlines() if line.strip() and "DOCSTART" not in line]
    assert tags == [tag for sentence in tagger.tag_sentences(SENTENCES) for tag in sentence]


def test_of_a_document_that_is_too_long_for_a_stream_the_rest_is_one_too(model: Model) -> None:
    tagger = Tagger(model)
    sentences = [sentence_from_words(sentence.words) for sentence in SENTENCES * 4]
    lines = ["-DOCSTART-\n", *(f"{word}\n" for s in sentences for word in [*s.words, ""])]
    tagged = "".join(tag_columns(tagger, lines, OutputOptions("conll", batch_size=2), data=DataConfig(), where="f"))
    tags = [line.split()[1] for line in tagged.splitlines() if line.strip() and "DOCSTART" not in line]
    cut = [replace(s, opens_document=n % 8 == 0) for n, s in enumerate(sentences)]
    assert tags == [tag for sentence in tagger.tag_sentences(cut) for tag in sentence]
    whole = [replace(s, opens_document=n == 0) for n, s in enumerate(sentences)]
    assert tags != [tag for sentence in tagger.tag_sentences(whole) for tag in sentence]


@pytest.mark.parametrize("batch_size", [2, 100])
def test_a_column_file_without_marks_is_tagged_by_so_many_sentences(model: Model, batch_size: int) -> None:
    tagger = Tagger(model)
    plain = [sentence_from_words(sentence.words) for sentence in SENTENCES]
    # Empty lines and comments make no sentence, and none that counts.
    lines = "\n# none\n\n".join("".join(f"{word}\n" for word in s.words) for s in plain).splitlines(keepends=True)
    tags = {}
    for every in (None, 2, 3):
        data = DataConfig(document_sentences=every, comment="#")
        tagged = "".join(
            tag_columns(tagger, lines, OutputOptions("conll", batch_size=batch_size), data=data, where="f")
        )
        tags[every] = [line.split()[1] for line in tagged.splitlines() if line.strip() and line[0] != "#"]
        opened = [replace(s, opens_document=every is not None and n % every == 0) for n, s in enumerate(plain)]
        assert tags[every] == [tag for sentence in tagger.tag_sentences(opened) for tag in sentence]
    assert tags[None] != tags[2] != tags[3]


def test_without_documents_in_training_it_is_left_out_and_said(corpus: Corpus, make_config: MakeConfig) -> None:
    said: list[str] = []
    model = train_model(make_config(document_context=True, epochs=1), corpus, listener=Listener(on_message=said.append))
    assert said[:1] == [
        "features.document_context: the training files mark no documents, so it is left out; "
        "where they are running text, data.document_sentences tells how much of it is one"
    ]
    assert not hasattr(model.network, "document_context")
    assert "document_context" not in model.vocabularies.features
