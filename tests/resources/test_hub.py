"""Models go to a hub and come from it whole, and nothing else does; a server here speaks the hub's interface."""

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import ner
from ner.errors import ConfigError, DownloadError, ModelError
from ner.resources import hub as ours
from ner.resources.models import find_model, find_ready
from tests.resources.fake_hub import FakeHub, serving

# The client sends files by a way that its HTTP library would rather have called otherwise.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
TEXT = "Angela Merkel visited Paris."


@pytest.fixture
def hub(monkeypatch, tmp_path: Path) -> Iterator[FakeHub]:
    constants = pytest.importorskip("huggingface_hub.constants", reason="the extra hub isn't installed")
    with serving() as served:
        use(monkeypatch, constants, served.endpoint)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setenv("HF_TOKEN", "hf_secret")
        yield served


def use(monkeypatch, constants, endpoint: str) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    template = endpoint + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)


def take(reference: str) -> Path:
    return find_model(reference, warn=pytest.fail)


def refused(call, kind: type[Exception]) -> str:
    with pytest.raises(kind) as caught:
        call()
    return str(caught.value)


def some_model() -> dict[str, bytes]:
    return {name: name.encode() for name in ours.NEEDED}


def test_what_is_pushed_is_tagged_with_as_before_and_says_what_it_is(hub: FakeHub, run) -> None:
    address = ner.load("en", runtime="numpy").push_to_hub("me/english", language="en", private=True)
    files = hub.repos["me/english"]["main"]
    assert address == f"{hub.endpoint}/me/english/commit/{hub.commit_of(files)}"
    assert hub.made[0].get("visibility", hub.made[0].get("private")) in ("private", True)
    assert set(files) <= set(ours.FILES)
    folder = find_ready("en").folder
    assert files["model.safetensors"] == (folder / "model.safetensors").read_bytes()

    front, _, text = files["README.md"].decode().removeprefix("---\n").partition("---\n")
    yaml = pytest.importorskip("yaml")
    card = yaml.safe_load(front)
    assert (card["library_name"], card["pipeline_tag"], card["license"], card["language"]) == (
        "bilstm-crf-ner",
        "token-classification",
        "cc-by-sa-4.0",
        "en",
    )
    [result] = card["model-index"][0]["results"]
    dev = ner.load("en", runtime="numpy").metrics["dev"]["micro"]
    assert {each["type"]: each["value"] for each in result["metrics"]} == {
        name: dev[name] for name in ("precision", "recall", "f1")
    }
    assert 'ner.load("hf://me/english")' in text
    assert json.loads(files["manifest.json"])["sha256"].keys() == set(files) - {"README.md", "manifest.json"}

    hub.repos["me/english"]["main"]["extra.bin"] = b"not ours"
    tagger = ner.load("hf://me/english", runtime="numpy")
    assert tagger.tag(TEXT) == ner.load("en", runtime="numpy").tag(TEXT)
    assert "extra.bin" not in hub.fetched
    code, out, _ = run("tag", "hf://me/english", "--text", TEXT, "--runtime", "numpy", "--format", "redacted")
    assert (code, out) == (0, "[PER] visited [LOC].\n")


def test_a_copied_encoder_goes_to_the_hub_and_comes_back_with_the_model(hub: FakeHub, run, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(find_ready("en").folder, folder)
    (folder / "encoder").mkdir()
    for name in ("config.json", "model.safetensors"):
        (folder / "encoder" / name).write_bytes(name.encode())
    tagger = ner.load(folder, runtime="numpy")
    tagger.push_to_hub("me/encoded")
    files = hub.repos["me/encoded"]["main"]
    assert files["encoder/model.safetensors"] == b"model.safetensors"
    assert json.loads(files["manifest.json"])["sha256"].keys() == files.keys() - {"manifest.json", "README.md"}
    assert run("hub", "pull", "me/encoded", "--out", tmp_path / "copy")[0] == 0
    copied = {p.relative_to(tmp_path / "copy").as_posix(): p for p in (tmp_path / "copy").rglob("*") if p.is_file()}
    assert {name: path.read_bytes() for name, path in copied.items()} == files


def test_a_revision_is_taken_and_what_is_in_the_cache_needs_no_network(hub: FakeHub, monkeypatch) -> None:
    from huggingface_hub import constants

    old, new = some_model(), {**some_model(), "README.md": b"new"}
    hub.repos["me/x"] = {"main": new, "v1": old}
    assert (take("hf://me/x") / "README.md").read_bytes() == b"new"
    assert not (take("hf://me/x@v1") / "README.md").exists()
    asked = len(hub.asked)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert (take("hf://me/x") / "README.md").read_bytes() == b"new"
    assert len(hub.asked) == asked
    assert refused(lambda: take("hf://me/y"), DownloadError) == (
        "hf://me/y: expected it in the cache, since HF_HUB_OFFLINE is set, found it not there; unset it"
    )


def test_without_an_answer_the_cache_serves_and_else_it_is_told(hub: FakeHub, monkeypatch) -> None:
    from huggingface_hub import constants

    hub.repos["me/x"] = {"main": some_model()}
    folder = take("hf://me/x")
    use(monkeypatch, constants, "http://127.0.0.1:9")
    assert take("hf://me/x") == folder
    message = refused(lambda: take("hf://me/y"), DownloadError)
    assert message.startswith("hf://me/y: no answer from http://127.0.0.1:9, and not in the cache (")
    assert message.endswith("); check the network, or set HF_ENDPOINT")
    message = refused(lambda: ner.load("en", runtime="numpy").push_to_hub("me/y"), DownloadError)
    assert message.startswith("me/y: no answer from http://127.0.0.1:9 (")
    assert message.endswith("); check the network, or set HF_ENDPOINT")


def test_a_repository_of_another_kind_is_refused_before_anything_is_fetched(hub: FakeHub) -> None:
    hub.repos["me/bert"] = {"main": {"config.json": b"{}", "model.safetensors": b"x" * 1000}}
    assert refused(lambda: take("hf://me/bert"), ModelError) == (
        "hf://me/bert: expected a model of bilstm-crf-ner, found a repository without vocabulary.json"
    )
    assert hub.fetched == []


def test_a_file_that_is_not_as_the_manifest_says_is_refused(hub: FakeHub) -> None:
    files = {**some_model(), "manifest.json": (find_ready("en").folder / "manifest.json").read_bytes()}
    hub.repos["me/x"] = {"main": files}
    message = refused(lambda: take("hf://me/x"), ModelError)
    assert message.startswith("hf://me/x: ")
    assert "expected SHA-256" in message
    assert "; if it is so again, remove " in message


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (
            401,
            "RepoNotFound",
            "hf://me/x: expected a repository of this name, found none that is public; check the name, or log in "
            "(`hf auth login`, or HF_TOKEN)",
        ),
        (
            403,
            "GatedRepo",
            "hf://me/x: expected access, found none: ask for it on the repository's page, then log in (`hf auth "
            "login`, or HF_TOKEN)",
        ),
        (
            400,
            "Other",
            "hf://me/x: expected success, found HTTP 400 (Other); try again, or log in (`hf auth login`, or HF_TOKEN)",
        ),
    ],
)
def test_what_the_hub_refuses_is_told(hub: FakeHub, status: int, code: str, message: str) -> None:
    hub.refused["me/x"] = (status, code)
    assert refused(lambda: take("hf://me/x"), DownloadError) == message


def test_no_repository_and_no_revision_are_told(hub: FakeHub) -> None:
    hub.repos["me/x"] = {"main": some_model()}
    assert refused(lambda: take("hf://me/x@v9"), DownloadError) == (
        "hf://me/x@v9: expected the revision v9, found none of this name"
    )
    assert refused(lambda: take("hf://me/none"), DownloadError) == (
        "hf://me/none: expected a repository of this name, found none that is public; check the name, or log in "
        "(`hf auth login`, or HF_TOKEN)"
    )


@pytest.mark.parametrize("name", ["hf://", "hf://x", "hf://a/b/c", "hf://../x", "hf://a/b@"])
def test_what_is_no_name_is_refused(name: str) -> None:
    assert refused(lambda: take(name), ConfigError) == f"{name}: expected hf://OWNER/NAME or hf://OWNER/NAME@REVISION"


def test_without_the_client_the_extra_is_named(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    assert refused(lambda: take("hf://me/x"), ConfigError) == (
        "hf://: expected huggingface_hub; pip install 'bilstm-crf-ner[hub]'"
    )


def test_the_commands_push_a_branch_and_pull_a_copy(hub: FakeHub, run, tmp_path: Path) -> None:
    code, out, err = run("hub", "push", "en", "me/english", "--revision", "v2", "--licence", "mit")
    assert code == 0, err
    files = hub.repos["me/english"]["v2"]
    assert out == f"{hub.endpoint}/me/english/commit/{hub.commit_of(files)}\n"
    assert b"license: mit\n" in files["README.md"]
    copy = tmp_path / "copy"
    assert run("hub", "pull", "me/english@v2", "--out", copy)[:2] == (0, f"{copy}\n")
    assert {path.name: path.read_bytes() for path in copy.iterdir()} == files
    code, _, err = run("hub", "pull", "me/english@v2", "--out", copy)
    assert (code, err) == (2, f"error: --out {copy}: expected a new folder, found something there; choose another\n")
    code, out, _ = run("hub", "pull", "me/english@v2")
    assert (Path(out.strip()) / "config.json").exists()


def test_an_upload_that_broke_off_is_told_with_its_reason() -> None:
    pytest.importorskip("huggingface_hub", reason="the extra hub isn't installed")

    def broken() -> None:
        with ours._told("me/x", None):
            raise RuntimeError("Error while uploading 'model.safetensors'") from OSError("disk gone")

    assert refused(broken, DownloadError) == "me/x: OSError: disk gone; try again"
