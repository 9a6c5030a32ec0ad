#!/bin/sh
# Package: label-studio-sdk 2.1.2, LabelInterface.validate_task
# One would expect: it tells whether a task with its annotations or predictions fits the labeling configuration.
# What happens: TypeError for every task that has a key "annotations" or "predictions", empty lists too: it calls
#   validate_annotation() and validate_prediction() without what is to be validated.
# Why it matters: tasks with pre-annotations can't be checked before their import; validate_prediction, called for
#   each prediction, works.
# Date: 2026-11-29 (Python 3.11).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check label-studio-sdk==2.1.2
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from label_studio_sdk.label_interface import LabelInterface

interface = LabelInterface(
    '<View><Labels name="label" toName="text"><Label value="PER"/></Labels><Text name="text" value="$text"/></View>'
)
value = {"start": 0, "end": 4, "text": "Anna", "labels": ["PER"]}
region = {"id": "a", "from_name": "label", "to_name": "text", "type": "labels", "value": value}
prediction = {"model_version": "m", "score": 0.9, "result": [region]}
print("validate_prediction:", interface.validate_prediction(prediction))
assert interface.validate_prediction(prediction) and interface.validate_task({"data": {"text": "Anna"}})
for more in ({"annotations": []}, {"predictions": [prediction]}):
    try:
        interface.validate_task({"data": {"text": "Anna"}, **more})
    except TypeError as error:
        print("validate_task with", *more, ":", error)
    else:
        raise SystemExit("validate_task takes it")
EOF
