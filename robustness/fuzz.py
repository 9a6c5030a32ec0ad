"""Bytes nobody would write, against the three doors through which bytes come in.

    python robustness/fuzz.py columns --seconds 600

`columns`: a column file is read or refused with its place, and what was read is written and read back the same.
`tokenizer`: offsets are exact, no character gets lost. `model`: a model directory with one odd file is loaded and
tags, or is refused, on every runtime alike. With atheris (`pip install atheris`) inputs are chosen by what they reach
in the code, without it by chance; JSON is also changed value by value. The first input of each kind of finding is
kept in a file below --out, and `summary.json` there counts executions and findings.
"""

import argparse
import json
import random
import sys
import tempfile
import time
import traceback
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

try:
    import atheris
except ImportError:
    atheris = None

if atheris:
    with atheris.instrument_imports(include=["ner"]):
        import ner.doctor.checkup
        import ner.tagger  # noqa: F401

from ner.config import parse_config
from ner.doctor.checkup import check_files
from ner.errors import DataError, ModelError
from ner.formats.columns import write_conll
from ner.formats.corpus import Corpus
from ner.formats.row_reader import read_rows
from ner.formats.sentences import read_sentences
from ner.settings import DataConfig
from ner.tagger import load
from ner.text.encoding import decode_lines
from ner.text.sentence import sentence_from_words
from ner.text.tokenizer import split_sentences, tokenize
from ner.text.word_pattern import word_pattern
from ner.trainer import train

# Inputs worth keeping, for every target; the test suite runs them too. What a run with atheris collected, because it
# reached something new in the code, is in a zip beside those that have a name.
KEPT = Path(__file__).parent.parent / "tests" / "fuzz"
DESCRIBED = [
    {},
    {"separator": "\t"},
    {"separator": " ", "comment": "#"},
    {"scheme": "bmes"},
    {"unknown_tag": "?"},
    {"word_column": 1, "tag_column": 0},
    {"format": "lines"},
    {"format": "lines", "separator": "/", "trailer": " <=> "},
    {"encoding": "latin-1"},
    {"encoding": "utf-16"},
    {"encoding": "gb18030"},
    {"word_pattern": r"(.+)\d$"},
]
Target = Callable[[bytes], None]


def make_columns(folder: Path) -> tuple[Target, list[bytes]]:
    """The first byte chooses how the rest, a column file, is described."""
    path, again = folder / "f", folder / "again"

    def target(content: bytes) -> None:
        if not content:
            return
        data = DataConfig.model_validate(DESCRIBED[content[0] % len(DESCRIBED)])
        path.write_bytes(content[1:])
        checkup = check_files([path], data)
        str(checkup).encode("utf-8")
        json.dumps(checkup.as_dict())
        errors = [finding for finding in checkup.errors if finding.kind != "no-labels"]
        try:
            sentences = read_sentences(path, data)
            refusal = ""
        except DataError as error:
            sentences, refusal = [], str(error)
        assert bool(errors) == bool(refusal), (errors, refusal)
        if refusal:
            assert refusal.startswith(f"{path}:"), refusal
        else:
            assert all(len(s.tags or ()) == len(s.tokens) > 0 for s in sentences)
            try:
                write_conll(again, sentences)
            except DataError:  # a word with a blank in it, as another separator may give
                pass
            else:
                assert read_sentences(again, DataConfig(scheme="iob2", unknown_tag="?")) == sentences
        lines = [line + b"\n" for line in content[1:].split(b"\n")]
        if data.format != "lines":
            with suppress(DataError):
                text = list(decode_lines(lines, data.encoding, "f"))
                rows = list(read_rows(text, "f", data, tagged=False))
                kept = [row.line for row in rows if row.kind != "break"]  # which has no line of its own
                assert kept == [line.rstrip("\r\n") for line in text]

    files = [b"-DOCSTART- O\n\nEU B-ORG\nrejects O\n\n", b"a I-X\r\nb B-X\r\n\t\r\nc M-X\n", b"a:B-X b:O <=> x\n"]
    return target, [bytes([number]) + file for number in range(len(DESCRIBED)) for file in files]


def make_tokenizer(_: Path) -> tuple[Target, list[bytes]]:
    """The first byte chooses how the rest becomes text, half surrogates included."""

    def target(content: bytes) -> None:
        if not content:
            return
        encoding, errors = [("utf-8", "surrogateescape"), ("utf-16-le", "surrogatepass"), ("latin-1", "strict")][
            content[0] % 3
        ]
        try:
            text = content[1:].decode(encoding, errors)
        except UnicodeDecodeError:
            return
        for mode in ("words", "characters"):
            tokens = tokenize(text, mode=mode)
            covered: set[int] = set()
            end = 0
            for token in tokens:
                assert end <= token.start < token.end
                assert text[token.start : token.end] == token.text
                end = token.end
                covered.update(range(token.start, token.end))
            lost = [at for at, c in enumerate(text) if at not in covered and unicodedata.category(c)[0] not in "ZC"]
            assert not lost, lost
            assert [t for s in split_sentences(text, mode=mode) for t in s.tokens] == tokens
        # What is remembered is what would be found.
        found = [(m.group(), m.start()) for m in word_pattern(is_quick=False).finditer(text)]
        assert [(t.text, t.start) for t in tokenize(text)] == found

    texts = [
        "Mr. Smith's U.S. firm paid $1,000.50 (ca. 900 €) to a@b.co.",
        "他在北京。“好!”我说。",
        "می‌خواهم 👩‍💻 e\u0301\ufeff",
    ]
    return target, [b"\0" + text.encode() for text in texts] + [b"\1" + text.encode("utf-16-le") for text in texts]


def make_model(folder: Path) -> tuple[Target, list[bytes]]:
    """The first byte chooses which file of a whole model directory the rest replaces."""
    words = [["Anna", "Lee", "left", "Rome"], ["Rome", "slept"]]
    tags = [["B-PER", "I-PER", "O", "B-LOC"], ["B-LOC", "O"]]
    sentences = [sentence_from_words(*pair) for pair in zip(words, tags, strict=True)]
    sizes = {"word_dim": 4, "char_dim": 2, "char_hidden_dim": 2, "hidden_dim": 3}
    config = parse_config({"model": sizes, "training": {"epochs": 1}, "run": {"device": "cpu", "threads": 1}}, "fuzz")
    model = folder / "model"
    train(config, Corpus(sentences, [], [])).save(model)
    names = ["config.json", "vocabulary.json", "model.safetensors", "metrics.json", "history.jsonl"]
    names.append("vocabulary.safetensors")
    whole = {name: (model / name).read_bytes() for name in names}
    header = 8 + int.from_bytes(whole["model.safetensors"][:8], "little")

    def target(content: bytes) -> None:
        if not content:
            return
        name = names[content[0] % len(names)]
        odd = content[1:]
        if name == "model.safetensors":
            odd += whole[name][header:]
        (model / name).write_bytes(odd)
        try:
            answers = [answer(runtime) for runtime in ("torch", "numpy", "onnx")]
        finally:
            (model / name).write_bytes(whole[name])
        # What one runtime refuses, all refuse in the same words.
        assert answers[0] == answers[1] == answers[2], answers

    def answer(runtime: str) -> str:
        try:
            tagger = load(model, device="cpu", runtime=runtime)
            assert len(tagger.tag_words(["Anna", "slept", "\ud800"])) == 3
        except ModelError as error:
            return str(error).partition(";")[0]  # the way out may be another
        return "tagged"

    parts = {**whole, "model.safetensors": whole["model.safetensors"][:header]}
    return target, [bytes([number]) + parts[name] for number, name in enumerate(names)]


TARGETS = {"columns": make_columns, "tokenizer": make_tokenizer, "model": make_model}


def kept(target: str) -> list[bytes]:
    """The kept inputs of a target."""
    paths = sorted((KEPT / target).iterdir())
    named = [path.read_bytes() for path in paths if path.suffix != ".zip"]
    with zipfile.ZipFile(KEPT / target / "reached.zip") as reached:
        return [*named, *(reached.read(name) for name in sorted(reached.namelist()))]


class Findings:
    """What a target let escape, by the kind of error and the line it came from; each kept once as a file."""

    def __init__(self, target: Target, folder: Path) -> None:
        self.target = target
        self.folder = folder
        self.counts: Counter[str] = Counter()
        self.executions = 0
        self.slowest = 0.0
        self.start = self.told = time.monotonic()

    def __call__(self, content: bytes) -> None:
        self.executions += 1
        start = time.monotonic()
        try:
            self.target(content)
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            kind = f"{type(error).__name__} in {Path(place.filename).name}:{place.lineno}"
            self.counts[kind] += 1
            if self.counts[kind] == 1:
                (self.folder / f"finding-{len(self.counts)}").write_bytes(content)
                print(f"FOUND {kind}: {str(error)[:200]!r} for {content[:80]!r}", file=sys.stderr, flush=True)
        now = time.monotonic()
        self.slowest = max(self.slowest, now - start)
        if now - self.told > 2:  # atheris ends the process without a word to Python
            self.told = now
            self.tell()

    def tell(self) -> None:
        values = {
            "executions": self.executions,
            "seconds": round(time.monotonic() - self.start),
            "slowest_seconds": round(self.slowest, 3),
            "findings": dict(self.counts),
        }
        (self.folder / "summary.json").write_text(json.dumps(values, indent=1) + "\n")


def mutate(content: bytes, generator: random.Random) -> bytes:
    """A few bytes changed, taken out, doubled or put in."""
    changed = bytearray(content)
    for _ in range(generator.randint(1, 6)):
        at = generator.randrange(len(changed) + 1)
        span = generator.randint(1, 8)
        match generator.randrange(4):
            case 0:
                changed[at : at + 1] = generator.randbytes(1)
            case 1:
                del changed[at : at + span]
            case 2:
                changed[at:at] = changed[at : at + span] * generator.randint(1, 20)
            case _:
                changed[at:at] = generator.choice(
                    [b"\n", b"\t", b" ", b"\0", b"\xff", b"\xef\xbb\xbf", b"O", b"-", b"{"]
                )
    return bytes(changed)


ODD_VALUES = [None, True, -1, 0, 2**31, 2**63, 1e308, "", "x", "\ud800", [], {}, [[]], "O", ["a", "a"], 10**12]


def mutate_json(content: bytes, generator: random.Random) -> bytes:
    """One value of a JSON text, or of the JSON within a safetensors header, put in another's place."""
    head = content[:9] if content[1:2] != b"{" else content[:1]
    try:
        tree = json.loads(content[len(head) :])
    except (ValueError, RecursionError):
        return mutate(content, generator)
    places = list(_places(tree))
    if not places:
        return mutate(content, generator)
    parent, key = generator.choice(places)
    if generator.random() < 0.2:
        del parent[key]
    else:
        other, other_key = generator.choice(places)
        parent[key] = generator.choice([*ODD_VALUES, other.get(other_key) if isinstance(other, dict) else other])
    try:
        text = json.dumps(tree).encode()
    except (ValueError, RecursionError):  # a value within itself
        return mutate(content, generator)
    length = len(text).to_bytes(8, "little") if len(head) == 9 and generator.random() < 0.9 else head[1:]
    return head[:1] + length + text


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    for key in range(min(len(tree), 20)) if isinstance(tree, list) else tree if isinstance(tree, dict) else ():
        yield tree, key
        yield from _places(tree[key])


def run_by_chance(findings: Findings, seeds: list[bytes], seconds: float) -> None:
    generator = random.Random(1)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        change = generator.choice([mutate, mutate_json])
        findings(change(generator.choice(seeds), generator))


def run_by_coverage(findings: Findings, seeds: list[bytes], seconds: float, folder: Path) -> None:
    corpus = folder / "corpus"
    corpus.mkdir(exist_ok=True)
    for number, seed in enumerate(seeds):
        (corpus / f"seed-{number}").write_bytes(seed)

    def change(content: bytes, longest: int, seed: int) -> bytes:
        generator = random.Random(seed)
        if generator.random() < 0.5:
            return mutate_json(content, generator)[:longest]
        return atheris.Mutate(content, longest)

    limits = [
        f"-max_total_time={int(seconds)}",
        "-max_len=20000",
        "-keep_seed=1",
        "-len_control=0",
        "-timeout=20",
        "-rss_limit_mb=4096",
    ]
    arguments = [sys.argv[0], *limits, f"-artifact_prefix={folder}/", str(corpus)]
    atheris.Setup(arguments, findings, custom_mutator=change)
    atheris.Fuzz()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--out", type=Path, default=Path("fuzz"))
    parser.add_argument("--by-chance", action="store_true", help="without atheris, even where it is there")
    options = parser.parse_args()
    folder = options.out / options.target
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        target, seeds = TARGETS[options.target](Path(work))
        seeds += kept(options.target)
        findings = Findings(target, folder)
        if atheris is None or options.by_chance:
            run_by_chance(findings, seeds, options.seconds)
        else:
            run_by_coverage(findings, seeds, options.seconds, folder)
        findings.tell()


if __name__ == "__main__":
    main()
