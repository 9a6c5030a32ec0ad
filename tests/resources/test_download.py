import errno
import hashlib
import socket
from pathlib import Path

import pytest

from ner.errors import DownloadError
from ner.resources.download import cache_home, fetch


def names(folder):
    return sorted(path.name for path in folder.iterdir())


BODY = b"some vectors\n" * 100_000
# Of these 1.3 MB, by coreutils' sha256sum.
DIGEST = "13f14b4bb887f75ab759320d87d5386f12bd15d4ae46047c9a0be37b13d5e502"


def refused_url() -> str:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{unused.getsockname()[1]}/file"


def test_the_file_arrives_byte_for_byte_with_its_progress(site, tmp_path):
    site.files["/file"] = BODY
    seen = []
    target = tmp_path / "deep" / "file"
    fetch(f"{site.url}/file", target, sha256=DIGEST, size=len(BODY), on_progress=lambda *at: seen.append(at))
    assert target.read_bytes() == BODY
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1] == (len(BODY), len(BODY))
    assert names(target.parent) == ["file"]


def test_without_a_size_the_total_is_what_the_server_says(site, tmp_path):
    site.files["/file"] = BODY
    seen = []
    fetch(f"{site.url}/file", tmp_path / "file", sha256=None, size=None, on_progress=lambda *at: seen.append(at))
    assert seen[-1] == (len(BODY), len(BODY))


def test_a_redirect_is_followed(site, tmp_path):
    site.files["/there"] = BODY
    site.redirects["/here"] = "/there"
    fetch(f"{site.url}/here", tmp_path / "file", sha256=DIGEST, size=None)
    assert (tmp_path / "file").read_bytes() == BODY


@pytest.mark.parametrize(
    ("size", "digest", "message"),
    [
        (5, None, "expected 5 bytes, found 262144; cut short, or another version: get it again"),
        (2_000_000, None, "expected 2000000 bytes, found 1300000; cut short, or another version: get it again"),
        (
            None,
            "0" * 64,
            f"expected SHA-256 {'0' * 64}, found {DIGEST}; damaged, or another version: get it again",
        ),
    ],
    ids=["too long: stopped after a chunk", "too short", "another digest"],
)
def test_a_file_that_is_not_what_was_promised_is_refused_and_leaves_nothing(site, tmp_path, size, digest, message):
    site.files["/file"] = BODY
    (tmp_path / "file").write_text("what was there")
    with pytest.raises(DownloadError) as error:
        fetch(f"{site.url}/file", tmp_path / "file", sha256=digest, size=size)
    assert str(error.value) == f"{site.url}/file: {message}"
    assert names(tmp_path) == ["file"]
    assert (tmp_path / "file").read_text() == "what was there"


def test_a_missing_page_is_told_by_its_status(site, tmp_path):
    with pytest.raises(DownloadError) as error:
        fetch(f"{site.url}/none", tmp_path / "file", sha256=None, size=None)
    assert str(error.value) == (
        f"{site.url}/none: expected the file, found HTTP 404 Not Found; check the address, and a proxy if there is one"
    )
    assert names(tmp_path) == []


def test_a_connection_that_breaks_leaves_nothing(site, tmp_path):
    site.files["/file"] = BODY
    site.cut.add("/file")
    with pytest.raises(DownloadError) as error:
        fetch(f"{site.url}/file", tmp_path / "file", sha256=None, size=None)
    text = str(error.value)
    assert text.startswith(f"{site.url}/file: the connection broke after ")
    assert text.endswith(
        " bytes (peer closed connection without sending complete message body "
        "(received 650000 bytes, expected 1300000)); run the same command again"
    )
    assert names(tmp_path) == []


def test_a_host_that_does_not_answer_is_told_with_the_way_out(tmp_path):
    url = refused_url()
    with pytest.raises(DownloadError) as error:
        fetch(url, tmp_path / "file", sha256=None, size=None)
    assert str(error.value) == (
        f"{url}: no answer ([Errno {errno.ECONNREFUSED}] Connection refused); check the network, or set HTTPS_PROXY"
    )
    assert names(tmp_path) == []


def test_an_address_that_is_none_is_refused(tmp_path):
    with pytest.raises(DownloadError) as error:
        fetch("nowhere", tmp_path / "file", sha256=None, size=None)
    assert str(error.value) == (
        "nowhere: no answer (Request URL is missing an 'http://' or 'https://' protocol.); "
        "check the network, or set HTTPS_PROXY"
    )


def test_a_folder_that_cannot_be_made_is_told(site, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    target = tmp_path / "file" / "below"
    with pytest.raises(DownloadError) as error:
        fetch(f"{site.url}/file", target, sha256=None, size=None)
    assert str(error.value) == (
        f"{target}: can't be written: File exists; free space there, or set NER_HOME to another folder"
    )


def test_the_cache_is_where_ner_home_says_else_where_the_platform_keeps_caches(monkeypatch, tmp_path):
    monkeypatch.setenv("NER_HOME", str(tmp_path / "mine"))
    assert cache_home() == tmp_path / "mine"
    monkeypatch.setenv("NER_HOME", "~/mine")
    assert cache_home() == Path.home() / "mine"
    monkeypatch.delenv("NER_HOME")
    assert cache_home().name == "ner"
    assert cache_home().is_absolute()


def test_the_digest_above_is_of_the_body_above():
    assert hashlib.sha256(BODY).hexdigest() == DIGEST
