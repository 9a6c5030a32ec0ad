"""An application of your own that finds names, by FastAPI: `MODEL=en uvicorn --app-dir examples fastapi_app:app`.

It needs `pip install 'bilstm-crf-ner[serve]'`. `ner serve` is a whole service, with limits, batches and a page to try a
model on; this is for who has an application already.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from pydantic import BaseModel, Field

import ner


class Text(BaseModel):
    """What is sent."""

    text: str = Field(max_length=100_000)


class Name(BaseModel):
    """What comes back for each entity."""

    label: str
    text: str
    start: int
    end: int
    score: float


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Load the model once, before the first request."""
    app.state.tagger = ner.load(os.environ.get("MODEL", "en"))
    yield


app = FastAPI(title="Names", lifespan=lifespan)


# `def`, not `async def`: FastAPI then calls it on a thread, and threads that tag at once share a batch.
@app.post("/names")
def names(sent: Text, request: Request) -> list[Name]:
    """The entities of a text."""
    return [Name(**entity.as_dict()) for entity in request.app.state.tagger.tag(sent.text)]
