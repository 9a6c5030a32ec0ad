"""What each threshold gives on a development file: `python examples/thresholds.py MODEL DEV`.

An entity is taken if its probability is at least the threshold: a low one finds more, a high one errs less. Choose it
on a file that you don't report scores on.
"""

import argparse

import ner


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="a model directory, or the name of a ready-made model")
    parser.add_argument("dev", help="a column file with gold tags")
    options = parser.parse_args()
    sentences = ner.read_conll(options.dev)
    print("threshold  precision  recall    F1")
    for threshold in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9):
        scores = ner.load(options.model, threshold=threshold).evaluate(sentences).micro
        print(f"{threshold:9}  {scores.precision:9.4f}  {scores.recall:6.4f}  {scores.f1:.4f}")


if __name__ == "__main__":
    main()
