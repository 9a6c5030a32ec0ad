"""A recognizer for Presidio, Microsoft's finder and hider of personal data: https://microsoft.github.io/presidio.

Presidio asks each of its recognizers for the personal data of a text; this one answers with a tagger's entities, under
Presidio's names. `make_analyzer` puts it beside Presidio's own patterns (telephone numbers, credit cards) without any
model of spaCy's, which Presidio would otherwise download.
"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from ner.errors import ConfigError, check_type
from ner.serving.presidio_names import LABELS
from ner.tagger import load

try:
    import spacy
    from presidio_analyzer import (
        AnalysisExplanation,
        AnalyzerEngine,
        LocalRecognizer,
        RecognizerRegistry,
        RecognizerResult,
    )
    from presidio_analyzer.nlp_engine import SpacyNlpEngine
    from spacy.language import Language
except ImportError:
    raise ConfigError(
        "ner.serving.presidio: expected the package `presidio-analyzer`; pip install 'bilstm-crf-ner[presidio]'"
    ) from None

# Of CoNLL-2003: nationalities, events, works; Presidio's own recognizers look for none of it.
IGNORED = ("MISC",)
_LEMMAS = "bilstm_crf_ner_lemmas"


class NerRecognizer(LocalRecognizer):  # type: ignore[misc]
    """A tagger as one of Presidio's recognizers; each result's score is the entity's exact probability."""

    def __init__(
        self,
        model: str | Path = "en",
        *,
        labels: Mapping[str, str] = LABELS,
        ignored: Collection[str] = IGNORED,
        language: str = "en",
        threshold: float | None = None,
        runtime: str = "auto",
    ) -> None:
        """A recognizer of a model.

        Args:
            model: as `ner.load` takes it, and so `threshold` and `runtime`.
            labels: Presidio's names by the model's labels; a label that isn't here keeps its name.
            ignored: labels of the model that are not looked for.
            language: of the texts, as Presidio calls it (ISO 639-1).
            threshold: see `model`.
            runtime: see `model`.

        Raises:
            ModelError: as `ner.load`.
            ConfigError: as `ner.load`.
        """
        self.tagger = load(model, runtime=runtime, threshold=threshold)
        self._names = {label: labels.get(label, label) for label in self.tagger.labels if label not in ignored}
        super().__init__(
            supported_entities=sorted(set(self._names.values())), name="NerRecognizer", supported_language=language
        )

    def load(self) -> None:
        """Nothing: the model is there when the recognizer is."""

    def analyze(self, text: str, entities: Sequence[str], nlp_artifacts: Any = None) -> list[RecognizerResult]:
        """The personal data of a text.

        Args:
            text: any string.
            entities: Presidio's names of what is looked for; none: all.
            nlp_artifacts: what spaCy made of the text, which isn't looked at.
        """
        results = []
        for entity in self.tagger.tag(text):
            name = self._names.get(entity.label)
            if name is None or (entities and name not in entities):
                continue
            told = f"{entity.label} of the model, probability {entity.score:.4g}"
            explanation = AnalysisExplanation(
                recognizer=self.name, original_score=entity.score, textual_explanation=told
            )
            found = {
                RecognizerResult.RECOGNIZER_NAME_KEY: self.name,
                RecognizerResult.RECOGNIZER_IDENTIFIER_KEY: self.id,
            }
            results.append(RecognizerResult(name, entity.start, entity.end, entity.score, explanation, found))
        return results


def make_analyzer(recognizer: NerRecognizer) -> AnalyzerEngine:
    """Presidio's analyzer of its own patterns and this recognizer, in the recognizer's language, without a spaCy model.

    Words are cut by spaCy's rules of the language. Presidio looks for context ("call me at") among lemmas, for which
    the words in small letters stand.

    Raises:
        ConfigError: something else than a recognizer.
    """
    check_type("recognizer", recognizer, NerRecognizer, "a NerRecognizer", "NerRecognizer(MODEL) makes one")
    language = recognizer.supported_language
    registry = RecognizerRegistry(supported_languages=[language])
    registry.load_predefined_recognizers(languages=[language])
    registry.remove_recognizer("SpacyRecognizer")  # it would wait for entities of the pipeline, which finds none
    registry.add_recognizer(recognizer)
    Language.component(_LEMMAS, func=_lower_lemmas)
    pipeline = spacy.blank(language)
    pipeline.add_pipe(_LEMMAS)
    engine = SpacyNlpEngine(models=[{"lang_code": language, "model_name": "blank"}])
    engine.nlp = {language: pipeline}  # it is loaded
    return AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=[language])


def _lower_lemmas(doc: Any) -> Any:
    for token in doc:
        token.lemma_ = token.lower_
    return doc
