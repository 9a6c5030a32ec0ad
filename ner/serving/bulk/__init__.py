"""Bulk tagging: millions of documents through one model, on this machine's processes, on Ray or on Spark."""

from ner.serving.bulk.batches import TagBatches
from ner.serving.bulk.job import Job, Options, tag_files
from ner.serving.bulk.spark import spark_schema, spark_tagger

__all__ = ["Job", "Options", "TagBatches", "spark_schema", "spark_tagger", "tag_files"]
