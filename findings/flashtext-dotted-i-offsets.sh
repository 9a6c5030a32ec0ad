#!/bin/sh
# Package: flashtext 2.7, KeywordProcessor.extract_keywords(text, span_info=True)
# One would expect: the offsets are those of the text that was given.
# What happens: by default (case_sensitive=False) the text is lowered first and the offsets are
#   those of the lowered text. A capital dotted I of Turkish becomes two code points there, so
#   every offset behind it is one too far for each such letter; with case_sensitive=True they are
#   right.
# Why it matters: gazetteers are matched like this to label text by distant supervision. In
#   Turkish and Azerbaijani text, place names such as 'İstanbul' shift all later entities of the
#   document, without a word.
# Date: 2026-11-29 (Python 3.11).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check flashtext==2.7
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from flashtext import KeywordProcessor

text = "İstanbul, İzmir ve Ankara"
for case_sensitive in (False, True):
    processor = KeywordProcessor(case_sensitive=case_sensitive)
    processor.add_keyword("Ankara")
    [(keyword, start, end)] = processor.extract_keywords(text, span_info=True)
    print(f"case_sensitive={case_sensitive}: {keyword} at {start}..{end}: {text[start:end]!r}")
    assert text[start:end] == ("Ankara" if case_sensitive else "kara"), text[start:end]
    assert start == (text.index("Ankara") if case_sensitive else text.index("Ankara") + 2)
EOF
