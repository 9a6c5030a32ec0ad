#!/bin/sh
# Package: presidio-analyzer 2.2.366 (with tldextract 5.4.0), the predefined EmailRecognizer
# One would expect: finding an e-mail address in a text is a pattern, computed here; a tool that
#   finds personal data in order to hide it asks no other machine, or says that it does.
# What happens: the first text with an e-mail address makes it ask publicsuffix.org, and then
#   raw.githubusercontent.com, for the list of public suffixes: each match is checked by
#   tldextract.extract, whose default fetches that list. Where neither answers, the snapshot in
#   the package is used, after the time that both take to fail, with two tracebacks in the log.
#   A text without an e-mail address asks nobody.
# Why it matters: a service without a way out waits at its first text with an address (once for
#   each process whose cache folder can't be written or is empty), and a firewall's log shows
#   when personal data was first seen.
# Date: 2026-11-29 (Python 3.11).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check presidio-analyzer==2.2.366 tldextract==5.4.0
cd "$folder"
TLDEXTRACT_CACHE="$folder/cache" "$folder/venv/bin/python" - <<'EOP'
import logging
import socket

from presidio_analyzer.predefined_recognizers import EmailRecognizer

logging.disable(logging.CRITICAL)
asked = []


def refuse(host, *arguments, **options):
    asked.append(host)
    raise socket.gaierror("no network in this script")


socket.getaddrinfo = refuse
recognizer = EmailRecognizer()


def analyze(text):
    results = recognizer.analyze(text, ["EMAIL_ADDRESS"], None)
    return [(text[result.start : result.end], result.score) for result in results]


print("without an address:", analyze("Ann left Rome."), "asked:", asked)
assert asked == []
print("with an address:", analyze("Write to ann@example.org."), "asked:", sorted(set(asked)))
assert sorted(set(asked)) == ["publicsuffix.org", "raw.githubusercontent.com"]
EOP
