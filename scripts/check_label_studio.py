"""Holds the predictions of a service that runs at a port against label-studio-sdk: `python check_label_studio.py PORT`.

It wants `pip install label-studio-sdk httpx`, in an environment of their own, since the first wants an old NumPy.
"""

import copy
import sys

import httpx
from label_studio_sdk.label_interface import LabelInterface
from label_studio_sdk.label_interface.objects import PredictionValue

CONFIG = """<View>
  <Labels name="kind" toName="body">
    <Label value="Person" predicted_values="PER"/><Label value="LOC"/><Label value="ORG"/><Label value="MISC"/>
  </Labels>
  <Text name="body" value="$text"/>
</View>"""
TEXTS = ["Angela Merkel met 😀 Tim Cook in Berlin.", "Nobody came.", ""]


def main() -> None:
    interface = LabelInterface(CONFIG)
    interface.validate()
    tasks = [{"id": number, "data": {"text": text}} for number, text in enumerate(TEXTS)]
    asked = {"tasks": tasks, "project": "1.2", "label_config": CONFIG, "params": {}}
    answer = httpx.post(f"http://127.0.0.1:{sys.argv[1]}/predict", json=asked, timeout=60).json()
    for text, prediction in zip(TEXTS, answer["results"], strict=True):
        value = PredictionValue(**prediction)
        faults = interface.validate_prediction(value.model_dump(), return_errors=True)
        print(f"{len(prediction['result'])} regions in {text!r}: {faults or 'no error'}")
        assert faults == []
    spoilt = copy.deepcopy(answer["results"][0])
    spoilt["result"][0]["value"]["labels"] = ["Nobody"]
    assert not interface.validate_prediction(spoilt), "a label that the configuration hasn't would not be found"


if __name__ == "__main__":
    main()
