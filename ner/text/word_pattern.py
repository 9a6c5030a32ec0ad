r"""What a word is, as one pattern: what `tokenizer` finds in a text from one place to the next.

Whatever repeats in it is possessive, and whatever looks ahead is bounded or ends with the token, so a million
characters of anything take linear time; keep it so.
"""

from functools import cache
from typing import Any

import regex

from ner.text.abbreviations import ABBREVIATIONS, DEGREES, NUMBERINGS, PARTS, SENTENCE_STARTERS

# What is cut by the character in both modes: the scripts themselves, and the blocks of their punctuation
# (3000), enclosed (3200) and full-width (FF00) forms, which the scripts share.
CJK = (
    r"[[\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}\u3001-\u303f\u309b-\u309c\u30fb\u30fc\u3190-\u319f"
    r"\u31c0-\u31ef\u3200-\u33ff\ufe30-\ufe4f\uff01-\uffef]--[\p{M}\p{Z}\p{C}]]"
)
# A letter, digit or combining mark; ZWNJ, ZWJ, soft hyphen and word joiner only between two of them,
# and ZWJ after a mark, where old Malayalam text writes its chillus with it.
_LETTER = rf"[[\p{{L}}\p{{N}}\p{{M}}]--{CJK}]"
_PICTURE = r"\p{ExtPict}[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]*+[\U000e0020-\U000e007f]*+"
_EMOJI = rf"\p{{RI}}\p{{RI}}|[0-9\#*]\ufe0f?\u20e3|{_PICTURE}(?:\u200d{_PICTURE})*+\p{{M}}*+"
# A URL doesn't end in punctuation; brackets are its own where they close.
_IN_URL = rf"[[\w/\#=&%+~@$|\-]--{CJK}]"
_URL = rf"(?:{_IN_URL}++|[.,;:!?'*]++(?={_IN_URL})|\((?:{_IN_URL}|[.,;:!?'*])*+\))++"
_BLANK = r"[\p{Z}\p{Cc}\p{Cf}]"
_VISIBLE = rf"(?!{_BLANK})(?s:.)\p{{M}}*+"

# What only a few texts need, for it slows the pattern: abbreviations of several words, "z. B.", "p. ej.", "EE. UU.",
# "Dr. med. Roe".
_OF_SEVERAL_WORDS = r"""
| (?=\L<parts_and_degrees>|\p{Ll}\.|EE\.|UU\.)(?:                 # a quick look, then a slow one
        \p{Ll}\.(?=\ \L<parts>) | \L<parts>(?=\ |\Z)(?<=(?<!\p{L})\p{Ll}\.\ \L<parts>)  # "z. B.", "p. ej."
      | EE\.(?=\ UU\.) | UU\.(?=\ |\Z)(?<=EE\.\ UU\.)
      | \L<degrees>(?=\ |\Z)(?<=\L<degrees>\ \L<degrees>)             # "Dr. med. Roe"
    )
"""


@cache
def word_pattern(*, is_quick: bool) -> Any:
    """The pattern of a word; the quick one knows no U+02BC, and no abbreviation of several words.

    Each is made when a text first needs it, for that takes a tenth of a second. U+02BC is a letter of Ukrainian, Breton
    or Navajo, and an apostrophe where it opens a clitic.
    """
    mark = "['’]" if is_quick else "['’ʼ]"
    more = "" if is_quick else _OF_SEVERAL_WORDS
    lists = {} if is_quick else {"parts": PARTS, "degrees": DEGREES, "parts_and_degrees": PARTS | DEGREES}
    clitic = rf"{mark}(?i:s|m|d|re|ve|ll)(?!{_LETTER})"
    of_word = rf"{_LETTER}++" if is_quick else rf"[{_LETTER}--\u02bc]++|(?!{clitic})\u02bc"
    joiners = rf"[\u200c\u200d\u00ad\u2060]++(?={_LETTER})|(?<=\p{{M}})\u200d"
    letters = rf"{_LETTER}(?:[A-Za-z0-9]++|{of_word}|{joiners})*+"
    # {2,9}: longer runs of one-letter parts are no abbreviation, and a bound keeps the scan linear; {1,63} and
    # {1,64}: the longest domain label (RFC 1035) and local part of an address (RFC 5321).
    return regex.compile(
        rf"""
    (?!{_BLANK})(?:
    [A-Za-z]++(?=\ ) | [,()"\[\]{{}}](?!\p{{M}})                      # most of English, and quickly
  | (?i:https?|ftp)://{_URL}
  | (?i:www)\.{_URL}
  | {_EMOJI}
  | {CJK}\p{{M}}*+
  | [@\#](?=[\p{{L}}\p{{N}}_])(?:_|{letters})++                      # @mention, #hashtag
  | (?<!\S)[:;=]['’]?-?[()\[\]DPp/\\|]++(?!\S)                        # :-)
  | [A-Z]{{1,3}}\$ | [A-Z]{{1,3}}\+(?![\w+]) | C\+\+                  # US$ (CoNLL-2003: "C$ 100"), AA+
  | (?m:^)\d{{1,3}}\.(?=\ )                                           # "1. Pivotal": a list, a table
  | \d{{1,2}}\.(?=\ (?:Januar|Februar|März|April|Mai|Ju[nl]i|August|(?:Septem|Okto|Novem|Dezem)ber)\b)
  | \p{{Lu}}\.(?=\ ?,|\s(?!\L<starters>\b)\p{{Lu}})                   # "J. Smith", "Jerzy L., 36"
  | \L<numberings>(?=\s\d)
  {more}
  | (?=[A-Za-z]++{mark})[A-Za-z]+?(?=[nN]{mark}[tT](?!{_LETTER}))       # the "do" of "don't"
  | [nN]{mark}[tT](?!{_LETTER})
  | {clitic}(?!-\p{{Lu}})
  | {mark}n{mark}(?!{_LETTER}) | {mark}[tn](?!{_LETTER})                 # Dutch 't, rock 'n' roll
  | (?:
        (?:\L<abbreviations>|(?:\p{{L}}{{1,2}}\.){{2,9}}+)(?!{_LETTER})  # Corp.  U.S.  a.m.
      | (?:['’][sS]-(?=\p{{Lu}})|[.+]{{1,2}}(?=\d))?+{letters}       # 's-Hertogenbosch  .300  +44
    )
    (?:
        (?:
            [-‐‑_·&] | \.-(?=\p{{Ll}})                                # S&P  Mo.-based
          | (?!{clitic})['’](?=\p{{L}})                              # O'Brien, not Germany's
          | \.(?!\p{{Lo}})(?!(?<=\p{{Ll}}\p{{Ll}}\.)\p{{Lu}})         # reuters.com, not "home.The"
          | (?<=\d)[,:/–'’٫٬](?=\d)                                   # 1,000  10:30  1/2  1990–95
          | @(?=[A-Za-z0-9-]{{1,63}}\.[A-Za-z]) | \+(?=[A-Za-z0-9.-]{{1,64}}@)
          | (?<=\p{{Hebrew}})["'׳״](?=\p{{Hebrew}})
        )
        (?:(?<=-)(?:\p{{L}}\.){{2,9}}+(?!{_LETTER}) | {letters})     # Iraq-U.N.
    )*+
    (?:-(?=\ (?:and|or|to|und|oder|bis|en|of)\ ))?                    # "Nord- und Südkorea"
  | ([-=*_~^|.`'+\#])\1++ | [!?]++                                    # ... -- *** ?!
  | {_VISIBLE}
    )
    """,
        regex.VERBOSE | regex.VERSION1,
        starters=SENTENCE_STARTERS,
        numberings=NUMBERINGS,
        **lists,
        abbreviations=ABBREVIATIONS,
    )


@cache
def character_pattern() -> Any:
    """The pattern of a character with its marks, or of a whole emoji."""
    return regex.compile(rf"{_EMOJI}|{_VISIBLE}[\u200c\u200d]*+", regex.VERSION1)
