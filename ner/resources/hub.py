"""Models of a hub, `hf://OWNER/NAME[@REVISION]`, by Hugging Face's client (extra `hub`): fetched, checked, passed on.

Only the files of a model directory go up and down: nothing else of a repository is fetched, whatever it holds, and a
repository of another kind is refused before anything of it is. A pushed model has a manifest with the SHA-256 of every
file but the card, which people change on the hub; what is fetched is held against it each time it is used. The client
knows the cache, the token, the endpoint (`HF_ENDPOINT`) and whether it may ask the network (`HF_HUB_OFFLINE`).
"""

import json
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ner.distribution import __version__
from ner.errors import ConfigError, DownloadError, ModelError, describe
from ner.resources.download import sha256_of
from ner.resources.model_names import CARD, ENCODER, FILES, HUB, MANIFEST, NEEDED

LIBRARY = "bilstm-crf-ner"
_REFERENCE = re.compile(r"(?P<name>[\w-][\w.-]*/[\w-][\w.-]*)(?:@(?P<revision>[\w./-]+))?")
_TASK = "token-classification"
_FRONT = re.compile(r"\A---\n.*?\n---\n+", flags=re.DOTALL)
_LOG_IN = "log in (`hf auth login`, or HF_TOKEN)"


@dataclass(frozen=True, slots=True)
class Published:
    """How a model is called where it is pushed to, and under which terms.

    `licence` and `language` are as the hub's cards spell them (`cc-by-4.0`, `en`); None: not said.
    """

    name: str
    private: bool = False
    revision: str | None = None
    licence: str | None = None
    language: str | None = None


def split_reference(reference: str) -> tuple[str, str | None]:
    """Repository and revision of `hf://OWNER/NAME[@REVISION]`, with or without `hf://`; None: the main one.

    Raises:
        ConfigError: it isn't of that form.

    >>> split_reference("hf://me/names@v1")
    ('me/names', 'v1')
    """
    found = _REFERENCE.fullmatch(reference.removeprefix(HUB))
    if found is None:
        raise ConfigError(f"{reference}: expected hf://OWNER/NAME or hf://OWNER/NAME@REVISION")
    return found["name"], found["revision"]


def pull(reference: str) -> Path:
    """The model directory of a repository in the client's cache, fetched where it isn't there.

    Its files are there; what is in them isn't looked at.

    Args:
        reference: as `split_reference` takes it.

    Raises:
        ConfigError: the client isn't installed, or the reference isn't of that form.
        ModelError: the repository holds no model of this package.
        DownloadError: no such repository or revision, no access, or neither an answer nor a copy in the cache.
    """
    name, revision = split_reference(reference)
    client = _client()
    about = {"library_name": LIBRARY, "library_version": __version__}
    with _told(reference, revision):
        try:
            info = client.HfApi(**about).model_info(name, revision=revision)
        except client.errors.OfflineModeIsEnabled:
            info = None  # what is in the cache was looked at when it was fetched
        except client.errors.HfHubHTTPError:
            raise
        except _transport(client):
            info = None
        if info is not None:
            _check_is_model({file.rfilename for file in info.siblings or ()}, reference)
        found = client.snapshot_download(name, revision=revision, allow_patterns=[*FILES, f"{ENCODER}/*"], **about)
    folder = Path(found)
    _check_is_model({path.name for path in folder.iterdir()}, reference)
    return folder


def push(folder: Path, published: Published, *, labels: Sequence[str], metrics: dict[str, Any]) -> str:
    """Puts a model directory into a repository, which is made where there is none; returns the address of the commit.

    Args:
        folder: of the model; it stays as it is.
        published: where to and under which terms.
        labels: what the model finds.
        metrics: as in `metrics.json`.

    Raises:
        ConfigError: the client isn't installed, or the name isn't OWNER/NAME.
        DownloadError: no access, no answer, or the hub refuses it.
    """
    name, _ = split_reference(published.name)
    import tempfile  # which only this should cost

    client = _client()
    with tempfile.TemporaryDirectory() as place, _told(published.name, published.revision):
        stage = Path(place)
        for file in FILES:
            if (folder / file).is_file():
                shutil.copyfile(folder / file, stage / file)
        if (folder / ENCODER).is_dir():
            shutil.copytree(folder / ENCODER, stage / ENCODER)
        _write_manifest(stage, published, labels=labels, metrics=metrics)
        _write_card(client, stage, published, metrics)
        api = client.HfApi(library_name=LIBRARY, library_version=__version__)
        api.create_repo(name, private=published.private, exist_ok=True)
        if published.revision:
            api.create_branch(name, branch=published.revision, exist_ok=True)
        added = [
            client.CommitOperationAdd(path_in_repo=name, path_or_fileobj=str(stage / name))
            for name in sorted(_names_in(stage))
        ]
        message = f"A model of {LIBRARY} {__version__}"
        done = api.create_commit(name, added, commit_message=message, revision=published.revision)
    return str(done.commit_url)


def _client() -> Any:
    try:
        import huggingface_hub
        import huggingface_hub.constants
        import huggingface_hub.errors
    except ImportError:
        raise ConfigError("hf://: expected huggingface_hub; pip install 'bilstm-crf-ner[hub]'") from None
    return huggingface_hub


def _transport(client: Any) -> Any:
    """The class of errors on the way: which HTTP library there is hangs on the client's version."""
    return client.errors.HfHubHTTPError.__bases__[0]


@contextmanager
def _told(where: str, revision: str | None) -> Iterator[None]:
    """The client's errors as ours."""
    client = _client()
    errors = client.errors
    try:
        yield
    except errors.GatedRepoError:
        raise DownloadError(
            f"{where}: expected access, found none: ask for it on the repository's page, then {_LOG_IN}"
        ) from None
    except errors.RepositoryNotFoundError:
        raise DownloadError(
            f"{where}: expected a repository of this name, found none that is public; check the name, or {_LOG_IN}"
        ) from None
    except errors.RevisionNotFoundError:
        raise DownloadError(f"{where}: expected the revision {revision}, found none of this name") from None
    except errors.HfHubHTTPError as error:
        said = f" ({error.server_message})" if error.server_message else ""
        status = getattr(error.response, "status_code", "no status")
        raise DownloadError(f"{where}: expected success, found HTTP {status}{said}; try again, or {_LOG_IN}") from None
    except RuntimeError as error:  # of an upload, whatever went wrong with it
        raise DownloadError(f"{where}: {describe(error.__cause__ or error)}; try again") from None
    except (errors.OfflineModeIsEnabled, errors.LocalEntryNotFoundError) as error:
        if client.constants.HF_HUB_OFFLINE:
            raise DownloadError(
                f"{where}: expected it in the cache, since HF_HUB_OFFLINE is set, found it not there; unset it"
            ) from None
        raise DownloadError(
            f"{where}: no answer from {client.constants.ENDPOINT}, and not in the cache ({describe(error)}); check the "
            "network, or set HF_ENDPOINT"
        ) from None
    except _transport(client) as error:
        raise DownloadError(
            f"{where}: no answer from {client.constants.ENDPOINT} ({describe(error)}); check the network, or set "
            "HF_ENDPOINT"
        ) from None


def _check_is_model(names: set[str], reference: str) -> None:
    missing = [name for name in NEEDED if name not in names]
    if missing:
        raise ModelError(f"{reference}: expected a model of {LIBRARY}, found a repository without {missing[0]}")


def _names_in(stage: Path) -> set[str]:
    """The files of a folder, with a slash in the name where they are in a folder of it."""
    return {file.relative_to(stage).as_posix() for file in stage.rglob("*") if file.is_file()}


def _write_manifest(stage: Path, published: Published, *, labels: Sequence[str], metrics: dict[str, Any]) -> None:
    """The manifest of what is in a folder: that of a ready-made model goes on, with new digests."""
    path = stage / MANIFEST
    weights = sha256_of(stage / "model.safetensors")
    values: dict[str, Any] = {
        "name": published.name.removeprefix(HUB),
        "version": weights[:8],
        "language": published.language or "not said",
        "labels": list(labels),
        "licence": published.licence or "not said",
        "attribution": [],
        "dev_f1": metrics["dev"]["micro"]["f1"] if "dev" in metrics else None,
    }
    if path.exists():
        values |= json.loads(path.read_text(encoding="utf-8"))
    values["sha256"] = {name: sha256_of(stage / name) for name in sorted(_names_in(stage) - {MANIFEST, CARD})}
    path.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _write_card(client: Any, stage: Path, published: Published, metrics: dict[str, Any]) -> None:
    """The card, with what the hub reads of it in front."""
    manifest = json.loads((stage / MANIFEST).read_text(encoding="utf-8"))
    licence = published.licence or str(manifest["licence"]).lower().replace(" ", "-")
    results = [
        client.EvalResult(
            task_type=_TASK,
            task_name="Named entity recognition",
            dataset_type=split,
            dataset_name=str(metrics[split]["source"]),
            dataset_split=split,
            metric_type=metric,
            metric_name=f"{metric} of entities",
            metric_value=metrics[split]["micro"][metric],
        )
        for split in ("dev", "test")
        if split in metrics
        for metric in ("precision", "recall", "f1")
    ]
    about = client.ModelCardData(
        language=published.language,
        license=None if licence == "not-said" else licence,
        library_name=LIBRARY,
        pipeline_tag=_TASK,
        tags=["named-entity-recognition", "ner", "bilstm-crf", _TASK],
        model_name=manifest["name"],
        eval_results=results or None,
    )
    card = stage / CARD
    name = split_reference(published.name)[0]
    text = card.read_text(encoding="utf-8") if card.exists() else f"# {name}: a named-entity recognizer\n"
    text = re.sub(r'(?<=ner\.load\(").*?(?="\))', f"{HUB}{name}", _FRONT.sub("", text))
    card.write_text(f"---\n{about.to_yaml().strip()}\n---\n\n{text}", encoding="utf-8")
