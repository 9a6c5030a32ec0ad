"""`python -m ner` is `ner`."""

from ner.cli import main

main()
