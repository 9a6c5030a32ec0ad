#!/bin/sh
# Package: edsnlp 0.23.0, edsnlp.data.read_standoff and write_standoff (brat)
# One would expect: a brat entity of two parts ('North ... Korea' in 'North and South Korea') is
#   kept as one, or is dropped with a warning.
# What happens: each part becomes an entity of its own: LOC 'North' and LOC 'Korea'. In doc.ents,
#   which holds no overlaps, 'Korea' then gives way to 'South Korea', and written back as brat
#   there is an entity 'North' that nobody annotated. No warning.
# Why it matters: clinical corpora, for which this library is made, have discontinuous entities.
#   The number of gold entities changes and the model is taught parts of names; scores don't
#   compare with those of another reader.
# Date: 2026-11-29 (Python 3.11).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check edsnlp==0.23.0 spacy==3.8.18
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
import os
import warnings

import edsnlp

text = "North and South Korea talk.\n"
os.makedirs("brat")
with open("brat/a.txt", "w", encoding="utf-8") as file:
    file.write(text)
with open("brat/a.ann", "w", encoding="utf-8") as file:
    file.write("T1\tLOC 0 5;16 21\tNorth Korea\nT2\tLOC 10 21\tSouth Korea\n")

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    [doc] = edsnlp.data.read_standoff("brat", span_setter={"ents": True, "*": True})
print("warnings about it:", [str(w.message) for w in caught if "discontin" in str(w.message).lower()])
print("spans:", [span.text for span in doc.spans["LOC"]])
print("ents:", [entity.text for entity in doc.ents])
edsnlp.data.write_standoff([doc], "written", span_getter={"ents": True})
written = open("written/a.ann", encoding="utf-8").read()
print(written, end="")
assert sorted(span.text for span in doc.spans["LOC"]) == ["Korea", "North", "South Korea"]
assert [entity.text for entity in doc.ents] == ["North", "South Korea"]
assert "\tLOC 0 5\tNorth\n" in written and "North Korea" not in written
EOF
