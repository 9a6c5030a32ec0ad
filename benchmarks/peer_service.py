"""A peer behind FastAPI, as most people write it: `python benchmarks/peer_service.py PEER PORT FILE [--encoder DIR]`.

The peer of `ner serve` in `benchmarks/service.py --peer`: an endpoint of two lines that FastAPI calls on its threads,
run by uvicorn in one process, without batching and limits. It imports nothing of the package, so that it runs in an
environment of its own. Peers aren't trained: their networks are as large as trained ones, and how fast they are hardly
depends on what they know. FILE is a column file, whose words and tags they are made from.

`spacy`: spaCy's own `ner` as it comes, of a blank English pipeline; the name of an installed pipeline: its `ner` and
what that needs. `flair`: word and character embeddings, one BiLSTM of 200 units, CRF. `gliner`: a GLiNER over the
encoder in DIR, asked for the labels of FILE. PyTorch reads a request on one thread, which is faster under load.
"""

import argparse
import logging
from collections.abc import Callable
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

Found = list[dict[str, object]]
Columns = list[tuple[list[str], list[str]]]  # the words of each sentence and their tags


class Request(BaseModel):
    text: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peer")
    parser.add_argument("port", type=int)
    parser.add_argument("file", type=Path)
    parser.add_argument("--encoder", type=Path)
    options = parser.parse_args()
    columns = read_columns(options.file)
    if options.peer == "gliner":
        find = made_of_gliner(columns, options.encoder)
    elif options.peer == "flair":
        find = made_of_flair(columns)
    else:
        find = made_of_spacy(options.peer, columns)
    app = FastAPI()

    @app.post("/v1/entities")
    def entities(request: Request) -> Found:
        return find(request.text)

    uvicorn.run(app, port=options.port, log_level="critical")


def read_columns(path: Path) -> Columns:
    """Words and tags, the first column and the last."""
    blocks = path.read_text(encoding="utf-8").strip().split("\n\n")
    rows = [[line.split() for line in block.split("\n")] for block in blocks]
    return [([row[0] for row in each], [row[-1] for row in each]) for each in rows if each[0][0] != "-DOCSTART-"]


def made_of_spacy(name: str, columns: Columns) -> Callable[[str], Found]:
    import spacy
    from spacy.tokens import Doc
    from spacy.training import Example

    if name == "spacy":
        nlp = spacy.blank("en")
        nlp.add_pipe("ner")
        gold = [Doc(nlp.vocab, words=words, ents=tags) for words, tags in columns[:500]]
        nlp.initialize(lambda: [Example(Doc(nlp.vocab, words=[t.text for t in doc]), doc) for doc in gold])
    else:
        nlp = spacy.load(name, exclude=["tagger", "parser", "attribute_ruler", "lemmatizer"])

    def find(text: str) -> Found:
        doc = nlp(text)
        return [{"label": e.label_, "text": e.text, "start": e.start_char, "end": e.end_char} for e in doc.ents]

    return find


def made_of_flair(columns: Columns) -> Callable[[str], Found]:
    import flair
    import torch
    from flair.data import Dictionary, Sentence
    from flair.embeddings import CharacterEmbeddings, OneHotEmbeddings, StackedEmbeddings
    from flair.models import SequenceTagger

    logging.getLogger("flair").setLevel(logging.ERROR)  # it would write the whole vocabulary
    torch.set_num_threads(1)
    flair.device = torch.device("cpu")
    words, characters, tags = (Dictionary() for _ in range(3))
    for spelled, own in columns:
        for word, tag in zip(spelled, own, strict=True):
            words.add_item(word)
            tags.add_item(tag)
            for character in word:
                characters.add_item(character)
    embeddings = StackedEmbeddings([OneHotEmbeddings(words, embedding_length=100), CharacterEmbeddings(characters)])
    tagger = SequenceTagger(embeddings, tags, "ner", hidden_size=200, reproject_embeddings=False)
    tagger.eval()

    def find(text: str) -> Found:
        sentence = Sentence(text)
        tagger.predict(sentence)
        spans = sentence.get_spans("ner")
        return [
            {"label": s.tag, "text": s.text, "start": s.start_position, "end": s.end_position, "score": s.score}
            for s in spans
        ]

    return find


def made_of_gliner(columns: Columns, encoder: Path) -> Callable[[str], Found]:
    import torch
    from gliner import GLiNER, GLiNERConfig

    torch.set_num_threads(1)
    model = GLiNER.from_config(GLiNERConfig(model_name=str(encoder), max_len=384))
    model.eval()
    labels = sorted({tag[2:] for _, tags in columns for tag in tags if tag != "O"})

    def find(text: str) -> Found:
        # Untrained, it would take half of all spans at its usual threshold, and choosing among them takes time.
        with torch.inference_mode():
            found: Found = model.predict_entities(text, labels, threshold=0.99)
        return found

    return find


if __name__ == "__main__":
    main()
