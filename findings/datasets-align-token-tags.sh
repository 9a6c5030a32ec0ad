#!/bin/sh
# Package: datasets 5.2.0, Dataset.align_labels_with_mapping
# One would expect: the method brings the ids of a tag column, List(ClassLabel(...)), into the
#   order of a model's label2id, as it does for one class a row; its own code has a branch for
#   lists.
# What happens: NameError: name 'Sequence' is not defined, for every column of tags. A column with
#   one class a row works.
# Why it matters: aligning the tags of a data set with a trained tagger's label2id is what this is
#   for in NER; the ids have to be mapped by hand.
# Date: 2026-11-29 (Python 3.11).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check datasets==5.2.0
cd "$folder"
HF_HOME="$folder/hf" HF_HUB_OFFLINE=1 HF_DATASETS_DISABLE_PROGRESS_BARS=1 "$folder/venv/bin/python" - <<'EOF'
from datasets import ClassLabel, Dataset, Features, List

label = ClassLabel(names=["O", "B-PER", "I-PER"])
label2id = {"B-PER": 0, "I-PER": 1, "O": 2}

row_by_row = Dataset.from_dict({"tag": [0, 1, 2]}, features=Features({"tag": label}))
aligned = row_by_row.align_labels_with_mapping(label2id, "tag")
print("one class a row:", aligned["tag"][:], aligned.features["tag"].names)
assert aligned["tag"][:] == [2, 0, 1]
assert aligned.features["tag"].names == ["B-PER", "I-PER", "O"]

sentences = Dataset.from_dict({"tags": [[0, 1, 2]]}, features=Features({"tags": List(label)}))
try:
    sentences.align_labels_with_mapping(label2id, "tags")
except NameError as error:
    print("a list of tags a row: NameError:", error)
    assert str(error) == "name 'Sequence' is not defined"
else:
    raise AssertionError("the tags were aligned")
EOF
