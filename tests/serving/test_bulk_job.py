"""A bulk job: the same bytes however it was disturbed, and one line where it can't be begun."""

import errno
import json
import re
from dataclasses import replace
from itertools import islice

import pytest

import ner
from ner.errors import ConfigError, DataError, InterruptionError, ModelError
from ner.serving.bulk import job as jobs
from ner.serving.bulk import local, on_ray, receipts, tagging
from ner.serving.bulk.job import Options, tag_files
from ner.serving.bulk.shards import make_plan
from ner.serving.bulk.work import Worker, variables_of

SMALL = Options(shard_size=2_000, runtime="numpy")


@pytest.fixture
def inline(monkeypatch):
    """An engine without processes; what it is told to do to its worker is done before each shard."""
    done = {"loaded": 0, "shards": [], "before": lambda shard: None}

    def run(work, shards, workers):
        done["loaded"] += 1
        worker = Worker(work)
        for shard in shards:
            done["before"](shard)
            done["shards"].append(shard.number)
            yield worker.tag(shard)

    monkeypatch.setitem(jobs.ENGINES, "local", run)
    return done


@pytest.fixture(scope="session")
def texts(tmp_path_factory, sample_en):
    """A file of a sentence a line, of some seven small shards."""
    path = tmp_path_factory.mktemp("texts") / "a.txt"
    sentences = ner.read_conll(sample_en / "train.conll")[:120]
    path.write_text("".join(" ".join(sentence.words) + "\n" for sentence in sentences))
    return path


def files_of(out):
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


def rows_of(out):
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(out.glob("part-*")))
    return [json.loads(line) for line in text.split("\n")[:-1]]


def message(error, work):
    with pytest.raises(error) as caught:
        work()
    return str(caught.value)


def test_every_line_has_the_entities_that_the_tagger_finds_in_it(small_model, texts, tmp_path, inline):
    manifest = tag_files(small_model, [str(texts)], tmp_path / "out", SMALL)
    lines = texts.read_text().splitlines()
    found = rows_of(tmp_path / "out")
    assert [(row["id"], row["text"], row["error"]) for row in found] == [
        (f"{texts}:{number}", line, None) for number, line in enumerate(lines, 1)
    ]
    wanted = list(ner.load(small_model, runtime="numpy").pipe(lines))
    for row, entities in zip(found, wanted, strict=True):
        assert [(e["start"], e["end"], e["label"], e["text"]) for e in row["entities"]] == [
            (e.start, e.end, e.label, e.text) for e in entities
        ]
        assert [e["score"] for e in row["entities"]] == pytest.approx([e.score for e in entities], abs=1e-4)
    assert manifest["documents"] == len(lines)
    assert manifest["entities"] == sum(map(len, wanted)) > 20
    assert inline["loaded"] == 1


def test_a_shard_is_the_same_bytes_after_other_shards_and_before_them(small_model, texts, tmp_path, inline):
    exact = replace(SMALL, digits=17)  # all that a score has
    tag_files(small_model, [str(texts)], tmp_path / "forward", exact)

    def backward(work, shards, workers):
        worker = Worker(work)
        return map(worker.tag, reversed(shards))

    jobs.ENGINES["local"] = backward  # undone by the fixture
    tag_files(small_model, [str(texts)], tmp_path / "backward", exact)
    assert files_of(tmp_path / "forward") == files_of(tmp_path / "backward")
    assert len(files_of(tmp_path / "forward")) > 5


@pytest.mark.parametrize("format", ["jsonl", "parquet"])
def test_a_job_that_was_interrupted_goes_on_to_the_bytes_of_an_undisturbed_one(
    small_model, texts, tmp_path, inline, format
):
    options = replace(SMALL, format=format)
    out = tmp_path / "out"
    tag_files(small_model, [str(texts)], tmp_path / "whole", options)
    inline["shards"].clear()

    def stop(shard):
        if shard.number == 2:
            (out / f".part-00002.{format}.0123abcd").write_text("half")  # as a kill leaves it
            raise KeyboardInterrupt

    inline["before"] = stop
    error = message(InterruptionError, lambda: tag_files(small_model, [str(texts)], out, options))
    number = len(make_plan([str(texts)], ner.Config().data, size=2_000, text_column=None).shards)
    assert error == f"{out}: interrupted, 2 of {number} shards are done; --resume goes on"
    done = out / f"part-0000{0 if format == 'jsonl' else 1}.{format}"
    # Gone, or of zeros, as a machine that went down may leave a file.
    if format == "jsonl":
        done.unlink()
    else:
        done.write_bytes(bytes(done.stat().st_size))
    inline["before"] = lambda shard: None
    inline["shards"].clear()
    tag_files(small_model, [str(texts)], out, options, resume=True)
    assert inline["shards"] == [0 if format == "jsonl" else 1, *range(2, number)]
    assert files_of(out) == files_of(tmp_path / "whole")
    inline["shards"].clear()
    tag_files(small_model, [str(texts)], out, options, resume=True)
    assert inline["shards"] == []  # nothing was left to do


def test_an_input_that_is_named_otherwise_is_told_from_another_input(small_model, texts, tmp_path, inline, monkeypatch):
    out = tmp_path / "out"
    tag_files(small_model, [str(texts)], out, SMALL)
    monkeypatch.chdir(texts.parent)
    assert message(ConfigError, lambda: tag_files(small_model, [texts.name], out, SMALL, resume=True)) == (
        f"{out}: expected the input under the names that its documents' ids have, such as {texts}, found {texts.name}; "
        "name it so, from the same folder"
    )


def test_a_job_that_was_killed_as_it_wrote_which_it_is_begins_anew(small_model, texts, tmp_path, inline):
    out = tmp_path / "out"
    (out / "_job").mkdir(parents=True)
    for name in ("lock", ".job.json.0123abcd"):
        (out / "_job" / name).touch()
    assert tag_files(small_model, [str(texts)], out, SMALL, resume=True)["documents"] == 120
    assert not (out / "_job").exists()


def test_a_document_that_fails_has_its_error_and_the_others_their_entities(
    small_model, texts, tmp_path, inline, monkeypatch
):
    whole = tagging._tagged

    def fails(tagger, items):
        if any(item.id.endswith(":3") for item in items):
            raise ValueError("too odd")
        yield from whole(tagger, items)

    monkeypatch.setattr(tagging, "_tagged", fails)
    manifest = tag_files(small_model, [str(texts)], tmp_path / "out", SMALL)
    rows = rows_of(tmp_path / "out")
    assert [row["error"] for row in rows if row["error"]] == [f"{texts}:3: ValueError: too odd"]
    assert (manifest["documents"], manifest["errors"]) == (120, 1)
    assert manifest["shards"][0]["first_errors"] == [f"{texts}:3: ValueError: too odd"]
    assert rows[1]["entities"] or rows[3]["entities"] or rows[4]["entities"]


def test_a_text_without_utf_8_is_written_with_its_error(small_model, tmp_path, inline):
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": "\\ud800", "text": "Anna"}\n{"id": "b", "text": "\\ud800"}\n')
    tag_files(small_model, [str(path)], tmp_path / "out", SMALL)
    first, second = rows_of(tmp_path / "out")
    assert (first["id"], first["text"], first["error"]) == ("\\ud800", "Anna", None)
    assert (second["text"], second["error"]) == ("", "b: expected text that has UTF-8, found '\\ud800'")


def test_documents_of_one_id_both_stay_and_an_id_that_is_no_name_is_the_line_s(small_model, tmp_path, inline):
    path, out = tmp_path / "a.jsonl", tmp_path / "out"
    ids = ["a", "a", [1], None, 7]
    path.write_text("".join(json.dumps({"id": each, "text": f"text {each}"}) + "\n" for each in ids))
    manifest = tag_files(small_model, [str(path)], out, Options(shard_size=1))
    assert (manifest["documents"], manifest["errors"]) == (5, 0)
    assert [(row["id"], row["text"]) for row in rows_of(out)] == [
        ("a", "text a"),
        ("a", "text a"),
        (f"{path}:3", "text [1]"),
        (f"{path}:4", "text None"),
        ("7", "text 7"),
    ]


def test_a_document_larger_than_many_shards_is_one_document_of_one_shard(small_model, tmp_path, inline):
    path, out = tmp_path / "a.txt", tmp_path / "out"
    large = "Anna Smith left London. " * 300
    path.write_text(f"Bob\n{large}\nEve\n")
    tag_files(small_model, [str(path)], out, Options(shard_size=20))
    assert [row["text"] for row in rows_of(out)] == ["Bob", large, "Eve"]


def test_parquet_without_any_entity_has_the_schema_of_parquet_with_some(small_model, tmp_path, inline):
    dataset = pytest.importorskip("pyarrow.dataset")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("of the\n" * 3)
    (tmp_path / "in" / "b.txt").write_text("Angela Merkel visited Paris.\n")
    options = Options(format="parquet", shard_size=1, runtime="numpy")
    tag_files(small_model, [str(tmp_path / "in")], tmp_path / "out", options)
    table = dataset.dataset(tmp_path / "out", format="parquet").to_table()
    assert str(table.schema.field("entities").type) == (
        "list<element: struct<start: int64, end: int64, label: string, text: string, score: double>>"
    )
    assert [bool(each) for each in table.column("entities").to_pylist()] == [False] * 3 + [True]
    assert (tmp_path / "out" / "part-00000.parquet").is_file()


def test_what_is_written_can_be_read_as_documents(small_model, texts, tmp_path, inline):
    tag_files(small_model, [str(texts)], tmp_path / "out", SMALL)
    documents = [each for path in sorted((tmp_path / "out").glob("part-*")) for each in ner.read(path)]
    rows = rows_of(tmp_path / "out")
    assert [[e.text for e in d.entities] for d in documents] == [[e["text"] for e in row["entities"]] for row in rows]


def test_a_folder_of_another_job_is_refused_in_a_line(small_model, texts, tmp_path, inline, sample_en):
    out = tmp_path / "out"

    def again(*, model=small_model, inputs=(texts,), options=SMALL, resume=True):
        names = [str(each) for each in inputs]
        return message(ConfigError, lambda: tag_files(model, names, out, options, resume=resume))

    tag_files(small_model, [str(texts)], out, SMALL)
    head, end = f"{out}: expected a folder of this job, found one of ", "; choose another --out"
    assert again(model="en") == f"{head}another model{end}"
    assert again(inputs=(texts, texts)) == f"{head}another input{end}"
    assert again(options=replace(SMALL, shard_size=99)) == f"{head}another --shard-size{end}"
    assert again(options=replace(SMALL, digits=5)) == f"{head}other options (digits: 4, now 5){end}"
    changed = replace(SMALL, settings=("data.encoding=latin-1",))
    assert again(options=changed) == f"{head}other options (--set){end}"
    assert again(resume=False) == f"{out}: expected a new folder, found one in which this job is done{end}"
    path = out / "_manifest.json"
    manifest = json.loads(path.read_text())
    manifest["job"]["versions"]["numpy"] = "1.0"
    path.write_text(json.dumps(manifest))
    assert re.fullmatch(rf"{re.escape(head)}other versions of packages \(numpy: '1\.0', now '.*'\){end}", again())
    path.write_text("{}")
    told = f"{path}: expected what a bulk job wrote, found something else{end}"
    assert again() == told
    path.write_text("{")
    assert again() == told


def test_a_job_that_is_under_way_is_not_begun_anew_and_only_one_process_is_at_it(small_model, texts, tmp_path, inline):
    out = tmp_path / "out"

    def look(shard):
        if shard.number == 1:
            again = lambda: tag_files(small_model, [str(texts)], out, SMALL, resume=True)  # noqa: E731
            assert message(ConfigError, again) == (f"--out {out}: another process is at this job; wait for its end")
            raise KeyboardInterrupt

    inline["before"] = look
    message(InterruptionError, lambda: tag_files(small_model, [str(texts)], out, SMALL))
    assert message(ConfigError, lambda: tag_files(small_model, [str(texts)], out, SMALL)) == (
        f"{out}: expected a new folder, found one in which this job is under way; --resume goes on with it"
    )


def test_a_place_that_can_not_take_the_output_is_refused_in_a_line(small_model, texts, tmp_path, inline):
    out = tmp_path / "out"
    tag = lambda: tag_files(small_model, [str(texts)], out, SMALL)  # noqa: E731
    out.write_text("")
    assert message(ConfigError, tag) == (
        f"{out}: expected a new folder or that of this job, found a file; choose another --out"
    )
    out.unlink()
    out.mkdir()
    (out / "mine.txt").touch()
    assert message(ConfigError, tag) == (
        f"{out}: expected a new folder or that of this job, found one with other files; choose another --out"
    )
    inside = texts.parent / "out"
    assert message(ConfigError, lambda: tag_files(small_model, [str(texts.parent)], inside, SMALL)) == (
        f"--out {inside}: expected a folder outside of the input, found it in {texts.parent}"
    )
    below = texts / "out"
    assert message(ConfigError, lambda: tag_files(small_model, [str(texts)], below, SMALL)) == (
        f"--out {below}: expected a folder outside of the input, found it in {texts}"
    )
    other = tmp_path / "file"
    other.touch()
    assert message(ConfigError, lambda: tag_files(small_model, [str(texts)], other / "out", SMALL)) == (
        f"--out {other / 'out'}: expected a folder that can be made: Not a directory"
    )


def test_a_folder_is_free_again_where_the_engine_refused_the_job(small_model, texts, tmp_path, inline, monkeypatch):
    def refuse(*of_a_job):
        raise ConfigError("no cluster")

    with monkeypatch.context() as patched:
        patched.setattr(jobs, "_run", refuse)
        assert (
            message(ConfigError, lambda: tag_files(small_model, [str(texts)], tmp_path / "out", SMALL)) == "no cluster"
        )
    other = replace(SMALL, min_score=0.5)
    assert tag_files(small_model, [str(texts)], tmp_path / "out", other)["documents"]


def test_options_that_make_no_sense_are_refused_in_a_line(small_model, texts, tmp_path, monkeypatch):
    def told(options=SMALL, **more):
        return message(ConfigError, lambda: tag_files(small_model, [str(texts)], tmp_path / "out", options, **more))

    assert told(engine="spark") == "--engine: expected one of local, ray, found 'spark'; Spark: docs/scale.md"
    assert told(Options(format="conll")) == ("--format: expected one of jsonl, parquet with --engine, found 'conll'")
    assert told(Options(input_format="odd")).startswith("--input: expected one of auto, lines of text, parquet, conll,")
    assert told(Options(input_format="odd")).endswith("text, found 'odd'")
    assert told(workers=0) == "--workers: expected at least 1, found 0"
    assert told(Options(shard_size=0)) == "--shard-size: expected at least 1 byte, found 0"
    assert told(Options(shard_size=1.5)) == "--shard-size: expected a whole number of bytes, found 1.5"
    assert told(Options(threads=0)) == "--threads: expected at least 1, found 0"
    assert told(Options(digits=0)) == "digits: expected a whole number from 1 to 17, found 0"
    assert told(Options(min_score=5)) == "min_score: expected a number from 0 to 1, found 5"
    assert told(Options(threshold=2.0)).startswith("threshold: expected")
    monkeypatch.setattr("ner.serving.bulk.parquet.is_there", lambda name: False)
    assert told(Options(format="parquet")) == (
        "--format parquet: expected the package `pyarrow`; pip install 'bilstm-crf-ner[tables]'"
    )
    monkeypatch.setattr(on_ray, "is_there", lambda name: False)
    assert told(engine="ray") == "--engine ray: expected the package `ray`; pip install 'bilstm-crf-ner[ray]'"


def test_a_shard_that_can_not_be_read_fails_alone_and_a_full_disk_ends_the_job(
    small_model, texts, tmp_path, inline, monkeypatch
):
    copy, out = tmp_path / "a.txt", tmp_path / "out"
    copy.write_bytes(texts.read_bytes())

    def cut(shard):
        if shard.number == 1:
            copy.write_bytes(texts.read_bytes()[:3000])

    inline["before"] = cut
    error = message(DataError, lambda: tag_files(small_model, [str(copy)], out, SMALL))
    number = len(inline["shards"])
    assert error.startswith(
        f"{out}: {number - 1} of {number} shards failed, the first of them part-00001.jsonl: {copy}"
    )
    assert error.endswith("bytes, found fewer; the file was changed; --resume tries them again")
    copy.write_bytes(texts.read_bytes())
    inline["before"] = lambda shard: None

    def full(stage):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ner.serving.bulk.work.sha256_of", full)
    work = lambda: tag_files(small_model, [str(copy)], out, SMALL, resume=True)  # noqa: E731
    monkeypatch.setattr(
        jobs, "digest_of_model", lambda folder: json.loads((out / "_job/job.json").read_text())["model"]
    )
    monkeypatch.setattr("ner.serving.bulk.work.digest_of_model", jobs.digest_of_model)
    assert message(DataError, work) == (
        f"{out}: can't be written: No space left on device; free space there, and go on with --resume"
    )


def test_what_ends_a_job_is_told_with_what_helps(small_model, texts, tmp_path, inline, monkeypatch):
    out = tmp_path / "out"
    work = lambda: tag_files(small_model, [str(texts)], out, SMALL, resume=True)  # noqa: E731

    def refuse(folder, receipt):
        raise PermissionError(errno.EACCES, "Permission denied", str(folder / "_job"))

    with monkeypatch.context() as patched:
        patched.setattr("ner.serving.bulk.work.write_receipt", refuse)
        assert message(DataError, work) == (
            f"{out}: can't be written: Permission denied; mend that, and go on with --resume"
        )
    lost = {"shard": 0, "failed": "no new worker: a worker ended; go on with --resume", "ends": True}
    with monkeypatch.context() as patched:
        patched.setitem(jobs.ENGINES, "local", lambda *of_a_job: iter([lost]))
        assert message(DataError, work) == "no new worker: a worker ended; go on with --resume"


@pytest.mark.parametrize("name", ["_job/job.json", "_manifest.json"])
def test_a_full_disk_under_the_files_of_a_job_is_told_by_their_name(
    small_model, texts, tmp_path, inline, monkeypatch, name
):
    out, write = tmp_path / "out", receipts._write

    def full(path, value):
        if path == out / name:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, value)

    monkeypatch.setattr(receipts, "_write", full)
    assert message(DataError, lambda: tag_files(small_model, [str(texts)], out, SMALL)) == (
        f"{out / name}: can't be written: No space left on device; free space there, and go on with --resume"
    )
    monkeypatch.setattr(receipts, "_write", write)
    assert tag_files(small_model, [str(texts)], out, SMALL, resume=True)["documents"] == 120


def test_an_input_that_may_not_be_read_fails_its_shards_alone(small_model, texts, tmp_path, inline, monkeypatch):
    def refuse(piece, *how, **more):
        raise PermissionError(errno.EACCES, "Permission denied", piece.path)

    monkeypatch.setattr("ner.serving.bulk.work.read_piece", refuse)
    error = message(DataError, lambda: tag_files(small_model, [str(texts)], tmp_path / "out", SMALL))
    number = len(inline["shards"])
    assert error == (
        f"{tmp_path / 'out'}: {number} of {number} shards failed, the first of them part-00000.jsonl: "
        f"{texts}: expected a readable file: Permission denied; --resume tries them again"
    )


def test_a_worker_refuses_another_model_than_the_job_s(small_model, texts, tmp_path, inline, monkeypatch):
    monkeypatch.setattr(jobs, "digest_of_model", lambda folder: "another")
    error = message(ModelError, lambda: tag_files(small_model, [str(texts)], tmp_path / "out", SMALL))
    head = f"{small_model}: expected the model that the job was started with, found another on "
    assert error.startswith(head)
    assert error.endswith("; put the model where every worker sees it under this path")


_FAKE = """
import json, os, sys
work = json.loads(sys.stdin.readline())
if {early}: sys.exit(3)
print(json.dumps({ready}), flush=True)
for line in sys.stdin:
    number = json.loads(line)["number"]
    mark = os.path.join(work["out"], f"tried-{{number}}")
    times = os.path.getsize(mark) if os.path.exists(mark) else 0
    open(mark, "a").write("x")
    if number == 1 and times < {dies}: os._exit(9)
    print(json.dumps({{"shard": number, "tries": times + 1}}), flush=True)
"""


@pytest.fixture
def fake(tmp_path, monkeypatch, small_model, texts):
    """Runs the local engine with workers that are none: they only count how often they were asked."""

    def run(*, early=False, ready={"ready": True}, dies=0, workers=2, most=None):  # noqa: B006
        (tmp_path / "fake_worker.py").write_text(_FAKE.format(early=early, ready=ready, dies=dies))
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        monkeypatch.setattr(local, "_MODULE", "fake_worker")
        shards = make_plan([str(texts)], ner.Config().data, size=4_000, text_column=None).shards
        work = jobs.Work(
            model="", digest="", out=str(tmp_path), format="jsonl", data={}, text_column=None, runtime="numpy",
            device="cpu", threads=1, threshold=None, min_score=0.0, digits=4, width=5,
        )  # fmt: skip
        answers = islice(local.run(work, shards, workers), most)
        return shards, sorted(answers, key=lambda answer: answer["shard"])

    return run


def test_a_shard_whose_worker_dies_is_given_to_another(fake):
    shards, answers = fake(dies=2)
    assert [answer["shard"] for answer in answers] == [shard.number for shard in shards]
    assert [answer["tries"] for answer in answers] == [3 if number == 1 else 1 for number in range(len(shards))]


def test_a_worker_that_can_not_be_replaced_ends_the_job_and_says_how_it_goes_on(fake, monkeypatch):
    made, started = local._Process, []

    def just_one(work):
        if started:
            raise OSError(errno.ENOMEM, "Cannot allocate memory")
        started.append(made(work))
        return started[0]

    monkeypatch.setattr(local, "_Process", just_one)
    _, answers = fake(dies=1, workers=1, most=2)  # the third would never come
    failed = "no new worker: [Errno 12] Cannot allocate memory; go on with --resume"
    assert answers == [{"shard": 0, "tries": 1}, {"shard": 1, "failed": failed, "ends": True}]


def test_a_shard_that_kills_three_workers_is_given_up_and_the_others_are_done(fake):
    shards, answers = fake(dies=3)
    assert len(answers) == len(shards) > 2
    assert [answer for answer in answers if "failed" in answer] == [
        {"shard": 1, "failed": "a worker ended with exit code 9, 3 times", "ends": False}
    ]


def test_what_a_worker_can_not_be_told_ends_the_job(fake, monkeypatch):
    def refuse(process, shard):
        raise TypeError("no JSON")

    monkeypatch.setattr(local._Process, "ask", refuse)
    _, answers = fake(workers=1, most=1)
    assert answers == [{"shard": 0, "failed": "TypeError: no JSON", "ends": True}]


def test_one_path_is_an_input_as_a_list_of_them_is(small_model, texts, tmp_path, inline):
    for number, inputs in enumerate([texts, str(texts), [texts]]):
        assert tag_files(small_model, inputs, tmp_path / str(number), SMALL)["documents"] == 120


def test_workers_that_can_not_begin_are_told_in_a_line(fake):
    assert message(ModelError, lambda: fake(early=True)) == (
        "a worker ended with exit code 3 before it had loaded the model"
    )
    assert message(ModelError, lambda: fake(ready={"failed": "no model here"})) == "no model here"


def test_two_processes_write_the_bytes_that_one_writes(small_model, texts, tmp_path, run, inline, monkeypatch):
    tag_files(small_model, [str(texts)], tmp_path / "one", SMALL)
    monkeypatch.setitem(jobs.ENGINES, "local", local.run)
    command = ["tag", small_model, texts, "--engine", "local", "--workers", 2, "--out", tmp_path / "two"]
    code, out, err = run(*command, "--shard-size", 2000, "--runtime", "numpy")
    assert (code, out) == (0, "")
    assert err.splitlines()[-1].startswith(f"{tmp_path / 'two'}: 120 documents, ")
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")


def test_the_command_refuses_what_does_not_go_together(run, small_model, texts, tmp_path):
    def told(*arguments):
        code, _, err = run("tag", small_model, *arguments)
        assert code == 2
        return err

    bulk = (texts, "--engine", "local", "--out", tmp_path / "out")
    assert told(texts, "--engine", "local") == "error: --engine: expected --out FOLDER beside it, found none\n"
    assert told(*bulk[1:]) == "error: --engine local: expected files or folders, found none\n"
    assert told("-", *bulk[1:]) == "error: --engine local: expected files or folders, found stdin\n"
    assert told(*bulk, "--k-best", 2) == "error: --engine: expected no --k-best beside it\n"
    assert told(*bulk, "--text", "Anna") == "error: --engine: expected no --text beside it\n"
    assert told(*bulk, "--uncalibrated") == "error: --engine: expected no --uncalibrated beside it\n"
    for option in (["--labels", "PER"], ["--also-repeats"], ["--map", tmp_path / "map"]):
        assert told(*bulk, *option) == (
            f"error: {option[0]}: expected --format redacted beside it, found --format jsonl\n"
        )
    assert told(*bulk, "--map", tmp_path / "map", "--format", "redacted") == (
        "error: --format: expected one of jsonl, parquet with --engine, found 'redacted'\n"
    )
    assert told(*bulk, "--lines", "--input", "text") == (
        "error: --lines: expected no --input beside it, found --input text\n"
    )
    assert told(texts, "--workers", 2) == "error: --workers: expected --engine beside it, found none\n"
    assert told(texts, "--resume") == "error: --resume: expected --engine beside it, found none\n"
    assert told(texts, texts) == f"error: {texts}: expected one file, found 2; --engine local tags several\n"


def test_a_worker_keeps_few_kernels_and_never_more_than_are_asked_for(monkeypatch):
    work = jobs.Work(
        model="", digest="", out="", format="jsonl", data={}, text_column=None, runtime="numpy",
        device="cpu", threads=3, threshold=None, min_score=0.0, digits=4, width=5,
    )  # fmt: skip
    found = {}
    for asked in ("256", "16", "odd"):
        monkeypatch.setenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY", asked)
        found[asked] = variables_of(work)["ONEDNN_PRIMITIVE_CACHE_CAPACITY"]
    assert found == {"256": "128", "16": "16", "odd": "128"}
    assert variables_of(work)["OMP_NUM_THREADS"] == "3"
