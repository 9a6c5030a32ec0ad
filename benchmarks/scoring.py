"""How long a million tokens take to be scored, with intervals, slices and mistakes: `python benchmarks/scoring.py`.

The tokens are made up: 50,000 sentences of 20, one tag in twenty drawn anew. Reading files isn't counted.
"""

import argparse
import random
import time

from ner.evaluation.analysis import analyse
from ner.text.sentence import Sentence, sentence_from_words

TAGS = ["O"] * 8 + ["B-PER", "I-PER"] + ["O"] * 4 + ["B-LOC"] + ["O"] * 5
OTHERS = ["O", "B-PER", "I-PER", "B-LOC", "B-ORG"]


def made_up(sentences: int) -> tuple[list[Sentence], list[list[str]]]:
    """Gold sentences, and tags for them."""
    generator = random.Random(37)
    gold, predicted = [], []
    for _ in range(sentences):
        gold.append(sentence_from_words([f"w{generator.randrange(40_000)}" for _ in TAGS], TAGS))
        predicted.append([tag if generator.random() < 0.95 else generator.choice(OTHERS) for tag in TAGS])
    return gold, predicted


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sentences", type=int, default=50_000)
    arguments = parser.parse_args()
    gold, predicted = made_up(arguments.sentences)
    start = time.process_time()
    analysis = analyse(gold, predicted, scheme="iob2")
    tokens, lines = analysis.as_dict()["tokens"], str(analysis).splitlines()
    print(f"{tokens:,} tokens scored in {time.process_time() - start:.2f} s of processor time")
    print(lines[0])


if __name__ == "__main__":
    main()
