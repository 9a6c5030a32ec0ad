"""Builds a wheel of data alone from a model directory: `python scripts/build_model_wheel.py MODEL --name xx …`.

The wheel has the model directory with its `manifest.json`, a module of one value (`MODEL_DIR`) and an entry point of
the group `ner_models`; no dependencies. It is written here by hand, as the specification of wheels says
(packaging.python.org, "Binary distribution format"), with fixed times: the same model gives the same bytes.
"""

import argparse
import base64
import csv
import hashlib
import io
import re
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

from ner.errors import ConfigError, NerError
from ner.resources.models import GROUP, MANIFEST, WHEEL_PREFIX, make_ready
from ner.storage.json_files import read_json
from ner.storage.model_directory import open_model

NAME = r"[a-z0-9]+(-[a-z0-9]+)*"
VERSION = r"[0-9]+(\.[0-9]+)*((a|b|rc)[0-9]+)?"
EARLIEST = (1980, 1, 1, 0, 0, 0)  # that a zip file can hold

MODULE = '''"""The ready-made model {name} of bilstm-crf-ner: `ner.load("{name}")`."""

from pathlib import Path

MODEL_DIR = Path(__file__).parent / "model"
'''
METADATA = """Metadata-Version: 2.1
Name: {distribution}
Version: {version}
Summary: {summary}
License: {licence}
Requires-Python: >=3.11
Description-Content-Type: text/markdown

{card}
"""
WHEEL = "Wheel-Version: 1.0\nGenerator: bilstm-crf-ner\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def build_model_wheel(
    model: Path, *, name: str, version: str, language: str, licence: str, attribution: list[str], out: Path
) -> Path:
    """The wheel of a model directory, in the folder `out`.

    Args:
        model: the model directory; a manifest in it is written anew.
        name: by which the model is loaded: small letters and digits, with hyphens between.
        version: of the model, as PEP 440 has it, such as `1.0` or `1.0rc1`.
        language: as `ner models list` shows it.
        licence: of the model, in one line: the strictest of its corpora and vectors.
        attribution: a line for each corpus and set of vectors.

    Raises:
        ConfigError: a name or version that no wheel may have, or a licence of no or several lines.
        ModelError: the folder holds no model.
    """
    for option, value, pattern in (
        ("--name", name, NAME),
        ("--version", version, VERSION),
        ("--licence", licence, ".+"),
    ):
        if not re.fullmatch(pattern, value):
            raise ConfigError(f"{option}: expected what {pattern} matches, found {value!r}")
    opened = open_model(model)
    metrics = read_json(model / "metrics.json")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "model"
        shutil.copytree(model, copy, ignore=shutil.ignore_patterns(MANIFEST))
        make_ready(
            copy,
            name=name,
            version=version,
            language=language,
            labels=opened.vocabularies.labels,
            licence=licence,
            attribution=attribution,
            dev_f1=metrics["dev"]["micro"]["f1"] if "dev" in metrics else None,
        )
        package = "ner_model_" + name.replace("-", "_")
        distribution = WHEEL_PREFIX + name
        terms = "\n".join([f"Licence of the model: {licence}", "", *attribution, ""])
        card = (copy / "README.md").read_text(encoding="utf-8")
        about = f"{distribution.replace('-', '_')}-{version}.dist-info"
        summary = f"Ready-made model {name} ({language}) for bilstm-crf-ner"
        metadata = METADATA.format(
            distribution=distribution, version=version, summary=summary, licence=licence, card=card
        )
        inside = sorted(path for path in copy.rglob("*") if path.is_file())  # an encoder has a folder of its own
        files = {f"{package}/__init__.py": MODULE.format(name=name).encode()}
        files |= {f"{package}/model/{path.relative_to(copy).as_posix()}": path.read_bytes() for path in inside}
        files |= {
            f"{about}/METADATA": metadata.encode(),
            f"{about}/WHEEL": WHEEL.encode(),
            f"{about}/entry_points.txt": f"[{GROUP}]\n{name} = {package}\n".encode(),
            f"{about}/licenses/LICENCE.txt": terms.encode(),
        }
    out.mkdir(parents=True, exist_ok=True)
    wheel = out / f"{distribution.replace('-', '_')}-{version}-py3-none-any.whl"
    _write(wheel, files, f"{about}/RECORD")
    return wheel


def _write(wheel: Path, files: dict[str, bytes], record: str) -> None:
    rows = io.StringIO()
    write = csv.writer(rows, lineterminator="\n").writerow
    for name, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        write((name, f"sha256={digest}", len(content)))
    write((record, "", ""))
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**files, record: rows.getvalue().encode()}.items():
            entry = zipfile.ZipInfo(name, EARLIEST)
            entry.external_attr = 0o100644 << 16  # a file that everybody may read
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)


def main() -> None:
    """The command line; an error is one line on stderr."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, metavar="MODEL", help="a model directory")
    parser.add_argument("--name", required=True, help="by which it is loaded, such as en")
    parser.add_argument("--version", required=True, help="of the model, such as 1.0")
    parser.add_argument("--language", required=True, help="as `ner models list` shows it")
    parser.add_argument("--licence", required=True, help="of the model, in one line")
    parser.add_argument("--attribution", action="append", default=[], help="a line for each corpus; may be repeated")
    parser.add_argument("--out", type=Path, default=Path("dist"), help="folder of the wheel")
    options = vars(parser.parse_args())
    try:
        print(build_model_wheel(options.pop("model"), **options))
    except NerError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
