"""Public corpora: the catalogue (`corpora.toml`), and laying one out with a config that is ready to train.

No corpus is shipped with this package: each is fetched from a fixed commit of the repository that publishes
it, checked by digest, after its licence was told. `source` takes a copy the user already has instead.
"""

import difflib
import json
import shutil
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import Any

from ner.errors import ConfigError, DownloadError
from ner.resources.download import check_file, fetch, sha256_of
from ner.whole_files import hidden_beside

RAW_FILES = "https://raw.githubusercontent.com"


@dataclass(frozen=True)
class CorpusFile:
    """One published file: its split, its name here, its path in the repository, and what it must be.

    `inside` is its name in a folder that is called as the split, where several files are one split.
    """

    split: str
    name: str
    path: str
    size: int
    sha256: str
    inside: str = ""

    @property
    def laid_out(self) -> str:
        """The name it gets in the corpus's folder: the split, and what follows the first dot of its name.

        >>> CorpusFile("dev", "valid.char.bmes", "data/valid.char.bmes", 1, "").laid_out
        'dev.char.bmes'
        >>> CorpusFile("dev", "7.ann", "brat/7/data.ann", 1, "", inside="7.ann").laid_out
        'dev/7.ann'
        """
        if self.inside:
            return f"{self.split}/{self.inside}"
        return self.split + "".join(PurePosixPath(self.name).suffixes)


@dataclass(frozen=True)
class Corpus:
    """A corpus of the catalogue; `data`, `model` and `training` are the settings that differ."""

    name: str
    description: str
    language: str
    licence: str
    research_only: bool
    repository: str
    commit: str
    files: tuple[CorpusFile, ...]
    data: dict[str, Any] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        research = " (research use only)" if self.research_only else ""
        return f"{self.name:<18} {self.language:<8} {self.description}{research}"

    @property
    def terms(self) -> str:
        """The licence as it is told before anything is fetched."""
        research = " Research use only." if self.research_only else ""
        return f"{self.name}: {self.description}. Licence: {self.licence}.{research} From https://github.com/{self.repository}"


def list_corpora() -> list[Corpus]:
    """The corpora that can be fetched by name, in the catalogue's order.

    >>> [corpus.name for corpus in list_corpora()][:3]
    ['conll2003-en', 'conllpp', 'wnut17']
    """
    text = resources.files("ner.resources").joinpath("corpora.toml").read_text(encoding="utf-8")
    return parse_catalogue(text)


def parse_catalogue(text: str) -> list[Corpus]:
    """The corpora of a catalogue in TOML."""
    corpora = []
    for name, table in tomllib.loads(text).items():
        files = tuple(CorpusFile(**file) for file in table.pop("files"))
        corpora.append(Corpus(name=name, files=files, **table))
    return corpora


def find_corpus(name: str) -> Corpus:
    """The corpus of this name.

    Raises:
        ConfigError: there is none.
    """
    corpora = list_corpora()
    for corpus in corpora:
        if corpus.name == name:
            return corpus
    close = difflib.get_close_matches(name, [corpus.name for corpus in corpora], n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    raise ConfigError(f"{name}: no such corpus{hint}; see `ner data list`")


def get_corpus(
    name: str,
    folder: Path,
    *,
    source: Path | None = None,
    base_url: str = RAW_FILES,
    on_message: Callable[[str], None],
    on_progress: Callable[[int, int | None], None] | None = None,
) -> Path:
    """The folder `folder/NAME` with the corpus's files, `config.toml` and `LICENCE.txt`, all of them or none.

    Files that are there already with the right digest are kept, and so is a `config.toml` that was changed.

    Args:
        name: one of `list_corpora()`.
        folder: where the corpus's own folder goes.
        source: a folder that holds the files, under their names here or as published; nothing is fetched.
            A test file may be missing there.
        base_url: where repositories' raw files are served.
        on_message: called with the licence before the first byte is fetched, then with anything to note.
        on_progress: called with bytes fetched and bytes in all, over the files together.

    Raises:
        ConfigError: no such name.
        DownloadError: a file can't be had, or isn't the one that was published.
    """
    corpus = find_corpus(name)
    on_message(corpus.terms)
    target = folder / corpus.name
    wanted = [file for file in corpus.files if not _is_there(target / file.laid_out, file)]
    stage = hidden_beside(target)
    try:
        stage.mkdir(parents=True)
        total = sum(file.size for file in wanted)
        done = 0
        for file in wanted:
            if source is None:
                url = f"{base_url}/{corpus.repository}/{corpus.commit}/{file.path}"
                report = _shifted(on_progress, done, total)
                fetch(url, stage / file.laid_out, sha256=file.sha256, size=file.size, on_progress=report)
            elif (found := _find_copy(source, file)) is not None:
                (stage / file.laid_out).parent.mkdir(exist_ok=True)
                shutil.copyfile(found, stage / file.laid_out)
            else:
                on_message(f"{corpus.name}: no {file.name} in {source}: laid out without its {file.split} split")
            done += file.size
        there = [file for file in corpus.files if (stage / file.laid_out).exists() or file not in wanted]
        config = config_text(corpus, there, target)
        if not (target / "config.toml").exists():
            (stage / "config.toml").write_text(config, encoding="utf-8")
        elif (target / "config.toml").read_text(encoding="utf-8", errors="replace") != config:
            on_message(f"{target / 'config.toml'}: was changed, so it stays as it is")
        (stage / "LICENCE.txt").write_text(corpus.terms + "\n", encoding="utf-8")
        if target.exists():
            for path in (path for path in stage.rglob("*") if path.is_file()):
                place = target / path.relative_to(stage)
                place.parent.mkdir(exist_ok=True)
                path.replace(place)
        else:
            stage.rename(target)
    except OSError as error:
        raise DownloadError(
            f"{target}: can't be written: {error.strerror or error}; free space there, or choose another folder"
        ) from None
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    return target


def config_text(corpus: Corpus, files: list[CorpusFile], folder: Path) -> str:
    """A config that trains on these files of a corpus laid out in `folder`, as TOML."""
    lines = [
        f"# {corpus.terms}",
        "#",
        f"#     ner train {(folder / 'config.toml').as_posix()} --out runs/{corpus.name}",
        "",
        "[data]",
    ]
    splits = {file.split: PurePosixPath(file.laid_out).parts[0] for file in files}
    if not splits.keys() & {"all", "train"}:
        lines += ["# Published without a training file: name your own.", '# train = "train.conll"']
    for split, name in splits.items():
        if split == "all":
            lines.append("# Published without splits: cut off a part as `dev` to choose the best epoch by.")
        lines.append(f"{'train' if split == 'all' else split} = {_toml(name)}")
    lines += [f"{key} = {_toml(value)}" for key, value in corpus.data.items()]
    lines += ["", "[model]"]
    lines += [f"{key} = {_toml(value)}" for key, value in corpus.model.items()]
    if corpus.language == "English":
        lines += [
            "# Better by several points of F1, after `ner vectors get glove-6b-100d`:",
            '# vectors = "glove-6b-100d"',
        ]
    lines += ["", "[training]", "seed = 1"]
    lines += [f"{key} = {_toml(value)}" for key, value in corpus.training.items()]
    return "\n".join([*lines, ""])


def _toml(value: Any) -> str:
    # JSON's strings, numbers and booleans are TOML's, but for characters it need not escape.
    return json.dumps(value, ensure_ascii=False)


def _is_there(path: Path, file: CorpusFile) -> bool:
    return path.is_file() and path.stat().st_size == file.size and sha256_of(path) == file.sha256


def _find_copy(source: Path, file: CorpusFile) -> Path | None:
    """The user's copy of a file, checked; None for a test file that isn't there."""
    # Of several files of one split the folders they were published in tell them apart.
    published = "/".join(PurePosixPath(file.path).parts[-2 if file.inside else -1 :])
    copies = [path for path in (source / file.name, source / published) if path.is_file()]
    for path in copies:
        if _is_there(path, file):
            return path
    if copies:
        check_file(copies[0], sha256=file.sha256, size=file.size, where=str(copies[0]))
    if file.split == "test":
        return None
    names = file.name if file.name == published else f"{file.name} or {published}"
    raise DownloadError(f"{source}: expected {names}, found neither; name the folder that holds the files")


def _shifted(
    on_progress: Callable[[int, int | None], None] | None, done: int, total: int
) -> Callable[[int, int | None], None] | None:
    """Progress over all files, from the progress of one."""
    if on_progress is None:
        return None
    return lambda received, _: on_progress(done + received, total)
