#!/bin/sh
# Package: datasets 5.2.0, Dataset.to_csv (numpy 2.4.6, pandas 3.1.1)
# One would expect: a list of tokens is written as a Python list, ['EU', 'rejects'], which
#   ast.literal_eval reads again.
# What happens: the cell is the printed numpy array, without commas: ['EU' 'rejects'].
#   ast.literal_eval takes it without an error, because Python joins strings that stand side by
#   side: ONE token, 'EUrejects'. The ids of the tags, [1 0], are a SyntaxError. Over 1000 tokens
#   the middle is replaced by '...' and is gone.
# Why it matters: this is how a token and tag data set is often handed on for a look in a
#   spreadsheet or for pandas. Its tokens can't be told apart afterwards, and a long document
#   loses its middle. to_json keeps both.
# Date: 2026-11-29 (Python 3.11).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check datasets==5.2.0 numpy==2.4.6 pandas==3.1.1
cd "$folder"
HF_HOME="$folder/hf" HF_HUB_OFFLINE=1 HF_DATASETS_DISABLE_PROGRESS_BARS=1 "$folder/venv/bin/python" - <<'EOF'
import ast
import csv

from datasets import ClassLabel, Dataset, Features, List, Value

features = Features({"tokens": List(Value("string")), "tags": List(ClassLabel(names=["O", "B-ORG"]))})
Dataset.from_dict({"tokens": [["EU", "rejects", "calls"]], "tags": [[1, 0, 0]]}, features=features).to_csv("tokens.csv")
[row] = csv.DictReader(open("tokens.csv", encoding="utf-8"))
print("cells:", row["tokens"], row["tags"])
assert row["tokens"] == "['EU' 'rejects' 'calls']" and row["tags"] == "[1 0 0]", row
print("ast.literal_eval:", ast.literal_eval(row["tokens"]))
assert ast.literal_eval(row["tokens"]) == ["EUrejectscalls"]
try:
    ast.literal_eval(row["tags"])
except SyntaxError as error:
    print("the tags: SyntaxError,", error.msg)
else:
    raise AssertionError("the tags could be read")

Dataset.from_dict({"tokens": [[f"t{i}" for i in range(1001)]]}).to_csv("long.csv")
[row] = csv.DictReader(open("long.csv", encoding="utf-8"))
print("1001 tokens:", row["tokens"])
assert "..." in row["tokens"] and "t500" not in row["tokens"]
EOF
