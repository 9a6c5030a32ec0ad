"""Two corpora that mark different things become one model: `python examples/half_labelled_corpora.py OUT`.

A team has marked people in one half of its texts, places and organisations in the other. The bundled corpus is cut in
two so. One recipe says what each half was searched for; another says nothing of it, so that what a half doesn't mark
counts as no entity.
"""

import argparse
from pathlib import Path

import ner
from ner.text.sentence import sentence_with_spans

DATA = Path(__file__).parent.parent / "data" / "sample-en"
HALVES = {"people": ("PER",), "places": ("LOC", "ORG")}


def keep(sentences: list[ner.Sentence], labels: tuple[str, ...]) -> list[ner.Sentence]:
    """The sentences with entities of these labels alone."""
    return [sentence_with_spans(s, [span for span in s.spans if span.label in labels]) for s in sentences]


def recipe(inventories: dict[str, tuple[str, ...]]) -> str:
    """A recipe of these files: a table for each, with the labels that it is said to annotate."""
    said = {name: ", ".join(f'"{label}"' for label in labels) for name, labels in inventories.items()}
    return "\n".join(f'[[data.corpora]]\ntrain = "{name}.conll"\nlabels = [{said[name]}]\n' for name in said)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="folder of the files and the models")
    parser.add_argument("--epochs", type=int, default=15, help="passes over the texts")
    options = parser.parse_args()
    train, dev = (ner.read_conll(DATA / f"{split}.conll") for split in ("train", "dev"))
    wanted = tuple(label for labels in HALVES.values() for label in labels)
    ner.write_conll(options.out / "dev.conll", keep(dev, wanted))
    for part, (name, labels) in enumerate(HALVES.items()):
        ner.write_conll(options.out / f"{name}.conll", keep(train[part::2], labels))

    recipes = {
        "what each half was searched for is said": recipe(HALVES),
        "it isn't said": recipe(dict.fromkeys(HALVES, wanted)),
    }
    settings = [f"training.epochs={options.epochs}", "training.batch_size=8", "training.learning_rate=0.03"]
    settings += ["model.hidden_dim=100", "training.calibrate=false", "model.decoding=viterbi"]
    for number, (name, text) in enumerate(recipes.items(), start=1):
        path = options.out / f"recipe-{number}.toml"
        path.write_text(text, encoding="utf-8")
        config = ner.load_config(path, settings)
        tagger = ner.train(config, ner.load_corpus(config.data))
        tagger.save(options.out / f"model-{number}")
        print(f"{name}: F1 {100 * tagger.evaluate(keep(dev, wanted)).micro.f1:.1f}", flush=True)


if __name__ == "__main__":
    main()
