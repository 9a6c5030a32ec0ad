#!/bin/sh
# Package: pubtator-loader 0.1.3
# One would expect: the concept ids of a mention, several of them joined by '|' as in the
#   composite mentions of the NCBI disease corpus, are read as the last column.
# What happens: a line is told from the others by cutting it at tabs AND at '|': the mention has
#   seven pieces, not six, and the whole file is refused as corrupted. One id, or two joined by
#   ',', is read.
# Why it matters: PubTator files of composite mentions are valid, and a single one makes all other
#   documents of the file unreadable.
# Date: 2026-11-29 (Python 3.11).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pubtator-loader==0.1.3
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from pubtator_loader import PubTatorCorpusReader

MENTION = "1\t0\t25\tBreast and ovarian cancer\tCompositeMention\t{}\n"
for ids in ("D001943", "D001943,D010051", "D001943|D010051"):
    with open("corpus.txt", "w", encoding="utf-8") as file:
        file.write("1|t|Breast and ovarian cancer.\n1|a|Two diseases.\n" + MENTION.format(ids) + "\n")
    try:
        [document] = PubTatorCorpusReader("corpus.txt").load_corpus()
        outcome = [entity.entity_id for entity in document.entities]
    except Exception as error:
        outcome = str(error)
    print(f"{ids}: {outcome}")
    if "|" in ids:
        assert "the line/data may have been corrupted" in outcome
    else:
        assert outcome == [ids]
EOF
