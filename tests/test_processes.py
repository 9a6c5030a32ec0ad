"""One tagger, many threads and processes: the same entities everywhere."""

import copy
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

import ner
from ner.errors import ModelError


@pytest.fixture(scope="module")
def lines(sample_en):
    return [" ".join(sentence.words) for sentence in ner.read_conll(sample_en / "dev.conll")]


def test_eight_threads_find_what_one_finds(tagger, lines):
    wanted = [tagger.tag(line) for line in lines]
    assert sum(map(len, wanted)) > 20
    with ThreadPoolExecutor(8) as pool:
        for _ in range(3):
            assert_same(list(pool.map(tagger.tag, lines)), wanted)
        # Streams that are read in turns, and other ways to use the network, beside them.
        streams = [tagger.pipe(lines, batch_size=size) for size in (1, 7, 64, 512)]
        others = [pool.submit(tagger.k_best, line, k=2) for line in lines[:20]]
        for found in pool.map(list, streams):
            assert_same(found, wanted)
        for other, line in zip(others, lines, strict=False):
            for found, alone in zip(other.result(), tagger.k_best(line, k=2), strict=True):
                assert [labelling.entities for labelling in found] == [labelling.entities for labelling in alone]
                assert [each.probability for each in found] == pytest.approx([each.probability for each in alone])


def assert_same(found, wanted):
    """What threads ask at once is read together, and in another batch a score may differ in its last digit."""
    assert [[replace(e, score=None) for e in text] for text in found] == [
        [replace(e, score=None) for e in text] for text in wanted
    ]
    scores = [[e.score for text in each for e in text] for each in (found, wanted)]
    assert scores[0] == pytest.approx(scores[1], abs=1e-6)


# With two threads: a pool of threads that the child doesn't have.
FORK = """
import multiprocessing, sys, torch, ner
torch.set_num_threads(2)
tagger = ner.load(sys.argv[1], device="cpu")
text = "Jordan King flew from Amman to Washington for Reuters. " * 60
wanted = tagger.tag(text)
assert wanted

def work(queue):
    queue.put(tagger.tag(text) == wanted)

class Texts(torch.utils.data.Dataset):
    def __len__(self):
        return 4

    def __getitem__(self, number):
        return int(tagger.tag(text) == wanted)

if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    children = [context.Process(target=work, args=(queue,), daemon=True) for _ in range(2)]
    for child in children:
        child.start()
    same = [queue.get(timeout=60) for _ in children]
    for child in children:
        child.join()
    loader = torch.utils.data.DataLoader(Texts(), num_workers=2, multiprocessing_context="fork", timeout=60)
    same += [bool(batch[0]) for batch in loader]
    assert tagger.tag(text) == wanted
    print(same, torch.get_num_threads())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="it has no fork")
def test_a_forked_process_does_not_wait_for_threads_it_has_not(small_model):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORK, str(small_model)], capture_output=True, text=True, timeout=120
    )
    assert done.stdout == f"{[True] * 6} 2\n", done.stderr


def test_a_tagger_is_pickled_as_its_folder_and_comes_back_the_same(tagger, small_model, lines, monkeypatch, tmp_path):
    packed = pickle.dumps(tagger)
    assert len(packed) < 1000
    monkeypatch.chdir(tmp_path)
    for back in (pickle.loads(packed), copy.deepcopy(tagger)):
        for line in lines[::4]:
            found, wanted = back.tag(line), tagger.tag(line)
            assert [replace(entity, score=None) for entity in found] == [
                replace(entity, score=None) for entity in wanted
            ]
            # Which words it met before together can change the last digit.
            assert [entity.score for entity in found] == pytest.approx([entity.score for entity in wanted], abs=1e-5)


def test_a_relative_folder_is_found_from_elsewhere(small_model, monkeypatch, tmp_path):
    monkeypatch.chdir(small_model.parent)
    packed = pickle.dumps(ner.load("model", device="cpu"))
    monkeypatch.chdir(tmp_path)
    assert pickle.loads(packed).labels == ner.load(small_model, device="cpu").labels


def test_a_tagger_loaded_with_a_threshold_has_it_when_it_is_unpickled(small_model):
    back = pickle.loads(pickle.dumps(ner.load(small_model, device="cpu", threshold=0.02)))
    words = ["Jordan", "King", "left", "Amman", "Bob"]
    assert back.config.model.threshold == 0.02
    assert back.tag_words(words) == ner.load(small_model, device="cpu", threshold=0.02).tag_words(words)


def test_a_tagger_without_a_folder_says_how_it_can_be_pickled(tagger, small_model, tmp_path):
    trained = ner.Tagger(tagger._model)
    with pytest.raises(ModelError) as error:
        pickle.dumps(trained)
    assert str(error.value) == (
        "pickle: expected a Tagger that was loaded or saved, for it is pickled by its model directory, "
        "found one that has none; call its save(FOLDER) first"
    )
    trained.save(tmp_path / "model")
    assert pickle.loads(pickle.dumps(trained)).labels == tagger.labels
