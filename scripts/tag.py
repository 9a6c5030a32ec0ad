"""`python scripts/tag.py …` is `ner tag …`."""

import sys

from ner.cli import main

if __name__ == "__main__":
    sys.argv.insert(1, "tag")
    main()
