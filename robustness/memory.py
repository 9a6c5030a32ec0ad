"""Memory of a process that tags without end: `python robustness/memory.py MODEL [--sentences 1000000] [--out PNG]`.

Sentences are generated as they are read, of the bundled corpus's words and of words nobody has seen, so that nothing
that is kept for each new word could stay small; a process puts them through `Tagger.pipe`. Its resident memory is read
each second, and drawn.
"""

import argparse
import os
import random
import string
import subprocess
import sys
import threading
import time
from pathlib import Path

import ner

ROOT = Path(__file__).parent.parent
TAG = """
import sys, ner
ner.settle_threads()
import torch
tagger = ner.load(sys.argv[1], device="cpu")
torch.set_num_threads(int(sys.argv[2]))
for entities in tagger.pipe(line.rstrip("\\n") for line in sys.stdin):
    print(len(entities))
"""


def sentence(words: list[str]) -> str:
    """Three to twenty words, one in twenty of them invented."""
    chosen = random.choices(words, k=random.randint(3, 20))
    for place, word in enumerate(chosen):
        if random.random() < 0.05:
            chosen[place] = "".join(random.choices(string.ascii_letters + string.digits, k=len(word) + 3))
    return " ".join(chosen)


def resident(process: int) -> float:
    """Megabytes (10^6 bytes) of a process that are in memory now."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--sentences", type=int, default=1_000_000)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "pictures" / "memory.png")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    random.seed(options.seed)
    corpus = ner.read_conll(ROOT / "data" / "sample-en" / "train.conll")
    words = sorted({word for s in corpus for word in s.words})
    command = [sys.executable, "-c", TAG, options.model, str(options.threads)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    pipe, results = process.stdin, process.stdout
    assert pipe is not None
    assert results is not None

    def feed() -> None:
        for _ in range(options.sentences):
            pipe.write(sentence(words).encode() + b"\n")
        pipe.close()

    done, entities = 0, 0
    seen: list[tuple[int, float]] = []

    def watch() -> None:
        while done < options.sentences:
            seen.append((done, resident(process.pid)))
            time.sleep(1)

    begin = time.monotonic()
    for work in (feed, watch):
        threading.Thread(target=work, daemon=True).start()
    for line in results:
        done += 1
        entities += int(line)
    seconds = time.monotonic() - begin
    assert (process.wait(), done) == (0, options.sentences)

    warm = [memory for number, memory in seen if number > 0.1 * options.sentences]
    quarter = max(1, len(warm) // 4)
    first, last = warm[:quarter], warm[-quarter:]
    print(f"{done:,} sentences, {entities:,} entities, {seconds:.0f} s, {done / seconds:,.0f} sentences/s")
    peak = max(memory for _, memory in seen)
    print(f"peak {peak:.0f} MB; after the first tenth {min(warm):.0f} to {max(warm):.0f} MB")
    drift = sum(last) / len(last) - sum(first) / len(first)
    print(f"mean of the last quarter of that less the mean of the first: {drift:+.1f} MB")
    draw(seen, Path(options.model).name, options.out)


def draw(seen: list[tuple[int, float]], model: str, path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 3.2), layout="constrained")
    axes.plot([number / 1000 for number, _ in seen], [memory for _, memory in seen], color="#2b6cb0", linewidth=1.5)
    axes.set_ylim(0, None)
    axes.set_xlim(0, None)
    axes.set_xlabel("sentences tagged (thousands)")
    axes.set_ylabel("resident memory (MB)")
    axes.set_title(f"Tagger.pipe of {model}", fontsize=10)
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
