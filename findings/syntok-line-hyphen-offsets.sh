#!/bin/sh
# Package: syntok 1.4.4, syntok.segmenter.process (and Tokenizer.tokenize)
# One would expect: token.offset is the place of the token in the text that was given.
# What happens: a word that is hyphenated at a line's end ('infor-' + newline + 'mation') is
#   joined to one token, and the offset of every token behind it is counted in the joined text:
#   two too small for each such word, to the end of the paragraph.
# Why it matters: text from scanned pages and PDF files is full of such words. Entities that were
#   found on these tokens are written out with shifted characters; without such a word all offsets
#   are right, so a small test does not show it.
# Date: 2026-11-29 (Python 3.11).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check syntok==1.4.4
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
import syntok.segmenter as segmenter


def tokens(text):
    return [token for paragraph in segmenter.process(text) for sentence in paragraph for token in sentence]


for text in ("More information came from Rome.", "More infor-\nmation came from Rome."):
    for token in tokens(text):
        found = text[token.offset : token.offset + len(token.value)]
        print(f"{token.value!r} at {token.offset}: {found!r}", "" if found == token.value else "<- shifted")
    [rome] = [token for token in tokens(text) if token.value == "Rome"]
    shift = text.index("Rome") - rome.offset
    assert shift == (2 if "\n" in text else 0), shift
EOF
