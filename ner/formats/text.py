"""Plain text: a file is a document, a folder one for each of its `.txt` files."""

from collections.abc import Iterator
from pathlib import Path

from ner.data_settings import DataConfig
from ner.errors import DataError
from ner.formats.format import Format, Losses
from ner.text.document import Document
from ner.text.encoding import decode


def read(path: Path, data: DataConfig, losses: Losses) -> Iterator[Document]:
    """A document for each file, without entities; in a folder and those below it, in order.

    Its name is the file's without `.txt`. Nothing of a text is changed: a CR is a character.
    """
    files = sorted(path.rglob("*.txt")) if path.is_dir() else [path]
    if not files:
        raise DataError(f"{path}: expected a folder of .txt files, found none in it")
    for file in files:
        name = file.relative_to(path).as_posix() if path.is_dir() else file.name
        try:
            content = file.read_bytes()
        except FileNotFoundError:
            raise DataError(f"{file}: no such file") from None
        except OSError as error:
            raise DataError(f"{file}: expected a readable file: {error.strerror}") from None
        yield Document(decode(content, data.encoding, str(file)), id=name.removesuffix(".txt"), source=str(file))


FORMAT = Format(
    about="plain text without entities: a file is a document, a folder one for each .txt file",
    settings=("encoding", "tokenizer"),
    read=read,
)
