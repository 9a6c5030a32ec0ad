"""`ner tag --format redacted` changes nothing but the names, and `ner restore` gives back each byte."""

import json
import os
import shutil
import stat
import sys
from pathlib import Path

import pytest

import ner
from ner.evaluation.adjustment import Adjustment
from ner.evaluation.promise import Promise
from ner.storage.calibration_file import write_adjustment

TEXT = "Angela Merkel visited Paris.\r\n\r\n  Merkel met Barack Obama\tin Berlin.\nNobody spoke, no line end"


def tag(run, *arguments, stdin: bytes = b""):
    code, out, err = run("tag", "en", *arguments, "--format", "redacted", "--runtime", "numpy", stdin=stdin)
    assert code == 0, err
    return out, err


def test_lines_keep_their_ends_and_all_but_the_names(run, tmp_path: Path) -> None:
    source = tmp_path / "in.txt"
    source.write_bytes(b"\xef\xbb\xbf" + TEXT.encode())
    out, err = tag(run, source)
    assert out == ("\ufeff[PER] visited [LOC].\r\n\r\n  [PER] met [PER]\tin [LOC].\nNobody spoke, no line end")
    assert err == "5 names replaced (2 LOC, 3 PER), texts: 4\n"


@pytest.mark.parametrize("way", [["--replace", "label", "--numbered"], ["--replace", "hash"], ["--replace", "fixed"]])
@pytest.mark.parametrize("kind", ["lines", "text"])
def test_a_file_is_restored_byte_for_byte(run, tmp_path: Path, way: list[str], kind: str) -> None:
    source, redacted, names, back = (tmp_path / name for name in ("in.txt", "out.txt", "names.map", "back.txt"))
    source.write_bytes(b"\xef\xbb\xbf" + TEXT.encode())
    reading = ["--input", "text"] if kind == "text" else []
    tag(run, source, *reading, *way, "--also-repeats", "--map", names, "--out", redacted)
    assert b"Merkel" not in redacted.read_bytes()
    assert run("restore", redacted, "--map", names, "--out", back)[0] == 0
    assert back.read_bytes() == source.read_bytes()
    assert run("restore", redacted, "--map", names)[1].encode() == source.read_bytes()


def test_a_folder_of_texts_becomes_a_folder_and_is_restored(run, tmp_path: Path) -> None:
    source, redacted, names, back = (tmp_path / name for name in ("in", "out", "names.map", "back"))
    (source / "below").mkdir(parents=True)
    contents = {"a.txt": TEXT.encode(), "below/b.txt": b"\xef\xbb\xbfParis\r\n", "c.txt": b"nobody\n"}
    for name, content in contents.items():
        (source / name).write_bytes(content)
    tag(run, source, "--out", redacted, "--map", names)
    assert (redacted / "below" / "b.txt").read_bytes() == b"\xef\xbb\xbf[LOC]\r\n"
    assert run("restore", redacted, "--map", names, "--out", back)[0] == 0
    found = {path.relative_to(back).as_posix(): path.read_bytes() for path in back.rglob("*.txt")}
    assert found == contents


def test_documents_of_a_format_become_json_lines_with_nothing_but_their_text(run, tmp_path: Path) -> None:
    source, redacted, names = tmp_path / "in.jsonl", tmp_path / "out.jsonl", tmp_path / "names.map"
    records = [{"id": "x", "text": "In Paris", "author": "Anna"}, {"text": "nobody\nthere"}, {"text": "Paris\nParis"}]
    source.write_text("".join(json.dumps(each) + "\n" for each in records), encoding="utf-8")
    _, err = tag(run, source, "--input", "jsonl", "--out", redacted, "--map", names)
    assert [json.loads(line) for line in redacted.read_text(encoding="utf-8").splitlines()] == [
        {"id": "x", "text": "In [LOC]"},
        {"text": "nobody\nthere"},
        {"text": "[LOC]\n[LOC]"},
    ]
    assert "once: documents with more than a text: the rest, which may hold names, is left out" in err
    _, out, _ = run("restore", redacted, "--map", names)
    assert [json.loads(line)["text"] for line in out.splitlines()] == [each["text"] for each in records]
    # Any format goes in: columns are joined with blanks.
    columns = tmp_path / "in.conll"
    columns.write_text("In O\nParis O\n", encoding="utf-8")
    assert json.loads(tag(run, columns, "--input", "conll")[0])["text"] == "In [LOC]"


def test_a_text_of_the_command_line_and_lines_of_stdin_are_redacted(run) -> None:
    assert tag(run, "--text", "Paris\nis Paris")[0] == "[LOC]\nis [LOC]\n"
    assert tag(run, stdin=b"Paris\nParis")[0] == "[LOC]\n[LOC]"
    assert tag(run, "--labels", "LOC", stdin=b"Barack Obama in Paris\n")[0] == "Barack Obama in [LOC]\n"


def test_the_same_key_gives_the_same_marks_and_without_one_it_is_said(run, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_bytes(b"0123456789abcdef\n")
    out, err = tag(run, "--replace", "hash", "--key-file", key, stdin=b"Paris\n")
    entity = ner.Entity("LOC", "Paris", 0, 5)
    assert out == ner.redact("Paris", [entity], replace="hash", key=b"0123456789abcdef").text + "\n"
    assert "the key of the hash" not in err
    _, err = tag(run, "--replace", "hash", stdin=b"Paris\n")
    assert err.splitlines()[0] == (
        "warning: the key of the hash is of this run alone: another run gives other hashes; --key-file FILE keeps them"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="rights are other there")
def test_a_promise_of_precision_leaves_no_name_in_a_redacted_text(run, small_model, tmp_path: Path) -> None:
    text = "Angela Merkel met Bob Dole in New York. IBM left Paris."
    shutil.copytree(small_model, tmp_path / "model")
    scores = [entity.score for entity in ner.load(small_model, runtime="numpy").tag(text)]
    promise = Promise(0.99, 0.9, max(scores), 200, 100, "sentence")
    write_adjustment(tmp_path / "model", Adjustment(threshold=0.3, promise=promise))
    assert len(ner.load(tmp_path / "model", runtime="numpy").tag(text)) < len(scores)
    args = ("--text", text, "--format", "redacted", "--runtime", "numpy")
    wanted = run("tag", small_model, *args, "--threshold", 0.3)
    assert run("tag", tmp_path / "model", *args) == wanted


def test_the_map_is_its_owners_alone_and_not_there_where_the_work_failed(run, tmp_path: Path) -> None:
    names = tmp_path / "names.map"
    old = os.umask(0)
    try:
        tag(run, "--map", names, stdin=b"Paris\n")
    finally:
        os.umask(old)
    assert stat.S_IMODE(names.stat().st_mode) == 0o600
    other = tmp_path / "other.map"
    code, _, err = run(
        "tag", "en", "--format", "redacted", "--map", other, "--runtime", "numpy", stdin=b"Paris\n\xff\n"
    )
    assert (code, other.exists()) == (1, False), err
    assert [path.name for path in tmp_path.iterdir()] == ["names.map"]


def test_options_that_have_no_use_are_refused(run, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_bytes(b"short")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a.txt").write_text("Paris", encoding="utf-8")
    file = tmp_path / "full" / "a.txt"
    for arguments, message in (
        (["--replace", "hash"], "--replace: expected --format redacted beside it, found --format jsonl"),
        (["--labels", "PER"], "--labels: expected --format redacted beside it, found --format jsonl"),
        (["--format", "redacted", "--replace", "x"], "replace: expected one of label, hash, fixed, found 'x'"),
        (
            ["--format", "redacted", "--key-file", key],
            "--key-file: expected --replace hash beside it, found --replace label",
        ),
        (
            ["--format", "redacted", "--fixed", "x"],
            "--fixed: expected --replace fixed beside it, found --replace label",
        ),
        (
            ["--format", "redacted", "--replace", "fixed", "--fixed", "a\nb"],
            "--fixed: expected text of one line, found 'a\\nb'",
        ),
        (
            ["--format", "redacted", "--replace", "hash", "--key-file", key],
            "key: expected at least 16 bytes, found 5; secrets.token_bytes(32) makes a key",
        ),
        (
            ["--format", "redacted", "--replace", "hash", "--key-file", tmp_path / "none"],
            f"--key-file {tmp_path / 'none'}: expected a file that can be read: No such file or directory",
        ),
        (
            ["--format", "redacted", "--labels", "CITY"],
            "--labels: expected labels of the model (LOC, MISC, ORG, PER), found 'CITY'",
        ),
        (
            ["--format", "redacted", "--map", file],
            f"--map {file}: expected another place than that of the input, found the same; choose another",
        ),
        (
            ["--format", "redacted", "--map", tmp_path / "x", "--out", tmp_path / "x"],
            f"--map {tmp_path / 'x'}: expected another place than --out, found the same",
        ),
    ):
        code, _, err = run("tag", "en", file, *arguments, "--runtime", "numpy")
        assert (code, err.splitlines()[-1]) == (2, f"error: {message}")
    code, _, err = run("tag", "en", tmp_path / "none", "--format", "redacted", "--runtime", "numpy")
    assert (code, err) == (1, f"error: {tmp_path / 'none'}: no such file\n")
    folder = tmp_path / "full"
    names = tmp_path / "new" / "names.map"
    code, _, err = run("tag", "en", folder, "--format", "redacted", "--out", tmp_path / "new", "--map", names)
    wanted = f"--map {names}: expected a place outside of --out {tmp_path / 'new'}, found one within it"
    assert (code, err) == (2, f"error: {wanted}\n")
    code, _, err = run("tag", "en", folder, "--format", "redacted")
    assert (code, err) == (2, "error: --format redacted: expected --out FOLDER for a folder of texts, found none\n")
    other = tmp_path / "other"
    other.mkdir()
    (other / "mine").touch()
    code, _, err = run("tag", "en", folder, "--format", "redacted", "--out", other, "--runtime", "numpy")
    wanted = f"error: {other}: expected a new folder, or an empty one, found one that isn't empty; choose another"
    assert (code, err.splitlines()[-1]) == (2, wanted)
    code, _, err = run("tag", "en", file, "--format", "redacted", "--map", file / "x", "--runtime", "numpy")
    assert (code, err.splitlines()[-1]) == (2, f"error: --map {file / 'x'}: expected a place for a file: File exists")


HEAD = '{"ner redaction map": 1, "of": "%s"}\n'
NOTE = '{"document": %d, "id": null, "replaced": [[0, "[LOC]", "LOC", "Paris"]]}\n'


@pytest.mark.parametrize(
    ("content", "text", "message"),
    [
        ("", "x", "{map}:1: expected a map that ner tag --map wrote, found ''"),
        ("[]\n", "x", "{map}:1: expected a map that ner tag --map wrote, found '[]\\n'"),
        (
            HEAD.replace("1", "2") % "lines",
            "x",
            "{map}:1: expected a map of version 1, found 2; update bilstm-crf-ner",
        ),
        (
            HEAD % "lines" + '{"document": 0}\n',
            "x",
            "{map}:2: expected a document and its replacements: KeyError: 'replaced'",
        ),
        (
            HEAD % "lines" + NOTE % 0,
            "Rome",
            "{text}:1: expected '[LOC]' at character 0 of the redacted text, found 'Rome'; the text was changed, or "
            "the map is of another text",
        ),
        (
            HEAD % "lines" + NOTE % 4,
            "a\nb\n",
            "{text}: expected at least 5 texts, as {map} says, found 2; the map is of another file",
        ),
        (
            HEAD % "documents" + NOTE % 0,
            "3\n",
            '{text}:1: expected an object with a "text", as ner tag --format redacted writes it',
        ),
        (
            HEAD % "text",
            "\udcff",
            "{text}: expected UTF-8, as ner tag --format redacted writes it, found other bytes",
        ),
        (HEAD % "folder", "x", "{text}: expected a folder, as {map} is of folder, found a file"),
        (
            None,
            "x",
            "{map}: expected a map that can be read: No such file or directory",
        ),
    ],
)
def test_a_map_or_a_text_that_does_not_fit_is_told(
    run, tmp_path: Path, content: str | None, text: str, message: str
) -> None:
    names, redacted = tmp_path / "names.map", tmp_path / "out.txt"
    if content is not None:
        names.write_text(content, encoding="utf-8")
    redacted.write_bytes(text.encode("utf-8", "surrogateescape"))
    code, _, err = run("restore", redacted, "--map", names, "--out", tmp_path / "back")
    assert code
    assert err == f"error: {message.format(map=names, text=redacted)}\n"
    assert not (tmp_path / "back").exists()


def test_a_folder_that_does_not_fit_its_map_is_told(run, tmp_path: Path) -> None:
    names, folder = tmp_path / "names.map", tmp_path / "out"
    names.write_text(HEAD % "folder" + (NOTE % 0).replace("null", '"gone"'), encoding="utf-8")
    folder.mkdir()
    code, _, err = run("restore", folder, "--map", names)
    assert (code, err) == (2, "error: ner restore: expected --out FOLDER for a folder of texts, found none\n")
    code, _, err = run("restore", folder, "--map", names, "--out", tmp_path / "back")
    wanted = f"error: {folder}: expected gone.txt, as {names} says, found none; the map is of another folder\n"
    assert (code, err) == (1, wanted)
    code, _, err = run("restore", tmp_path / "none.txt", "--map", names, "--out", tmp_path / "back")
    assert code == 2
