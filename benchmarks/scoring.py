"""How long a million tokens take to be scored, with intervals, slices and mistakes: `python benchmarks/scoring.py`.

The tokens are made up: 50,000 sentences of 20, one tag in twenty drawn anew. Reading files isn't counted.
"""

import argparse
import random
import time

from ner.evaluation.analysis import Analysis, analyse
from ner.evaluation.files import as_written
from ner.text.sentence import Sentence, sentence_from_words

TAGS = ["O"] * 8 + ["B-PER", "I-PER"] + ["O"] * 4 + ["B-LOC"] + ["O"] * 5
OTHERS = ["O", "B-PER", "I-PER", "B-LOC", "B-ORG"]


def made_up(sentences: int) -> tuple[list[Sentence], list[Sentence]]:
    """Gold sentences, and the same with other tags."""
    generator = random.Random(37)
    gold, predicted = [], []
    for _ in range(sentences):
        gold.append(sentence_from_words([f"w{generator.randrange(40_000)}" for _ in TAGS], TAGS))
        tags = [tag if generator.random() < 0.95 else generator.choice(OTHERS) for tag in TAGS]
        predicted.append(sentence_from_words(gold[-1].words, tags))
    return gold, predicted


def score(gold: list[Sentence], predicted: list[Sentence]) -> Analysis:
    """As two files of tags are scored by `ner evaluate`, from the sentences on."""
    return analyse(gold, [sentence.spans for sentence in predicted], written=as_written(gold, predicted, "iob2"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sentences", type=int, default=50_000)
    arguments = parser.parse_args()
    gold, predicted = made_up(arguments.sentences)
    start = time.process_time()
    analysis = score(gold, predicted)
    tokens, lines = analysis.as_dict()["tokens"], str(analysis).splitlines()
    print(f"{tokens:,} tokens scored in {time.process_time() - start:.2f} s of processor time")
    print(lines[0])


if __name__ == "__main__":
    main()
