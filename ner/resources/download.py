"""Downloads: one file from one address, checked by size and SHA-256, there whole or not at all.

Also knows where downloaded things are kept: `NER_HOME`, else the platform's cache folder. Proxies and
certificates are taken from the environment, as httpx does by default.
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from ner.errors import DownloadError
from ner.whole_files import staged_file

# A host that can't be reached says so within seconds; one that answers may be slow between two chunks.
_CONNECT_SECONDS = 5.0
_READ_SECONDS = 60.0
_CHUNK = 1 << 18  # 256 KiB: a few hundred progress reports for a set of vectors, not a million


def cache_home() -> Path:
    """The folder of everything that can be fetched again: `NER_HOME`, else the platform's cache folder."""
    home = os.environ.get("NER_HOME")
    if home:
        return Path(home).expanduser()
    from platformdirs import user_cache_dir  # where NER_HOME is set, not needed

    return Path(user_cache_dir("ner"))


def fetch(
    url: str,
    target: Path,
    *,
    sha256: str | None,
    size: int | None,
    on_progress: Callable[[int, int | None], None] | None = None,
) -> None:
    """Nothing; `target` then holds the file of `url`, whole and checked.

    Args:
        url: an http or https address; redirects are followed.
        target: where the file goes; its folder is made. On any failure what was there before stays.
        sha256: hexadecimal digest the file must have; None leaves it unchecked.
        size: bytes the file must have; None leaves it unchecked.
        on_progress: called with bytes received and bytes in all (None where nobody says).

    Raises:
        DownloadError: no connection, an HTTP status other than 200, wrong size or digest, a full disk.
    """
    try:
        with staged_file(target) as part:
            _stream(url, part, size, on_progress)
            check_file(part, sha256=sha256, size=size, where=url)
    except OSError as error:
        raise DownloadError(
            f"{target}: can't be written: {error.strerror or error}; "
            "free space there, or set NER_HOME to another folder"
        ) from None


def check_file(path: Path, *, sha256: str | None, size: int | None, where: str) -> None:
    """Nothing; raises `DownloadError` unless the file has this size and digest. `where` opens the message."""
    found_size = path.stat().st_size
    if size is not None and found_size != size:
        raise DownloadError(
            f"{where}: expected {size} bytes, found {found_size}; cut short, or another version: get it again"
        )
    found = sha256_of(path)
    if sha256 is not None and found != sha256:
        raise DownloadError(
            f"{where}: expected SHA-256 {sha256}, found {found}; damaged, or another version: get it again"
        )


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _stream(url: str, part: Path, size: int | None, on_progress: Callable[[int, int | None], None] | None) -> None:
    import httpx  # 0.1 s that only a download should cost

    done = 0
    try:
        with (
            httpx.stream(
                "GET",
                url,
                follow_redirects=True,
                # Compressed on the way, the length of the answer would not be the length of the file.
                headers={"Accept-Encoding": "identity"},
                timeout=httpx.Timeout(_READ_SECONDS, connect=_CONNECT_SECONDS),
            ) as response,
            part.open("wb") as stream,
        ):
            if response.status_code != 200:
                raise DownloadError(
                    f"{url}: expected the file, found HTTP {response.status_code} {response.reason_phrase}; "
                    "check the address, and a proxy if there is one"
                )
            length = response.headers.get("Content-Length", "")
            total = size if size is not None else int(length) if length.isdigit() else None
            for chunk in response.iter_bytes(_CHUNK):
                stream.write(chunk)
                done += len(chunk)
                if on_progress is not None:
                    on_progress(done, total)
                if size is not None and done > size:
                    break  # it can't be the file any more; the check says how it differs
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        reason = str(error) or type(error).__name__
        if done:
            raise DownloadError(
                f"{url}: the connection broke after {done} bytes ({reason}); run the same command again"
            ) from None
        raise DownloadError(f"{url}: no answer ({reason}); check the network, or set HTTPS_PROXY") from None
