"""TagBatches and the function for Spark: the same columns whatever comes in; the page's examples on real engines."""

import json
import os
import re
import subprocess
import sys

import pytest

import ner
from ner.errors import ConfigError, ModelError
from ner.serving.bulk import TagBatches, batches, on_ray, spark_schema, spark_tagger, tag_files
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
    run_python(example("import ray"), tmp_path)
    table = dataset(tmp_path / "tagged-by-ray", format="parquet").to_table()
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
