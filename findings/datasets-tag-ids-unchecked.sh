#!/bin/sh
# Package: datasets 5.2.0, List(ClassLabel(names=...)) as the type of a tag column
# One would expect: an id that no name belongs to (7 of 3 names, or the ignore index -100) is
#   refused wherever the column gets its type: from_dict, cast, from_json.
# What happens: from_dict refuses 7, but cast and from_json(features=...) take it. -100 is taken
#   by all three in a list, and refused for a single value by from_dict only (with the words
#   'greater than configured num_classes'). int2str then fails much later, on one sentence of
#   many.
# Why it matters: tag ids from a file go with the list of names of that file. Given the names of
#   another model, ids outside of the list go through loading, caching and mapping, and the loss
#   or the report is the first to fail.
# Date: 2026-11-29 (Python 3.11).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check datasets==5.2.0
cd "$folder"
HF_HOME="$folder/hf" HF_HUB_OFFLINE=1 HF_DATASETS_DISABLE_PROGRESS_BARS=1 "$folder/venv/bin/python" - <<'EOF'
import json

from datasets import ClassLabel, Dataset, Features, List

label = ClassLabel(names=["O", "B-PER", "I-PER"])
features = Features({"tags": List(label)})
single = Features({"tags": label})


def outcome(make):
    try:
        return make()[0]["tags"]
    except ValueError as error:
        return f"ValueError: {error}"


seen = {}
for ids in ([0, 7], [0, -100]):
    path = f"tags{ids[1]}.jsonl"
    with open(path, "w", encoding="utf-8") as file:
        file.write(json.dumps({"tags": ids}) + "\n")
    ways = {
        "from_dict": lambda: Dataset.from_dict({"tags": [ids]}, features=features),
        "cast": lambda: Dataset.from_dict({"tags": [ids]}).cast(features),
        "from_json": lambda: Dataset.from_json(path, features=features),
        "from_dict, single value": lambda: Dataset.from_dict({"tags": ids}, features=single),
        "cast, single value": lambda: Dataset.from_dict({"tags": ids[1:]}).cast(single),
    }
    for way, make in ways.items():
        seen[way, ids[1]] = outcome(make)
        print(f"{ids} {way}: {seen[way, ids[1]]}")

refused = "ValueError: Class label {} greater than configured num_classes 3"
assert seen["from_dict", 7] == refused.format(7) and seen["from_dict", -100] == [0, -100]
assert seen["cast", 7] == [0, 7] and seen["cast", -100] == [0, -100]
assert seen["from_json", 7] == [0, 7] and seen["from_json", -100] == [0, -100]
assert seen["from_dict, single value", -100] == refused.format(-100)
assert seen["cast, single value", 7] == 7 and seen["cast, single value", -100] == -100
for id in (7, -100):
    try:
        label.int2str([0, id])
    except ValueError as error:
        print("int2str:", error)
    else:
        raise AssertionError(f"int2str names {id}")
EOF
