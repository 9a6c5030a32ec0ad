#!/bin/sh
# Package: dkpro-cassis 0.12.0 (UIMA XMI and JSON CAS)
# One would expect: an annotation whose begin or end was changed (a space trimmed from an entity)
#   can still be removed, and select_covered finds it where it is now.
# What happens: the index keeps the order of the time of adding. After a change, remove raises
#   ValueError '... not in list' for the very annotation that select just gave; and an annotation
#   moved into a later sentence is not found by select_covered of that sentence, while select
#   still lists it, out of order.
# Why it matters: trimming spaces, moving an entity to whole tokens and then dropping duplicates
#   is usual cleaning of an annotation tool's export. Remove first, change, and add again.
# Date: 2026-11-29 (Python 3.11).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check dkpro-cassis==0.12.0
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from cassis import Cas, TypeSystem

types = TypeSystem()
Entity = types.create_type("my.Entity", "uima.tcas.Annotation")
Sentence = types.create_type("my.Sentence", "uima.tcas.Annotation")


def document():
    cas = Cas(types)
    cas.sofa_string = "Ann Lee lives in Rome. Bob Ray lives in Bonn."
    sentences = [Sentence(begin=0, end=22), Sentence(begin=23, end=45)]
    entities = [Entity(begin=b, end=e) for b, e in ((0, 8), (17, 21), (23, 30))]
    for annotation in sentences + entities:
        cas.add(annotation)
    return cas, sentences, entities


cas, sentences, entities = document()
entities[0].end = 7  # "Ann Lee " without its space
selected = list(cas.select("my.Entity"))
print("select:", [entity.get_covered_text() for entity in selected])
assert selected[0] is entities[0]
try:
    cas.remove(selected[0])
except ValueError as error:
    print("remove: ValueError:", error)
    assert str(error).endswith("not in list")
else:
    raise AssertionError("it was removed")

cas, sentences, entities = document()
entities[0].begin, entities[0].end = 40, 44
print("select:", [entity.get_covered_text() for entity in cas.select("my.Entity")])
covered = [entity.get_covered_text() for entity in cas.select_covered("my.Entity", sentences[1])]
print("select_covered, second sentence:", covered)
assert [entity.begin for entity in cas.select("my.Entity")] == [40, 17, 23]
assert covered == ["Bob Ray"]
EOF
