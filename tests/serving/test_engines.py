"""TagBatches and the function for Spark: the same columns whatever comes in; the page's examples on real engines."""

import json
import os
import re
import subprocess
import sys

import pytest

import ner
from ner.data_settings import DataConfig
from ner.errors import ConfigError, ModelError
from ner.formats.format import Losses
from ner.serving.bulk import TagBatches, batches, on_ray, spark_schema, spark_tagger, tag_files
from ner.serving.bulk.reading import read_piece
from ner.serving.bulk.shards import make_plan
from tests.conftest import ROOT

pyarrow = pytest.importorskip("pyarrow")
TEXTS = ["Angela Merkel visited Paris.", None, "of the", "", "The Beatles played in Liverpool."]
LISTS = "list<item: struct<start: int64, end: int64, label: string, text: string, score: double>>"


def message(error, work):
    with pytest.raises(error) as caught:
        work()
    return str(caught.value)


@pytest.fixture(scope="module")
def wanted(small_model):
    tagger = ner.load(small_model, runtime="numpy")
    return [[(e.start, e.end, e.label, e.text) for e in tagger.tag(text or "")] for text in TEXTS]


def found(rows):
    return [[(e["start"], e["end"], e["label"], e["text"]) for e in row] for row in rows]


def test_a_table_has_the_entities_that_the_tagger_finds_beside_its_own_columns(small_model, wanted):
    tag = TagBatches(str(small_model), text_column="body", runtime="numpy")
    table = tag(pyarrow.table({"body": TEXTS, "n": range(5), "error": ["old"] * 5}))
    assert table.column_names == ["body", "n", "entities", "error"]
    assert found(table.column("entities").to_pylist()) == wanted
    assert any(wanted)
    assert table.column("error").to_pylist() == [None, "expected text, found null", None, None, None]


def test_arrays_of_numpy_with_and_without_any_entity_become_the_same_types(small_model):
    import numpy as np

    tag = TagBatches(str(small_model), runtime="numpy")
    errors = {}
    for name, texts in {"some": TEXTS, "none": ["of the"], "nan": [float("nan")], "number": [3], "empty": []}.items():
        table = tag({"text": np.array(texts, dtype=object)})
        assert [str(table.schema.field(column).type) for column in ("entities", "error")] == [LISTS, "string"]
        errors[name] = table.column("error").to_pylist()
    assert errors["nan"] == ["expected text, found null"]
    assert errors["number"] == ["expected text, found int"]
    assert errors["none"] == [None]


def test_columns_of_numpy_keep_their_types_and_a_missing_text_has_its_error(small_model):
    import numpy as np

    tag = TagBatches(str(small_model), runtime="numpy")
    nan = float("nan")
    some = {"text": ["Anna left.", nan], "title": [nan, "A"], "n": np.int32([1, 2]), "x": np.zeros((2, 3, 4))}
    whole = {name: column if name in "nx" else np.array(column, dtype=object) for name, column in some.items()}
    table = tag({**whole, "score": np.array([nan, 0.5], dtype=np.float32)})
    assert table.column("text").to_pylist() == ["Anna left.", None]
    assert table.column("error").to_pylist() == [None, "expected text, found null"]
    assert table.column("title").to_pylist() == [None, "A"]
    assert str(table.schema.field("x").type).startswith("extension<arrow.fixed_shape_tensor[value_type=double")
    assert repr(table.column("score").to_pylist()) == "[nan, 0.5]"
    pairs = tag({"text": np.array(["a"], dtype=object), "pair": np.array([["b", "c"]], dtype=object)})
    assert pairs.column("pair").to_pylist() == [["b", "c"]]
    assert len(tag({"text": np.array([], dtype="U1"), "x": np.zeros((0, 2, 2))})) == 0
    empty = tag({"text": np.array([], dtype="U1"), "n": np.array([], dtype=np.int32)})
    assert [str(empty.schema.field(name).type) for name in ("text", "n")] == ["string", "int32"]
    assert message(ConfigError, lambda: tag({"text": np.array(["Anna", 3], dtype=object)})).startswith(
        "column 'text': expected values of one type: "
    )


def broken():
    """A text, and bytes that aren't UTF-8, which pyarrow takes for text."""
    sizes = pyarrow.array(["Angela Merkel", "xx"]).buffers()[1]
    content = pyarrow.py_buffer(b"Angela Merkel\xff\xfe")
    return pyarrow.Array.from_buffers(pyarrow.string(), 2, [None, sizes, content])


def test_bytes_that_are_not_utf_8_are_an_error_of_their_row_alone(small_model, tmp_path):
    wanted = [None, "expected text, found bytes that aren't UTF-8"]
    table = pyarrow.table({"text": broken()})
    assert TagBatches(str(small_model), runtime="numpy")(table).column("error").to_pylist() == wanted
    (made,) = spark_tagger(str(small_model), runtime="numpy")(iter(table.to_batches()))
    assert made.column("error").to_pylist() == wanted
    from pyarrow.parquet import write_table

    write_table(pyarrow.table({"text": broken(), "id": broken()}), tmp_path / "a.parquet")
    (piece,) = make_plan([str(tmp_path / "a.parquet")], DataConfig(), size=1000, text_column=None).shards[0].pieces
    first, second = read_piece(piece, DataConfig(), Losses(), text_column=None)
    assert (first.id, first.text, first.error) == ("Angela Merkel", "Angela Merkel", None)
    told = f"{tmp_path}/a.parquet:2: expected text in the column 'text', found bytes that aren't UTF-8"
    assert (second.id, second.error) == (f"{tmp_path}/a.parquet:2", told)


def test_columns_that_stand_twice_are_told_or_replaced(small_model, tmp_path):
    tag = TagBatches(str(small_model), runtime="numpy")
    twice = pyarrow.table([["a"], ["b"], ["old"], ["older"]], names=["text", "n", "error", "error"])
    assert tag(twice).column_names == ["text", "n", "entities", "error"]
    both = pyarrow.table([["a"], ["b"]], names=["text", "text"])
    assert message(ConfigError, lambda: tag(both)) == "text_column: expected one column 'text', found 2"
    from pyarrow.parquet import write_table

    path = tmp_path / "a.parquet"
    write_table(both, path)
    error = message(ConfigError, lambda: make_plan([str(path)], DataConfig(), size=1000, text_column=None))
    assert error == f"{path}: expected one column 'text', found 2"


@pytest.mark.parametrize("make", [TagBatches, spark_tagger])
def test_options_of_both_engines_are_checked_before_any_work(small_model, make):
    def told(**options):
        return message(ConfigError, lambda: make(str(small_model), **options))

    assert told(digits=-1) == "digits: expected a whole number from 1 to 17, found -1"
    assert told(min_score=float("nan")) == "min_score: expected a number from 0 to 1, found nan"
    assert told(threshold=5) == "threshold: expected a probability above 0 and below 1, found 5"
    assert told(runtime="foo").startswith("runtime: expected auto, torch, onnx, numpy, found 'foo'")


def test_a_process_loads_a_model_once(small_model, monkeypatch):
    loads = []
    monkeypatch.setattr(batches, "load", lambda *given, **more: loads.append(given))
    batches.tagger_of.cache_clear()
    try:
        for _ in range(3):
            TagBatches(str(small_model), runtime="numpy")
        assert len(loads) == 1
    finally:
        batches.tagger_of.cache_clear()


def test_a_batch_that_can_not_be_tagged_is_told_in_a_line(small_model, monkeypatch):
    tag = TagBatches(str(small_model), runtime="numpy")
    assert message(ConfigError, lambda: tag([1])) == (
        'batch: expected a pyarrow.Table or arrays by name, found [1]; say batch_format="pyarrow"'
    )
    assert message(ConfigError, lambda: tag(pyarrow.table({"a": ["b"], "c": ["d"]}))) == (
        "text_column: expected one of a, c, found 'text'"
    )
    monkeypatch.setattr("ner.serving.bulk.parquet.is_there", lambda name: False)
    extra = "expected the package `pyarrow`; pip install 'bilstm-crf-ner[tables]'"
    assert message(ConfigError, lambda: TagBatches("en")) == f"TagBatches: {extra}"
    assert message(ConfigError, lambda: spark_tagger("en")) == f"spark_tagger: {extra}"


def test_a_partition_of_spark_has_the_columns_that_its_schema_says(small_model, wanted):
    tag = spark_tagger(str(small_model), runtime="numpy")
    batch = pyarrow.RecordBatch.from_pydict({"id": list("abcde"), "text": TEXTS})
    first, second = tag(iter([batch, batch.slice(1, 2)]))
    assert first.schema.names == ["id", "text", "entities", "error"]
    assert [str(first.schema.field(name).type) for name in ("entities", "error")] == [LISTS, "string"]
    assert first.schema == second.schema
    assert found(first.column("entities").to_pylist()) == wanted
    assert message(ConfigError, lambda: list(tag(iter([batch.select(["id"])])))) == (
        "text_column: expected one of id, found 'text'"
    )


def test_spark_is_told_of_a_model_that_is_not_there_before_it_starts(tmp_path):
    assert message(ModelError, lambda: spark_tagger(str(tmp_path / "no"))) == (
        f"{tmp_path / 'no'}: no such model directory; `ner train` writes one"
    )


def test_the_schema_for_spark_wants_spark_and_text(monkeypatch):
    monkeypatch.setattr("ner.serving.bulk.spark.is_there", lambda name: False)
    assert message(ConfigError, lambda: spark_schema(None)) == (
        "spark_schema: expected the package `pyspark`; pip install 'bilstm-crf-ner[spark]'"
    )


# What the pages show, in a process of its own: an engine warns as it likes, and leaves threads behind.
def example(engine):
    page = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
    (block,) = (code for code in re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL) if engine in code)
    return block


def run_python(code, folder):
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, env=_environment(), check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def _environment():
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def write_articles(path):
    from pyarrow.parquet import write_table

    texts = [f"{text} {n}" if text else text for n in range(30) for text in TEXTS]
    write_table(pyarrow.table({"text": texts, "n": range(len(texts))}), path, row_group_size=40)
    return texts


def expected(texts):
    tagger = ner.load("en")
    return [[(e.start, e.end, e.label, e.text) for e in tagger.tag(text or "")] for text in texts]


@pytest.mark.slow
def test_the_example_for_ray_keeps_the_order_and_writes_a_folder_that_can_be_read(tmp_path):
    pytest.importorskip("ray", reason="Ray isn't installed")
    from pyarrow.dataset import dataset

    texts = write_articles(tmp_path / "articles.parquet")
    iterated = 'print([row["n"] for row in tagged.iter_rows()])\nray.shutdown()'
    code = example("import ray").replace("ray.shutdown()", iterated)
    assert run_python(code, tmp_path).splitlines()[-1] == str(list(range(len(texts))))
    # Ray 2.60 writes the blocks of a file by threads: findings/ray-write-parquet-order.sh.
    table = dataset(tmp_path / "tagged-by-ray", format="parquet").to_table().sort_by("n")
    assert table.column("n").to_pylist() == list(range(len(texts)))
    assert found(table.column("entities").to_pylist()) == expected(texts)


@pytest.mark.slow
def test_the_example_for_spark_writes_what_the_tagger_finds_and_loads_the_model_once_a_worker(tmp_path):
    pytest.importorskip("pyspark", reason="Spark isn't installed")
    from pyarrow.dataset import dataset

    texts = write_articles(tmp_path / "articles.parquet")
    # The page's example, and then partitions and actions enough to load eight models where each had its own.
    count = """
from ner.serving.bulk import batches
from ner.serving.bulk.spark import spark_tagger as made
import pyarrow

def counted(rows, tag=made("en")):
    for _ in tag(rows):
        pass
    told = batches.tagger_of.cache_info().misses
    yield pyarrow.RecordBatch.from_pydict({"process": [os.getpid()], "loads": [told]})

split = documents.repartition(8).mapInArrow(counted, "process long, loads long")
split.count()
print([tuple(row) for row in split.collect()])
"""
    code = example("pyspark").replace("spark.stop()", f"{count}\nspark.stop()")
    loads = eval(run_python(code, tmp_path).splitlines()[-1])
    assert len(loads) == 8
    assert {number for _, number in loads} == {1}
    table = dataset(tmp_path / "tagged-by-spark", format="parquet").to_table().sort_by("n")
    assert table.column("n").to_pylist() == list(range(len(texts)))
    assert found(table.column("entities").to_pylist()) == expected(texts)


@pytest.mark.slow
def test_ray_writes_the_bytes_that_local_processes_write_and_refuses_in_a_line(tmp_path):
    pytest.importorskip("ray", reason="Ray isn't installed")
    (tmp_path / "a.txt").write_text("Angela Merkel visited Paris.\nof the\n" * 200)
    code = """
import ray, sys
from ner.errors import NerError
from ner.serving.bulk import Options, tag_files
options = Options(shard_size=1000)
tag_files("en", ["a.txt"], "local", options, workers=1)
ray.init(num_cpus=2, include_dashboard=False, object_store_memory=100_000_000)
tag_files("en", ["a.txt"], "ray", options, engine="ray")
for change in ({"workers": 3}, {}):
    try:
        if not change:
            from ner.serving.bulk import job
            job.digest_of_model = lambda folder: "another"
        tag_files("en", ["a.txt"], "refused", options, engine="ray", **change)
    except NerError as error:
        print(error)
ray.shutdown()
"""
    told = run_python(code, tmp_path).splitlines()
    assert told[0] == "--workers: expected at most 2, for which the cluster has processors, found 3"
    assert "expected the model that the job was started with, found another on " in told[1]
    files = [sorted(path for path in (tmp_path / name).iterdir()) for name in ("local", "ray")]
    assert [path.name for path in files[0]] == [path.name for path in files[1]]
    assert [path.read_bytes() for path in files[0]] == [path.read_bytes() for path in files[1]]
    assert json.loads((tmp_path / "ray" / "_manifest.json").read_text())["documents"] == 400


def test_workers_of_a_busy_cluster_are_waited_for_with_a_word_now_and_then():
    class Busy:
        """A Ray whose actors get a processor one after the other."""

        def wait(self, asked, num_returns, timeout):
            return asked[:1], asked[1:]

        def get(self, done):
            return [None for _ in done]

    class Actor:
        failed = type("Method", (), {"remote": staticmethod(object)})

    pytest.importorskip("ray", reason="Ray isn't installed")
    assert list(on_ray._until_ready(Busy(), [Actor(), Actor(), Actor()])) == [1, 2]


def test_a_cluster_that_does_not_start_here_is_told_in_a_line(monkeypatch):
    class Ray:
        def is_initialized(self):
            return False

        def init(self, address, **options):
            raise ConnectionError("none") if address == "auto" else Exception("The current node timed out")

    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(on_ray, "_ray", Ray)
    assert message(ConfigError, on_ray._connect) == (
        "--engine ray: expected a cluster that starts on this machine, found Exception: The current node timed out; "
        "try again, or take --engine local"
    )


def test_a_cluster_that_does_not_answer_is_told_in_a_line(tmp_path, monkeypatch):
    monkeypatch.setattr(on_ray, "is_there", lambda name: True)
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    assert message(ConfigError, lambda: tag_files("en", [str(tmp_path)], tmp_path / "out", engine="ray")) == (
        "--engine ray: expected a cluster at RAY_ADDRESS=127.0.0.1:1, found none (Connection refused); "
        "start one by `ray start --head`, or unset RAY_ADDRESS to have one on this machine"
    )
