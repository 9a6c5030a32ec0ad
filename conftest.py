"""Modules whose doctests are looked for only where their extra, which `dev` has not, is installed."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("presidio_analyzer") else ["ner/serving/presidio.py"]
