"""What spaCy imports by the entry point group `spacy_factories`: the name of our component, and its defaults.

It stands beside the package and imports nothing of it: spaCy loads every entry point at every `spacy.blank`, and one
that fails breaks all of them. Many a script is called `ner.py`, and where one is run, that is what `import ner` finds.
"""

from typing import Any, Literal

from spacy.language import Language


@Language.factory(
    "bilstm_crf_ner",
    assigns=["doc.ents", "doc.spans", "token.ent_iob", "token.ent_type"],
    default_config={
        "model": "en",
        "threshold": None,
        "runtime": "auto",
        "device": "auto",
        "earlier_ents": "replace",
        "spans_key": "ner",
        "scorer": {"@scorers": "spacy.ner_scorer.v1"},
    },
    default_score_weights={"ents_f": 1.0, "ents_p": 0.0, "ents_r": 0.0, "ents_per_type": None},
)
def make_bilstm_crf_ner(
    nlp: Language,
    name: str,
    model: str,
    threshold: float | None,
    runtime: str,
    device: str,
    earlier_ents: Literal["replace", "keep", "overwrite"],
    spans_key: str,
    scorer: Any,
) -> Any:
    """The component of these settings; `ner.serving.spacy_component.Settings` tells what each is."""
    from ner.serving.spacy_component import EntityTagger, Settings

    settings = Settings(model, threshold, runtime, device, earlier_ents, spans_key)
    return EntityTagger(name, settings, scorer=scorer)
