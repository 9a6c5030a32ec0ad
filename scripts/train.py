"""`python scripts/train.py …` is `ner train …`."""

import sys

from ner.cli import main

if __name__ == "__main__":
    sys.argv.insert(1, "train")
    main()
