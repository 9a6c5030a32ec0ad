"""The commands of `ner`, a module for each kind; `ner/cli.py` puts them together."""
