from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from ner.errors import DownloadError, VectorsError
from ner.resources import named_vectors
from ner.resources.compact import read_compact, read_meta
from ner.resources.download import sha256_of
from ner.resources.named_vectors import get_vectors, list_vectors, open_vectors, parse_catalogue, vectors_folder

COUNT = 3000
MISSING = (2, 700, 2999)


def linear_sets() -> tuple[bytes, bytes, np.ndarray]:
    """A narrow set, an exact linear image of it without three words, both as text, and the whole image."""
    generator = np.random.default_rng(3)
    narrow = generator.normal(size=(COUNT, 3)).astype(np.float16)
    image = narrow.astype(np.float64) @ generator.normal(size=(3, 5)) + 1.0
    return text_of(narrow, ()), text_of(image, MISSING), image


def text_of(matrix: np.ndarray, left_out: tuple[int, ...]) -> bytes:
    rows = ((f"w{rank}", row) for rank, row in enumerate(matrix) if rank not in left_out)
    return "".join(f"{word} {' '.join(f'{number:.6f}' for number in row)}\n" for word, row in rows).encode()


@pytest.fixture
def catalogue(site, monkeypatch):
    narrow, wide, image = linear_sets()
    site.files.update({"/narrow.txt": narrow, "/wide.txt": wide, "/whole.txt": text_of(image, ())})
    text = f"""
[narrow]
description = "Narrow"
language = "English"
licence = "PDDL 1.0"
[[narrow.sources]]
kind = "url"
address = "{site.url}/gone.txt"
[[narrow.sources]]
kind = "url"
address = "{site.url}/narrow.txt"

[wide]
description = "Wide"
language = "English"
licence = "PDDL 1.0"
completed_by = "narrow"
[[wide.sources]]
kind = "url"
address = "{site.url}/whole-later.txt"
[[wide.sources]]
kind = "url"
address = "{site.url}/wide.txt"
size = {len(wide)}
incomplete = true

[nowhere]
description = "Nowhere"
language = "English"
licence = "none"
[[nowhere.sources]]
kind = "url"
address = "{site.url}/gone.txt"
"""
    monkeypatch.setattr(named_vectors, "list_vectors", lambda: parse_catalogue(text))
    return site


def test_sources_are_tried_in_order_and_each_failure_is_told(catalogue, home):
    told = []
    folder = get_vectors("narrow", on_message=told.append)
    gone, there = f"{catalogue.url}/gone.txt", f"{catalogue.url}/narrow.txt"
    digest = read_meta(folder)["source"]["sha256"]
    assert told == [
        "narrow: Narrow. Licence: PDDL 1.0.",
        f"narrow: trying {gone}",
        f"failed: {gone}: expected the file, found HTTP 404 Not Found; check the address, and a proxy if there is one",
        f"narrow: trying {there}",
        f"narrow: no published digest; found SHA-256 {digest}",
        "narrow: reading narrow.txt",
        f"narrow: 3,000 words of 3 dimensions in {folder}",
    ]
    assert folder == home / "vectors" / "narrow"
    assert sorted(path.name for path in folder.parent.iterdir() if path.is_dir()) == ["narrow"]


def test_the_digest_that_was_found_is_kept(catalogue, tmp_path):
    (tmp_path / "copy").write_bytes(catalogue.files["/narrow.txt"])
    folder = get_vectors("narrow", on_message=lambda _: None)
    assert read_meta(folder)["source"] == {
        "address": f"{catalogue.url}/narrow.txt",
        "sha256": sha256_of(tmp_path / "copy"),
        "published_digest": False,
        "licence": "PDDL 1.0",
        "incomplete": False,
    }


def test_a_set_that_is_here_is_not_fetched_again(catalogue):
    folder = get_vectors("narrow", on_message=lambda _: None)
    catalogue.asked.clear()
    told = []
    assert get_vectors("narrow", on_message=told.append) == folder
    assert told == [f"narrow: already in {folder}"]
    assert catalogue.asked == []


def test_eight_that_want_the_same_set_at_once_fetch_it_once_and_whole(catalogue):
    with ThreadPoolExecutor(8) as pool:
        folders = list(pool.map(lambda _: get_vectors("narrow", on_message=lambda text: None), range(8)))
    assert len(set(folders)) == 1
    assert catalogue.asked.count("/narrow.txt") == 1
    assert len(read_compact(folders[0]).words) == COUNT


def test_what_a_killed_fetch_left_is_removed_by_the_next(catalogue, home):
    parent = home / "vectors"
    for name in (".narrow.fetch-abc", ".narrow.0123abcd", ".other.fetch-abc"):
        (parent / name).mkdir(parents=True)
        (parent / name / "half.txt").write_text("the 0.1")
    get_vectors("narrow", on_message=lambda _: None)
    assert sorted(path.name for path in parent.iterdir() if path.is_dir()) == [".other.fetch-abc", "narrow"]


def test_a_set_that_lacks_words_is_completed_and_says_so(catalogue):
    told = []
    folder = get_vectors("wide", on_message=told.append)
    _, _, image = linear_sets()
    vectors = open_vectors("wide")
    assert vectors.measured == COUNT - 3
    assert vectors.words[-3:] == ["w2", "w700", "w2999"]
    assert vectors.words[:3] == ["w0", "w1", "w3"]
    np.testing.assert_allclose(vectors.matrix[-3:], image[list(MISSING)], rtol=1e-2, atol=1e-2)
    assert told[-1] == (
        "wide: 3 words predicted from narrow and marked so; cosine with the truth on held-out words: "
        "1.00 (1.00 for ranks 1-2000, 1.00 for ranks 2001-3000)"
    )
    source = read_meta(folder)["source"]
    assert source["completed_by"] == "narrow"
    assert source["held_out_cosine"] == {"1-2000": 1.0, "2001-3000": 1.0, "all": 1.0}
    assert source["published_digest"] is False


def test_a_whole_source_needs_no_completion(catalogue):
    catalogue.files["/whole-later.txt"] = catalogue.files["/whole.txt"]
    get_vectors("wide", on_message=lambda _: None)
    assert open_vectors("wide").measured == COUNT
    assert "/narrow.txt" not in catalogue.asked


def test_what_could_not_be_completed_is_kept_and_completed_later(catalogue):
    narrow = catalogue.files.pop("/narrow.txt")
    told = []
    get_vectors("wide", on_message=told.append)
    assert told[-1] == (
        "wide: left incomplete: narrow: none of 2 sources could be used (each said why); "
        "connect to one of them, or give a file: --set model.vectors=PATH"
    )
    assert len(open_vectors("wide").words) == COUNT - 3
    catalogue.files["/narrow.txt"] = narrow
    get_vectors("wide", on_message=lambda _: None)
    assert len(open_vectors("wide").words) == COUNT


def test_a_set_that_no_source_has_is_told(catalogue, home):
    with pytest.raises(DownloadError) as error:
        get_vectors("nowhere", on_message=lambda _: None)
    assert str(error.value) == (
        "nowhere: none of 1 sources could be used (each said why); "
        "connect to one of them, or give a file: --set model.vectors=PATH"
    )
    assert [path for path in (home / "vectors").iterdir() if path.is_dir()] == []


def test_progress_is_told_in_bytes(catalogue):
    seen = []
    get_vectors("narrow", on_message=lambda _: None, on_progress=lambda *at: seen.append(at))
    size = len(catalogue.files["/narrow.txt"])
    assert seen[-1] == (size, size)


def test_a_name_that_is_none_is_told_with_the_nearest(catalogue):
    with pytest.raises(VectorsError) as error:
        get_vectors("narow", on_message=lambda _: None)
    assert str(error.value) == ("narow: no such set of vectors; did you mean narrow?; see `ner vectors list`")
    with pytest.raises(VectorsError) as error:
        open_vectors("narow")
    assert str(error.value) == ("narow: no such file, and no name of `ner vectors list`; did you mean narrow?")
    with pytest.raises(VectorsError) as error:
        open_vectors("/x/y")
    assert str(error.value) == "/x/y: no such file, and no name of `ner vectors list`"


def test_a_set_that_is_not_here_yet_names_the_command(catalogue):
    with pytest.raises(VectorsError) as error:
        open_vectors("narrow")
    assert str(error.value) == "narrow: not fetched yet; run: ner vectors get narrow"


def test_a_cache_that_cannot_be_written_is_told(catalogue, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NER_HOME", str(tmp_path / "file"))
    with pytest.raises(DownloadError) as error:
        get_vectors("narrow", on_message=lambda _: None)
    assert str(error.value) == (
        f"{tmp_path}/file/vectors/narrow: can't be written: Not a directory; "
        "free space there, or set NER_HOME to another folder"
    )


def test_a_path_opens_whatever_it_holds(tmp_path):
    (tmp_path / "tiny.txt").write_text("a 1 2\n")
    assert open_vectors(str(tmp_path / "tiny.txt")).matrix.tolist() == [[1.0, 2.0]]


def test_the_list_says_which_sets_are_here(catalogue):
    get_vectors("narrow", on_message=lambda _: None)
    assert [str(entry) for entry in named_vectors.list_vectors()] == [
        "narrow            here  Narrow",
        "wide              -     Wide",
        "nowhere           -     Nowhere",
    ]


def test_every_set_of_the_package_names_its_licence_and_where_it_is_from():
    entries = {entry.name: entry for entry in list_vectors()}
    assert {"glove-6b-50d", "glove-6b-100d"} <= entries.keys()
    for entry in entries.values():
        assert entry.licence
        assert entry.sources
        assert entry.completed_by is None or entry.completed_by in entries
        assert all(source.kind in ("url", "pypi", "npm") for source in entry.sources)
        # A package is code of others: it is only ever taken when it is the very file that was looked at.
        assert all(source.sha256 and "==" in source.address for source in entry.sources if source.kind != "url")
        assert entry.completed_by or not any(source.incomplete for source in entry.sources)
    assert vectors_folder("glove-6b-50d").name == "glove-6b-50d"
