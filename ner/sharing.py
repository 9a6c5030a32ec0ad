"""What a recognizer shows of itself in a notebook, and how it is passed on: the part of the façade for other places."""

import html
from pathlib import Path
from tempfile import TemporaryDirectory

from ner.inference.loading import Model, save_model
from ner.text.colours import colour_of

_CELL = "padding: .1em .8em .1em 0; text-align: "
_LABEL = "padding: .1em .4em; border-radius: .35em; color: #111; background: "


class Shared:
    """The part of `Tagger` that other places see."""

    _model: Model
    _folder: Path | None

    @property
    def version(self) -> str:
        """Which model it is, for whoever keeps what it found: a name, and a version or the digest of its weights."""
        from ner.storage.versions import version_of

        return "not saved" if self._folder is None else version_of(self._folder)

    def push_to_hub(
        self,
        name: str,
        *,
        private: bool = False,
        revision: str | None = None,
        licence: str | None = None,
        language: str | None = None,
    ) -> str:
        """Put the model into a repository of a hub, as `ner hub push`; returns the address of the commit.

        Args:
            name: `OWNER/NAME`; the repository is made where there is none.
            private: makes a new repository private.
            revision: the branch; None: the main one.
            licence: of the model, as the hub's cards spell it: `cc-by-4.0`; a ready-made model has its own.
            language: of the texts: `en`.

        Raises:
            ConfigError: huggingface_hub isn't installed, or the name isn't of that form.
            DownloadError: no access, no answer, or the hub refuses it.
        """
        from ner.resources.hub import Published, push

        published = Published(name, private=private, revision=revision, licence=licence, language=language)
        labels, metrics = self._model.vocabularies.labels, self._model.metrics
        if self._folder is not None:
            return push(self._folder, published, labels=labels, metrics=metrics)
        with TemporaryDirectory() as place:
            folder = Path(place) / "model"
            save_model(self._model, folder)
            return push(folder, published, labels=labels, metrics=metrics)

    def _repr_html_(self) -> str:
        """What a notebook shows: the labels with their scores on the dev set, where the model is, what computes."""
        micro = self._model.metrics.get("dev", {}).get("micro")
        by_label = self._model.metrics.get("dev", {}).get("labels", {})
        place = "not saved" if self._folder is None else f"<code>{html.escape(str(self._folder))}</code>"
        rows = [_row("th", "label", ["precision", "recall", "F1", "entities"])]
        hues: dict[str, int] = {}
        for label in self._model.vocabularies.labels:
            name = f'<span style="{_LABEL}{colour_of(label, hues)}">{html.escape(label)}</span>'
            rows.append(_row("td", name, _figures(by_label.get(label))))
        rows.append(_row("td", "all", _figures(micro)))
        source = self._model.metrics.get("dev", {}).get("source")
        told = f"Scores on the dev set {html.escape(str(source))}" if source else "There was no dev set"
        return (
            f"<div><b>Tagger</b> {place}; runtime {html.escape(self._model.runtime)}<table>{''.join(rows)}</table>"
            f"<small>{told}.</small></div>"
        )


def _figures(scores: dict[str, float] | None) -> list[str]:
    """Precision, recall and F1 in percent, and the number of entities; blanks where nothing is known."""
    if scores is None:
        return [""] * 4
    return [*(f"{100 * scores[name]:.2f}" for name in ("precision", "recall", "f1")), f"{scores['support']:,}"]


def _row(kind: str, first: str, cells: list[str]) -> str:
    """A row of a table, the first cell as it is, and the others to the right."""
    others = "".join(f'<{kind} style="{_CELL}right">{cell}</{kind}>' for cell in cells)
    return f'<tr><{kind} style="{_CELL}left">{first}</{kind}>{others}</tr>'
