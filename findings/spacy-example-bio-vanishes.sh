#!/bin/sh
# Package: spaCy 3.8.18, spacy.training.Example.from_dict and biluo_tags_to_offsets
# One would expect: the tags of a CoNLL file in BIO (B-PER I-PER O B-LOC) are read, or refused
#   with an error that asks for BILUO.
# What happens: no error and no warning: an entity counts only when an L- or a U- ends it, so
#   every entity of the sentence is dropped and all its tokens become O, which is a claim that
#   there is no entity, not a missing value. Only an I- that follows no B- raises (E067). Doc(...,
#   ents=tags) takes the same tags as they are.
# Why it matters: a training set made from BIO files this way has no entity at all; the training
#   runs to its end and learns to predict nothing.
# Date: 2026-11-29 (Python 3.11).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check spacy==3.8.18
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
import warnings

import spacy
from spacy.tokens import Doc
from spacy.training import Example, biluo_tags_to_offsets, iob_to_biluo

warnings.simplefilter("error")  # a warning would end this script
nlp = spacy.blank("en")
words, tags = ["Ann", "Lee", "in", "Rome"], ["B-PER", "I-PER", "O", "B-LOC"]

reference = Example.from_dict(Doc(nlp.vocab, words=words), {"entities": tags}).reference
print("BIO, Example.from_dict:", reference.ents, [token.ent_iob_ for token in reference])
assert reference.ents == () and [token.ent_iob_ for token in reference] == ["O"] * 4

offsets = biluo_tags_to_offsets(Doc(nlp.vocab, words=words), tags)
print("BIO, biluo_tags_to_offsets:", offsets)
assert offsets == []

direct = Doc(nlp.vocab, words=words, ents=tags)
print("BIO, Doc(ents=...):", direct.ents)
assert [(entity.text, entity.label_) for entity in direct.ents] == [("Ann Lee", "PER"), ("Rome", "LOC")]

biluo = Example.from_dict(Doc(nlp.vocab, words=words), {"entities": iob_to_biluo(tags)}).reference
print("BILUO, Example.from_dict:", biluo.ents)
assert len(biluo.ents) == 2
EOF
