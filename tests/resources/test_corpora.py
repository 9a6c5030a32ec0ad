import csv
import hashlib
import tomllib
from pathlib import Path

import pytest

from ner.config import load_config
from ner.errors import ConfigError, DownloadError
from ner.formats.sentences import read_sentences
from ner.resources import corpora
from ner.resources.corpora import RAW_FILES, get_corpus, list_corpora, parse_catalogue

SHARED = Path(__file__).parents[3] / "shared" / "corpora"

TRAIN, DEV, TEST = b"EU B-ORG\n\n", b"Paris B-LOC\n\n", b"Rome B-LOC\n\n"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
TERMS = "tiny: A tiny corpus. Licence: CC BY 4.0. Research use only. From https://github.com/some/where"


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


CATALOGUE = f"""
[tiny]
description = "A tiny corpus"
language = "English"
licence = "CC BY 4.0"
research_only = true
repository = "some/where"
commit = "{COMMIT}"
data = {{ separator = "\\t", word_pattern = "(.+)\\\\d$" }}
model = {{ char_encoder = "none" }}
[[tiny.files]]
split = "train"
name = "train.char.bio"
path = "data/eng.train"
size = {len(TRAIN)}
sha256 = "{digest(TRAIN)}"
[[tiny.files]]
split = "dev"
name = "dev.char.bio"
path = "data/eng.testa"
size = {len(DEV)}
sha256 = "{digest(DEV)}"
[[tiny.files]]
split = "test"
name = "test.char.bio"
path = "data/eng.testb"
size = {len(TEST)}
sha256 = "{digest(TEST)}"
"""


@pytest.fixture
def tiny(site, monkeypatch):
    monkeypatch.setattr(corpora, "list_corpora", lambda: parse_catalogue(CATALOGUE))
    for name, content in (("train", TRAIN), ("testa", DEV), ("testb", TEST)):
        site.files[f"/some/where/{COMMIT}/data/eng.{name}"] = content
    return site


@pytest.fixture
def copy(tmp_path, tiny):
    """A copy of the corpus that a user has, one file under its name here, two as they were published."""
    folder = tmp_path / "copy"
    folder.mkdir()
    (folder / "train.char.bio").write_bytes(TRAIN)
    (folder / "eng.testa").write_bytes(DEV)
    (folder / "eng.testb").write_bytes(TEST)
    return folder


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def quiet(_: str) -> None:
    pass


def test_a_corpus_is_fetched_checked_and_laid_out_with_a_config_that_loads(tiny, tmp_path):
    seen = []
    folder = get_corpus(
        "tiny", tmp_path / "corpora", base_url=tiny.url, on_message=quiet, on_progress=lambda *at: seen.append(at)
    )
    assert folder == tmp_path / "corpora" / "tiny"
    assert names(folder) == ["LICENCE.txt", "config.toml", "dev.char.bio", "test.char.bio", "train.char.bio"]
    assert names(folder.parent) == ["tiny"]
    assert (folder / "train.char.bio").read_bytes() == TRAIN
    assert (folder / "dev.char.bio").read_bytes() == DEV
    assert (folder / "test.char.bio").read_bytes() == TEST
    assert (folder / "LICENCE.txt").read_text() == TERMS + "\n"
    assert [done for done, _ in seen] == [len(TRAIN), len(TRAIN + DEV), len(TRAIN + DEV + TEST)]
    assert {total for _, total in seen} == {len(TRAIN + DEV + TEST)}
    config = load_config(folder / "config.toml")
    assert config.data.train == str(folder / "train.char.bio")
    assert config.data.dev == str(folder / "dev.char.bio")
    assert config.data.test == str(folder / "test.char.bio")
    assert config.data.separator == "\t"
    assert config.data.word_pattern == r"(.+)\d$"
    assert config.model.char_encoder == "none"
    opening = (folder / "config.toml").read_text().splitlines()[:3]
    command = f"ner train {folder.as_posix()}/config.toml --out runs/tiny"
    assert opening == [f"# {TERMS}", "#", f"#     {command}"]


def test_the_licence_is_told_before_the_first_byte_is_fetched(tiny, tmp_path):
    asked_when_told = []
    get_corpus(
        "tiny", tmp_path, base_url=tiny.url, on_message=lambda text: asked_when_told.append((text, list(tiny.asked)))
    )
    assert asked_when_told == [(TERMS, [])]
    assert len(tiny.asked) == 3


def test_files_that_are_there_are_not_fetched_again_and_a_damaged_one_is(tiny, tmp_path):
    folder = get_corpus("tiny", tmp_path, base_url=tiny.url, on_message=quiet)
    tiny.asked.clear()
    get_corpus("tiny", tmp_path, base_url=tiny.url, on_message=quiet)
    assert tiny.asked == []
    (folder / "dev.char.bio").write_bytes(b"Paris B-PER\n\n")
    get_corpus("tiny", tmp_path, base_url=tiny.url, on_message=quiet)
    assert tiny.asked == [f"/some/where/{COMMIT}/data/eng.testa"]
    assert (folder / "dev.char.bio").read_bytes() == DEV


def test_a_failure_at_the_last_file_leaves_nothing(tiny, tmp_path):
    tiny.files[f"/some/where/{COMMIT}/data/eng.testb"] = b"Rome B-PER\n\n"
    url = f"{tiny.url}/some/where/{COMMIT}/data/eng.testb"
    with pytest.raises(DownloadError) as error:
        get_corpus("tiny", tmp_path / "corpora", base_url=tiny.url, on_message=quiet)
    assert str(error.value) == (
        f"{url}: expected SHA-256 {digest(TEST)}, found {digest(b'Rome B-PER' + bytes([10, 10]))}; "
        "damaged, or another version: get it again"
    )
    assert names(tmp_path / "corpora") == []


def test_a_failure_leaves_what_was_there_as_it_was(tiny, tmp_path):
    folder = get_corpus("tiny", tmp_path, base_url=tiny.url, on_message=quiet)
    (folder / "dev.char.bio").write_bytes(b"mine")
    (folder / "notes.txt").write_text("mine")
    tiny.files.clear()
    with pytest.raises(DownloadError):
        get_corpus("tiny", tmp_path, base_url=tiny.url, on_message=quiet)
    assert (folder / "dev.char.bio").read_bytes() == b"mine"
    assert (folder / "notes.txt").read_text() == "mine"


def test_a_copy_is_checked_and_laid_out_without_the_network(tiny, copy, tmp_path):
    folder = get_corpus("tiny", tmp_path / "corpora", source=copy, base_url=tiny.url, on_message=quiet)
    assert names(folder) == ["LICENCE.txt", "config.toml", "dev.char.bio", "test.char.bio", "train.char.bio"]
    assert (folder / "dev.char.bio").read_bytes() == DEV
    assert tiny.asked == []


def test_a_copy_may_lack_the_test_split_and_that_is_said(copy, tmp_path):
    (copy / "eng.testb").unlink()
    told = []
    folder = get_corpus("tiny", tmp_path / "corpora", source=copy, on_message=told.append)
    assert told == [TERMS, f"tiny: no test.char.bio in {copy}: laid out without its test split"]
    assert load_config(folder / "config.toml").data.test is None
    assert names(folder) == ["LICENCE.txt", "config.toml", "dev.char.bio", "train.char.bio"]


def test_a_copy_without_the_training_file_is_refused(copy, tmp_path):
    (copy / "train.char.bio").unlink()
    with pytest.raises(DownloadError) as error:
        get_corpus("tiny", tmp_path / "corpora", source=copy, on_message=quiet)
    assert str(error.value) == (
        f"{copy}: expected train.char.bio or eng.train, found neither; name the folder that holds the files"
    )
    assert names(tmp_path / "corpora") == []


@pytest.mark.parametrize("name", ["train.char.bio", "eng.testb"])
def test_a_copy_that_differs_is_refused_even_for_the_test_split(copy, tmp_path, name):
    (copy / name).write_bytes(b"X O\n")
    size = {"train.char.bio": len(TRAIN), "eng.testb": len(TEST)}[name]
    with pytest.raises(DownloadError) as error:
        get_corpus("tiny", tmp_path / "corpora", source=copy, on_message=quiet)
    assert str(error.value) == (
        f"{copy / name}: expected {size} bytes, found 4; cut short, or another version: get it again"
    )
    assert names(tmp_path / "corpora") == []


def test_a_config_that_was_changed_stays(tiny, tmp_path):
    folder = get_corpus("tiny", tmp_path, base_url=tiny.url, on_message=quiet)
    (folder / "config.toml").write_text("[training]\nseed = 7\n")
    told = []
    get_corpus("tiny", tmp_path, base_url=tiny.url, on_message=told.append)
    assert told == [TERMS, f"{folder / 'config.toml'}: was changed, so it stays as it is"]
    assert (folder / "config.toml").read_text() == "[training]\nseed = 7\n"


SEVERAL = f"""
[several]
description = "Files of one split"
language = "Romanian"
licence = "MIT"
research_only = false
repository = "some/where"
commit = "{COMMIT}"
data = {{ format = "brat" }}
[[several.files]]
split = "all"
name = "01.ann"
inside = "01.ann"
path = "brat/01/data.ann"
size = {len(TRAIN)}
sha256 = "{digest(TRAIN)}"
[[several.files]]
split = "all"
name = "02.ann"
inside = "02.ann"
path = "brat/02/data.ann"
size = {len(DEV)}
sha256 = "{digest(DEV)}"
"""


@pytest.mark.parametrize("names_of_copy", [("01/data.ann", "02/data.ann"), ("01.ann", "02.ann")])
def test_several_files_of_one_split_lie_in_a_folder_that_the_config_names(tmp_path, monkeypatch, names_of_copy):
    monkeypatch.setattr(corpora, "list_corpora", lambda: parse_catalogue(SEVERAL))
    for name, content in zip(names_of_copy, (TRAIN, DEV), strict=True):
        (tmp_path / "copy" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "copy" / name).write_bytes(content)
    for _ in range(2):  # the second time over the first
        folder = get_corpus("several", tmp_path / "corpora", source=tmp_path / "copy", on_message=quiet)
        assert (folder / "all" / "01.ann").read_bytes() == TRAIN
        assert names(folder / "all") == ["01.ann", "02.ann"]
        (folder / "all" / "02.ann").write_bytes(b"changed")
    assert load_config(folder / "config.toml").data.train == str(folder / "all")
    assert (folder / "config.toml").read_text().count('train = "all"') == 1


def test_a_name_that_is_none_is_told_with_the_nearest(tmp_path):
    with pytest.raises(ConfigError) as error:
        get_corpus("conll2003", tmp_path, on_message=quiet)
    assert str(error.value) == ("conll2003: no such corpus; did you mean conll2003-en?; see `ner data list`")
    with pytest.raises(ConfigError) as error:
        get_corpus("?", tmp_path, on_message=quiet)
    assert str(error.value) == "?: no such corpus; see `ner data list`"


def test_a_folder_that_cannot_be_written_is_told(copy, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DownloadError) as error:
        get_corpus("tiny", tmp_path / "file", source=copy, on_message=quiet)
    assert str(error.value) == (
        f"{tmp_path}/file/tiny: can't be written: Not a directory; free space there, or choose another folder"
    )


def test_the_list_names_language_and_terms_of_use():
    assert str(parse_catalogue(CATALOGUE)[0]) == ("tiny               English  A tiny corpus (research use only)")


def test_every_corpus_of_the_catalogue_has_a_config_that_loads(tmp_path):
    for corpus in list_corpora():
        folder = tmp_path / corpus.name
        folder.mkdir()
        for file in corpus.files:
            (folder / file.laid_out).parent.mkdir(exist_ok=True)
            (folder / file.laid_out).write_text("")
        text = corpora.config_text(corpus, list(corpus.files), folder)
        (folder / "config.toml").write_text(text, encoding="utf-8")
        config = load_config(folder / "config.toml")
        if {file.split for file in corpus.files} & {"train", "all"}:
            assert Path(str(config.data.train)).parent == folder
        else:  # evaluation alone
            assert config.data.train is None
            assert '# train = "train.conll"' in text
        assert config.model.vectors is None
        assert {key: getattr(config.data, key) for key in corpus.data} == corpus.data
        assert corpus.licence
        assert len(corpus.commit) == 40
        tomllib.loads(text)
    by_name = {corpus.name: corpus for corpus in list_corpora()}
    assert by_name["conll2003-en"].research_only
    assert not by_name["wnut17"].research_only
    assert 'train = "all.txt"' in corpora.config_text(by_name["wikigold"], list(by_name["wikigold"].files), tmp_path)


def test_the_catalogue_names_the_same_files_as_the_lists_of_sources():
    if not (SHARED / "sources.tsv").exists():
        pytest.skip("../shared/corpora/sources.tsv is not on this machine")
    keys = ("repository", "commit", "path", "bytes", "sha256")
    wanted, named = set(), set()
    for name in ("sources.tsv", "open/sources.tsv"):
        with (SHARED / name).open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
        wanted |= {tuple(row[key] for key in keys) for row in rows if not row["path"].endswith(" joined")}
        named |= {(row["corpus"], row["split_file"], row["path"]) for row in rows if name == "sources.tsv"}
    listed = [(corpus, file) for corpus in list_corpora() for file in corpus.files]
    assert {(c.repository, c.commit, f.path, str(f.size), f.sha256) for c, f in listed} == wanted
    assert {(c.name, f.name, f.path) for c, f in listed} >= named
    assert RAW_FILES == "https://raw.githubusercontent.com"


@pytest.mark.parametrize(
    "name",
    [
        "conll2003-en",
        "wnut17",
        "conll2002-es",
        "conll2002-nl",
        "resume-zh",
        "weibo-zh",
        "cluener2020-bio",
        "ncbi-disease",
    ],
)
def test_real_copies_pass_their_digests_and_are_laid_out(tmp_path, name):
    if not (SHARED / name).is_dir():
        pytest.skip(f"../shared/corpora/{name} is not on this machine")
    told = []
    folder = get_corpus(name, tmp_path, source=SHARED / name, on_message=told.append)
    config = load_config(folder / "config.toml")
    for path in (config.data.train, config.data.dev):
        assert Path(str(path)).read_bytes() == (SHARED / name / Path(str(path)).name).read_bytes()
    assert told[0].startswith(f"{name}: ")


@pytest.mark.parametrize(
    ("name", "copy_of", "entities"),
    [("wikipedia-ja", "wikipedia-ja", 13_185), ("ronec-ro", "brat-ronec-ro", 2_615)],
)
def test_a_real_copy_in_one_file_or_several_is_laid_out_and_read_with_its_config(tmp_path, name, copy_of, entities):
    copy = SHARED / "open" / copy_of
    if not copy.is_dir():
        pytest.skip(f"../shared/corpora/open/{copy_of} is not on this machine")
    data = load_config(get_corpus(name, tmp_path, source=copy, on_message=quiet) / "config.toml").data
    assert sum(len(sentence.spans) for sentence in read_sentences(data.train, data)) == entities
