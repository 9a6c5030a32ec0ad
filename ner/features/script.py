"""Traditional Chinese characters read as simplified ones, before any feature sees a text.

Vectors, lexicons and corpora are mostly of one script, and a character of the other is another word to them. The table
is OpenCC's, character by character, taken when a model is trained and kept in its directory, so that tagging needs no
further package. Of a traditional character with several simplified ones it has the commonest. Texts keep their
spelling: only what is shown to the network changes.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from ner.distribution import is_there
from ner.errors import ConfigError
from ner.text.sentence import Sentence

Script = Mapping[str, str]
_IDEOGRAPHS = (range(0x3400, 0x4DC0), range(0x4E00, 0xA000))  # CJK Unified Ideographs, and Extension A


def simplified() -> dict[str, str]:
    """The simplified character of each traditional one that has another.

    Raises:
        ConfigError: OpenCC isn't installed.
    """
    if not is_there("opencc"):
        raise ConfigError(
            "features.simplify: expected the package opencc, whose table says which characters are the same, not "
            "installed here; pip install 'bilstm-crf-ner[zh]'"
        )
    import opencc

    convert = opencc.OpenCC("t2s").convert
    characters = [chr(code) for block in _IDEOGRAPHS for code in block]
    pairs = {character: convert(character) for character in characters}
    # A character that becomes several, or another that is itself converted, would be read otherwise the second time.
    return {a: b for a, b in pairs.items() if a != b and len(b) == 1 and pairs.get(b, b) == b}


def in_script(sentences: Iterable[Sentence], script: Script) -> list[Sentence]:
    """The same sentences spelled so, without their tags: tokens are as many and start where they did."""
    table = str.maketrans(dict(script))
    return [
        Sentence(
            None,
            None,
            sentence.opens_document,
            sentence.source,
            spelled=tuple(word.translate(table) for word in sentence.spelled),
            starts=sentence.starts,
        )
        for sentence in sentences
    ]


def script_as_dict(script: Script) -> dict[str, str]:
    """Two texts, whose characters stand for each other, as JSON has them."""
    return {"from": "".join(script), "to": "".join(script.values())}


def script_from_dict(values: Any) -> dict[str, str]:
    """What `script_as_dict` wrote; empty of None.

    Raises:
        ValueError: it isn't two texts of one length, or a character stands on both sides.

    >>> script_from_dict({"from": "體臺", "to": "体台"})["臺"]
    '台'
    """
    if values is None:
        return {}
    found = [values.get(side) for side in ("from", "to")] if isinstance(values, dict) else []
    characters, others = (each if isinstance(each, str) else "" for each in found or ("", ""))
    if not characters or len(characters) != len(others):
        raise ValueError("expected script to be two texts of one length, from and to")
    if both := set(characters) & set(others):
        raise ValueError(f"expected script to read no character twice, found {min(both)!r} on both sides")
    return dict(zip(characters, others, strict=True))
