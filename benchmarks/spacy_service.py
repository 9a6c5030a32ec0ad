"""spaCy behind FastAPI, as most people write it: `python benchmarks/spacy_service.py PIPELINE|blank PORT [FILE]`.

The peer of `ner serve` in `benchmarks/service.py --spacy`: an endpoint of two lines that FastAPI calls on its threads,
run by uvicorn in one process, without batching and limits. `blank` is spaCy's own `ner` as it comes, initialized with
the tags of a column file and not trained: its network is as large as a trained one.
"""

import sys

import spacy
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()


class Request(BaseModel):
    text: str


@app.post("/v1/entities")
def entities(request: Request) -> list[dict[str, object]]:
    doc = nlp(request.text)
    return [{"label": e.label_, "text": e.text, "start": e.start_char, "end": e.end_char} for e in doc.ents]


def made(name: str, file: str) -> spacy.Language:
    """The pipeline."""
    if name != "blank":
        return spacy.load(name, exclude=["tagger", "parser", "attribute_ruler", "lemmatizer"])
    from spacy_component import initialized

    import ner

    return initialized([s for s in ner.read_conll(file) if s.spelled])


if __name__ == "__main__":
    nlp = made(sys.argv[1], *sys.argv[3:])
    uvicorn.run(app, port=int(sys.argv[2]), log_level="critical")
