"""`python scripts/evaluate.py …` is `ner evaluate …`."""

import sys

from ner.cli import main

if __name__ == "__main__":
    sys.argv.insert(1, "evaluate")
    main()
