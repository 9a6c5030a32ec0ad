#!/bin/sh
# Package: spaCy 3.8.18, spacy.training.biluo_to_iob
# One would expect: only the prefix of a tag changes (U- becomes B-, L- becomes I-), never the
#   label.
# What happens: both replacements look for their two characters in the whole tag, so the L- or U-
#   inside a label is replaced too: B-LEGAL-ACT becomes B-LEGAI-ACT, B-EU-BODY becomes B-EB-BODY,
#   while a tag that uses up the replacement in its own prefix stays right. One entity then has
#   two labels.
# Why it matters: labels with a hyphen are common (LEGAL-ACT, URL-PATH, SKILL-SOFT). Training data
#   gets labels that nobody defined, and a strict scorer counts every entity of several tokens as
#   wrong.
# Date: 2026-11-29 (Python 3.11).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check spacy==3.8.18
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from spacy.training import biluo_to_iob, iob_to_biluo

tags = ["B-LEGAL-ACT", "L-LEGAL-ACT", "O", "U-URL-PATH", "B-EU-BODY", "L-EU-BODY"]
written = biluo_to_iob(tags)
for tag, iob in zip(tags, written):
    print(f"{tag:12} -> {iob}")
assert written == ["B-LEGAI-ACT", "I-LEGAL-ACT", "O", "B-URI-PATH", "B-EB-BODY", "I-EB-BODY"], written

# The way back leaves labels alone, so a round trip does not restore them.
right = ["B-LEGAL-ACT", "I-LEGAL-ACT", "O", "B-URL-PATH"]
print("and from BIO to BILUO and back:", biluo_to_iob(iob_to_biluo(right)))
assert iob_to_biluo(right) == ["B-LEGAL-ACT", "L-LEGAL-ACT", "O", "U-URL-PATH"]
assert biluo_to_iob(iob_to_biluo(right)) != right
EOF
