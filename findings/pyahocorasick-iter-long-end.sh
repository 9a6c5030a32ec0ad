#!/bin/sh
# Package: pyahocorasick 2.3.1, Automaton.iter_long
# One would expect: iter_long gives the longest match at each place, from left to right, without
#   overlaps: every place where a word of the gazetteer stands is covered.
# What happens: when the text ends in the middle of a longer word, the shorter word inside that
#   beginning is lost: with 'York' and 'New York City' in the gazetteer, 'She moved to New York'
#   has no match; with a full stop behind it, 'York' is found. Automaton.iter finds it in both.
# Why it matters: a gazetteer has both short and long names, and a query, a title, a table cell or
#   a tokenized sentence without a full stop ends like this. The lexicon feature or the silver
#   label of its last word then depends on the punctuation behind it.
# Date: 2026-11-29 (Python 3.11).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyahocorasick==2.3.1
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
import ahocorasick

automaton = ahocorasick.Automaton()
for name in ("York", "New York City"):
    automaton.add_word(name, name)
automaton.make_automaton()

for text in ("She moved to New York", "She moved to New York."):
    longest, every = list(automaton.iter_long(text)), list(automaton.iter(text))
    print(f"{text!r}: iter_long {longest}, iter {every}")
    assert every == [(20, "York")]
    assert longest == ([(20, "York")] if text.endswith(".") else []), longest
EOF
