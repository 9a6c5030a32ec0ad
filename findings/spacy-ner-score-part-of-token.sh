#!/bin/sh
# Package: spaCy 3.8.18, spacy.scorer.get_ner_prf (what the `ner` component and `spacy evaluate`
#   score with) and Scorer.score_spans
# One would expect: an entity is right when its characters and its label are those of a gold
#   entity; two functions of one library that score `ents` agree.
# What happens: when the prediction was tokenized more finely, get_ner_prf stretches a predicted
#   entity to the whole gold token before it compares: an entity on 'me' of 'Rome' counts as
#   right. Scorer.score_spans gives the label 0 for the same pair, but does not count that
#   prediction as wrong either: its precision stays 1.0 and only recall falls.
# Why it matters: gold data from a CoNLL file has its own tokens. A model that cuts its entities
#   inside of words (compounds, 'EU-Staaten', Chinese) gets a perfect score though its characters
#   are wrong.
# Date: 2026-11-29 (Python 3.11).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check spacy==3.8.18
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
import spacy
from spacy.scorer import Scorer, get_ner_prf
from spacy.tokens import Doc, Span
from spacy.training import Example

vocab = spacy.blank("en").vocab
gold = Doc(vocab, words=["Lee", "in", "Rome"], ents=["B-PER", "O", "B-LOC"])
predicted = Doc(vocab, words=["Lee", "in", "Ro", "me"], spaces=[True, True, False, False])
predicted.ents = [Span(predicted, 0, 1, "PER"), Span(predicted, 3, 4, "LOC")]
example = Example(predicted, gold)

print("gold:", [(entity.text, entity.start_char, entity.end_char) for entity in gold.ents])
print("predicted:", [(entity.text, entity.start_char, entity.end_char) for entity in predicted.ents])
loose = get_ner_prf([example])
strict = Scorer().score_spans([example], "ents")
print("get_ner_prf F1:", loose["ents_f"], " per label:", {k: v["f"] for k, v in loose["ents_per_type"].items()})
print("score_spans F1:", strict["ents_f"], " per label:", {k: v["f"] for k, v in strict["ents_per_type"].items()})
assert loose["ents_f"] == 1.0 and loose["ents_per_type"]["LOC"]["f"] == 1.0
print("score_spans precision:", strict["ents_p"], "recall:", strict["ents_r"])
assert strict["ents_p"] == 1.0 and strict["ents_r"] == 0.5 and strict["ents_per_type"]["LOC"]["f"] == 0.0
EOF
