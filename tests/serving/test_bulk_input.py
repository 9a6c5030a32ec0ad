"""Bulk input: cut where lines and rows end, every document once, and what can't be read a document with its error."""

import json
import os
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ner.data_settings import DataConfig
from ner.errors import ConfigError, DataError
from ner.formats.format import Losses
from ner.serving.bulk.reading import check_readable, read_piece
from ner.serving.bulk.shards import LINES, make_plan

AUTO = DataConfig()


def plan(*inputs, data=AUTO, size=1000, text_column=None):
    return make_plan([str(each) for each in inputs], data, size=size, text_column=text_column)


def read(*inputs, data=AUTO, size=1000, text_column=None, losses=None):
    told = losses or Losses()
    shards = plan(*inputs, data=data, size=size, text_column=text_column).shards
    pieces = [piece for shard in shards for piece in shard.pieces]
    return [item for piece in pieces for item in read_piece(piece, data, told, text_column=text_column)]


def whole_message(error, work):
    with pytest.raises(error) as caught:
        work()
    return str(caught.value)


@settings(max_examples=40)
@given(lines=st.lists(st.text("ab \u2028\x0b\x0c\x85\r", max_size=6), min_size=1, max_size=12), size=st.integers(1, 30))
def test_however_lines_are_cut_each_is_there_once_with_its_number(tmp_path_factory, lines, size):
    path = tmp_path_factory.mktemp("lines") / "a.txt"
    content = "\n".join(lines)
    path.write_bytes(content.encode())
    if not content:
        return
    shards = plan(path, size=size, data=AUTO.model_copy(update={"format": LINES})).shards
    pieces = [piece for shard in shards for piece in shard.pieces]
    assert [piece.begin for piece in pieces[1:]] == [piece.end for piece in pieces[:-1]]
    assert [shard.number for shard in shards] == list(range(len(shards)))
    found = [item for piece in pieces for item in read_piece(piece, AUTO, Losses(), text_column=None)]
    wanted = lines[:-1] if lines[-1] == "" else lines  # a last line feed begins no line
    assert [item.text for item in found] == [line.removesuffix("\r") for line in wanted]
    assert [item.id for item in found] == [f"{path}:{number}" for number in range(1, len(wanted) + 1)]


def test_a_line_that_is_not_utf_8_is_a_document_with_its_error(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbfAnna\n\xff\nBob")
    first, second, third = read(path)
    assert (first.text, third.text, second.text) == ("Anna", "Bob", "")
    assert second.error == f'{path}:2: expected utf-8, found byte 0xff; set data.encoding, for example to "latin-1"'


def test_files_of_folders_come_by_name_without_hidden_ones_and_small_ones_share_a_shard(tmp_path):
    for name in ("b/x.txt", "b/.hidden", "_job/x.txt", "a.txt", "c.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("Anna left.\n" * (200 if name == "c.txt" else 1))
    shards = plan(tmp_path).shards
    names = [[piece.name.removeprefix(f"{tmp_path}/") for piece in shard.pieces] for shard in shards]
    assert names == [["a.txt", "b/x.txt"], ["c.txt"], ["c.txt"], ["c.txt"]]
    assert plan(tmp_path).formats == {LINES: 3}


def test_the_digest_of_the_input_changes_with_its_content_and_its_name_alone(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("Anna\n")
    first = plan(path).digest
    path.touch()
    assert (plan(path).digest, plan(path, size=1).digest) == (first, first)
    path.write_text("Anne\n")
    assert plan(path).digest != first


def test_json_lines_have_their_own_names_and_a_bad_one_has_its_error(tmp_path):
    path = tmp_path / "a.jsonl"
    lines = ['{"id": 7, "text": "Anna"}', "", "{", '{"text": 1}', '{"text": "Bob", "entities": [[0, 3, "PER"]]}']
    path.write_text("\n".join(lines))
    found = read(path)
    assert [(item.id, item.text, item.document) for item in found] == [
        ("7", "Anna", None),
        (f"{path}:3", "", None),
        (f"{path}:4", "", None),
        (f"{path}:5", "Bob", None),
    ]
    assert [item.error and item.error.partition(":4: ")[2] for item in found if item.id.endswith(":4")] == [
        'expected a JSON object with a "text", found \'{"text": 1}\''
    ]


def test_the_text_of_json_lines_is_found_under_another_name(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": "a", "body": "Anna", "text": 3}\n{"text": "Bob"}\n')
    first, second = read(path, text_column="body", data=AUTO.model_copy(update={"format": "jsonl"}))
    assert (first.id, first.text) == ("a", "Anna")
    assert second.error == f'{path}:2: expected a JSON object with text under "body", found \'{{"text": "Bob"}}\''


def test_json_lines_without_a_text_are_told_by_the_column_and_never_tagged_as_lines(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": 1, "body": "Anna"}\n{"id": 2, "body": "Bob"}\n')
    assert [(item.id, item.text) for item in read(path, text_column="body")] == [("1", "Anna"), ("2", "Bob")]
    for column, wanted in ((None, "text"), ("boddy", "boddy")):
        assert whole_message(ConfigError, lambda column=column: plan(path, text_column=column)) == (
            f"{path}: expected the text under {wanted!r}, found the keys 'id', 'body'; --text-column names it, --lines "
            "tags each line as it is"
        )
    assert len(read(path, data=AUTO.model_copy(update={"format": LINES}))) == 2
    path.write_text('{"text": null}\n{"text": "Bob"}\n')
    assert [item.text for item in read(path)] == ["", "Bob"]


def test_a_file_whose_name_says_json_lines_is_read_so_whatever_its_first_line_is(tmp_path):
    path = tmp_path / "second-half.jsonl"
    path.write_text('"cut off"}\n{"id": 2, "text": "Bob"}\n')
    cut, whole = read(path)
    assert (cut.text, cut.error) == ("", f"{path}:1: expected a JSON object: Extra data at column 10")
    assert (whole.id, whole.text, whole.error) == ("2", "Bob", None)
    path = path.rename(tmp_path / "over-lines.json")
    path.write_text('{\n "text": "Anna"\n}\n')
    assert whole_message(ConfigError, lambda: plan(path)) == (
        f"{path}: expected a JSON object a line, or an array of objects, found neither; write it so, or --lines tags "
        "each line as it is"
    )


def test_items_of_an_array_have_their_text_under_the_column_and_a_bad_one_its_error(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps([{"body": "Anna", "id": 7}, {"body": None}, {"body": "Bob"}]))
    first, second, third = read(path, text_column="body")
    assert [(item.id, item.text) for item in (first, third)] == [("7", "Anna"), (f"{path}:3", "Bob")]
    assert second.error == f'{path}:1: expected a JSON object with text under "body", found \'{{"body": null}}\''
    path.write_text('[{"text": "Anna"}, {"text": 1}, {"text": "Bob"}, {')
    assert [item.text for item in read(path)] == ["Anna", "", "Bob", ""]
    assert read(path)[3].error.endswith("; what follows in the file is not read")


def test_a_folder_is_read_through_links_once_and_what_can_not_be_read_is_told(tmp_path):
    for name in ("in/b.txt", "real/c.txt"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("Anna left.\n")
    folder = tmp_path / "in"
    (folder / "link").symlink_to(tmp_path / "real")
    (tmp_path / "real" / "back").symlink_to(folder)
    assert [item.id for item in read(folder)] == [f"{folder}/b.txt:1", f"{folder}/link/c.txt:1"]
    (folder / "gone.txt").symlink_to(tmp_path / "none")
    assert whole_message(DataError, lambda: plan(folder)) == f"{folder}/gone.txt: no such file or folder"
    (folder / "gone.txt").unlink()
    os.mkfifo(folder / "pipe")
    told = "expected a file or folder, found a pipe or device, which can't be read twice"
    assert whole_message(DataError, lambda: plan(folder)) == f"{folder}/pipe: {told}"
    assert whole_message(DataError, lambda: plan(folder / "pipe")) == f"{folder}/pipe: {told}"


def test_a_file_or_folder_that_may_not_be_read_is_told_in_a_line(tmp_path, monkeypatch):
    (tmp_path / "in" / "private").mkdir(parents=True)
    (tmp_path / "in" / "a.txt").write_text("Anna\n")
    scan = os.scandir

    def refused(path):
        if str(path).endswith("private"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refused)  # whoever runs the tests may be allowed everything
    assert whole_message(DataError, lambda: plan(tmp_path / "in")) == (
        f"{tmp_path}/in/private: expected a folder that can be read: Permission denied; mend that, or name the files"
    )

    def closed(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("ner.serving.bulk.shards.take_sample", closed)
    assert whole_message(DataError, lambda: plan(tmp_path / "in" / "a.txt")) == (
        f"{tmp_path}/in/a.txt: expected a readable file: Permission denied"
    )


def test_an_array_and_utf_16_are_not_cut(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps([{"text": "Anna"}, {"text": "Bob"}], indent=1))
    assert [item.text for item in read(tmp_path / "a.json", size=1)] == ["Anna", "Bob"]
    (tmp_path / "b.txt").write_text("Anna\nBob\n", encoding="utf-16")
    wide = AUTO.model_copy(update={"encoding": "utf-16", "format": LINES})
    assert [item.text for item in read(tmp_path / "b.txt", size=1, data=wide)] == ["Anna", "Bob"]


def test_a_blank_line_of_utf_16_is_an_empty_document_as_one_of_utf_8_is(tmp_path):
    for end in ("\n", "\r\n"):
        text = f"Anna{end}{end}Bob{end}"
        (tmp_path / "narrow.txt").write_bytes(text.encode())
        (tmp_path / "wide.txt").write_bytes(text.encode("utf-16"))
        wide = AUTO.model_copy(update={"encoding": "utf-16", "format": LINES})
        lines = [item.text for item in read(tmp_path / "narrow.txt")]
        assert [item.text for item in read(tmp_path / "wide.txt", data=wide)] == lines == ["Anna", "", "Bob"]


def test_a_column_file_keeps_its_sentences_and_ends_where_it_can_not_be_read(tmp_path, sample_en):
    path = tmp_path / "a.conll"
    path.write_text("-DOCSTART- O\n\nAnna B-PER\n\n-DOCSTART- O\n\nBob B-PER\n\n")
    scheme = AUTO.model_copy(update={"format": "conll", "scheme": "iob2"})
    documents = read(path, data=scheme)
    assert [(item.id, item.text) for item in documents] == [(f"{path}:1", "Anna"), (f"{path}:2", "Bob")]
    assert [len(item.document.sentences) for item in documents] == [1, 1]
    with path.open("a") as stream:
        stream.write("-DOCSTART- O\n\nEve\n")
    *_, last = read(path, data=scheme)
    assert last.error.startswith(f"{path}:11: ")
    assert last.error.endswith("; what follows in the file is not read")


def test_each_text_file_is_a_document_by_its_name(tmp_path):
    (tmp_path / "a.txt").write_text("Anna\nleft.")
    (tmp_path / "a.md").write_text("no")
    (tmp_path / "b.TXT").write_text("Bob")
    text = AUTO.model_copy(update={"format": "text"})
    found = read(tmp_path, data=text)
    assert [(item.id, item.text) for item in found] == [
        (f"{tmp_path}/a.txt", "Anna\nleft."),
        (f"{tmp_path}/b.TXT", "Bob"),
    ]
    for name in ("a.txt", "b.TXT"):
        (tmp_path / name).unlink()
    assert whole_message(DataError, lambda: plan(tmp_path, data=text)) == (
        f"{tmp_path}: expected a folder of files in .txt, found none in it"
    )


def parquet(path, rows, **columns):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow.parquet import write_table

    write_table(pyarrow.table(columns), path, row_group_size=rows)
    return path


def test_rows_of_parquet_are_cut_within_and_across_row_groups(tmp_path):
    texts = [None if i == 3 else f"text {i}" for i in range(20)]
    path = parquet(tmp_path / "a.parquet", 7, text=texts, id=list(range(100, 120)))
    for size in (1, 40, 10_000):
        found = read(path, size=size)
        assert [item.id for item in found] == [str(i) for i in range(100, 120)]
        assert [item.text for item in found if item.error is None] == [text for text in texts if text]
    assert found[3].error == f"{path}:4: expected text in the column 'text', found null"
    assert len(plan(path, size=1).shards) == 20


def test_rows_of_parquet_without_names_are_named_by_their_number_and_dictionaries_are_text(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    body = pyarrow.array(["Anna", "Bob", "Anna"]).dictionary_encode()
    path = parquet(tmp_path / "a.parquet", 2, text=[1, 2, 3], body=body)
    found = read(path, text_column="body")
    assert [(item.id, item.text) for item in found] == [
        (f"{path}:{n}", t) for n, t in enumerate(["Anna", "Bob", "Anna"], 1)
    ]


def test_input_that_can_not_be_tagged_is_told_in_a_line(tmp_path):
    a = tmp_path / "a.parquet"
    parquet(a, 2, body=["Anna"], number=[1])
    assert whole_message(ConfigError, lambda: plan(a)) == (
        f"{a}: expected the text in the column 'text', found the columns body, number; --text-column names it"
    )
    assert whole_message(ConfigError, lambda: plan(a, text_column="number")) == (
        f"{a}: expected text in the column 'number', found int64; --text-column names another"
    )
    a.write_bytes(b"PAR1 and no more")
    assert re.fullmatch(rf"{re.escape(str(a))}: expected a Parquet file: .*", whole_message(DataError, lambda: plan(a)))
    gone, empty, binary = tmp_path / "gone", tmp_path / "empty", tmp_path / "b.bin"
    assert whole_message(DataError, lambda: plan(gone)) == f"{gone}: no such file or folder"
    empty.mkdir()
    assert whole_message(DataError, lambda: plan(empty)) == f"{empty}: expected a folder of files, found none in it"
    (empty / "a.txt").touch()
    assert whole_message(DataError, lambda: plan(empty)) == f"{empty}: expected documents to tag, found none"
    binary.write_bytes(b"\x1f\x8b\0\0")
    assert whole_message(DataError, lambda: plan(binary)) == (
        f"{binary}: expected text, found a binary file; unpack it, or name its format by --input"
    )
    binary.write_bytes("Anna\n".encode("utf-16"))
    assert whole_message(DataError, lambda: plan(binary)) == (
        f"{binary}: expected text, found a binary file; if it is UTF-16, say --set data.encoding=utf-16"
    )
    text = tmp_path / "a.txt"
    text.write_text("Anna\n")
    assert whole_message(ConfigError, lambda: plan(text, text_column="body")) == (
        f"--text-column body: expected Parquet or JSON lines, found {text}, which is lines of text"
    )


def test_a_file_without_any_text_is_told_before_the_work(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"body": "Anna"}\n' * 3)
    data = AUTO.model_copy(update={"format": "jsonl"})
    piece = plan(path, data=data).shards[0].pieces[0]
    assert whole_message(DataError, lambda: check_readable(piece, data, text_column=None)) == (
        f'{path}:1: expected a JSON object with a "text", found \'{{"body": "Anna"}}\'; nor can another of the '
        "first 3 documents be read: --input or --text-column says how"
    )
    check_readable(piece, data, text_column="body")
    path.write_text('{"body": "Anna"}\n' * 3 + '{"text": "Anna"}\n')
    check_readable(plan(path, data=data).shards[0].pieces[0], data, text_column=None)
    # Two documents tell nothing of a file, nor do rows without a text of a column that is of text.
    path.write_text('{"body": "Anna"}\n' * 2)
    check_readable(plan(path, data=data).shards[0].pieces[0], data, text_column=None)
    pyarrow = pytest.importorskip("pyarrow")
    nulls = parquet(tmp_path / "nulls.parquet", 10, text=pyarrow.array([None] * 5, pyarrow.string()))
    check_readable(plan(nulls).shards[0].pieces[0], data, text_column=None)


def test_a_file_that_changes_under_the_work_is_an_error(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("Anna\nBob\n")
    piece = plan(path).shards[0].pieces[0]
    path.write_text("Anna\n")
    assert whole_message(DataError, lambda: list(read_piece(piece, AUTO, Losses(), text_column=None))) == (
        f"{path}: expected 9 bytes, found fewer; the file was changed"
    )
    path.unlink()
    assert whole_message(DataError, lambda: list(read_piece(piece, AUTO, Losses(), text_column=None))) == (
        f"{path}: expected a readable file: No such file or directory"
    )


def test_parquet_without_pyarrow_is_told_with_its_extra(tmp_path, monkeypatch):
    path = parquet(tmp_path / "a.parquet", 2, text=["Anna"])
    monkeypatch.setattr("ner.serving.bulk.parquet.is_there", lambda name: False)
    assert whole_message(ConfigError, lambda: plan(Path(path))) == (
        f"{path}: expected the package `pyarrow`; pip install 'bilstm-crf-ner[tables]'"
    )
