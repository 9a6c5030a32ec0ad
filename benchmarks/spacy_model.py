"""An installed spaCy pipeline that answers `ready_model.py`: `python benchmarks/spacy_model.py PIPELINE`.

It imports nothing of the package, so that it runs in an environment of its own. A line of JSON in, one out: `words`,
sentences of words, come back as spans `[start, end, label]`; `texts` are read by `nlp.pipe` and come back as seconds.
Only the recognizer runs, and what it needs.
"""

import json
import sys
import time

import spacy
from spacy.tokens import Doc

nlp = spacy.load(sys.argv[1])
heard = {name for name in nlp.pipe_names if "ner" in getattr(nlp.get_pipe(name), "listening_components", ())}
nlp.select_pipes(enable=["ner", *heard])
print(json.dumps({"name": f"{nlp.meta['lang']}_{nlp.meta['name']}", "version": nlp.meta["version"]}), flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    if "words" in asked:
        docs = nlp.pipe(Doc(nlp.vocab, words=words) for words in asked["words"])
        answer = {"spans": [[(entity.start, entity.end, entity.label_) for entity in doc.ents] for doc in docs]}
    else:
        start = time.perf_counter()
        for _ in nlp.pipe(asked["texts"]):
            pass
        answer = {"seconds": time.perf_counter() - start}
    print(json.dumps(answer), flush=True)
