r"""Safe text: untrusted characters made visible before they can reach a terminal.

Owns the one way from a foreign string to something a widget or a terminal may print. It never
drops a character: what could act on a terminal, reorder a line or hide is written as
``\u{1b}``. Nothing else may build a `Safe`.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NewType

Safe = NewType("Safe", str)
"""Text in which every character shows: no control, bidi, zero-width or look-empty character."""

MAX_CHARACTERS = 65_536
"""Longest text kept; the rest is replaced by a visible count of what was cut."""

# Printable by Unicode's own account, and yet drawn as nothing: Hangul fillers, Braille blank,
# the grapheme joiner, Khmer inherent vowels and the variation selectors.
_LOOKS_EMPTY = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufe00-\ufe0f\U000e0100-\U000e01ef]"
)
_MAX_COMBINING = 2


def safe(text: str | bytes, limit: int = MAX_CHARACTERS) -> Safe:
    r"""Return `text` with everything a terminal could obey or hide written visibly.

    Bytes are read as UTF-8; bytes that are not UTF-8 show as ``\u{dcXX}``. A text longer than
    `limit` characters keeps its beginning and says how many characters were cut. Applying it
    twice changes nothing.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", "surrogateescape")
    if len(text) > limit:
        suffix = _CUT.search(text)
        if not (suffix and suffix.start() <= limit):
            text = f"{text[:limit]}…(+{len(text) - limit} characters)"
    if text.isprintable() and (text.isascii() or _only_plain(text)):
        return Safe(text)
    return Safe("".join(_visible(text)))


_CUT = re.compile(r"…\(\+[0-9]+ characters\)$")


def is_safe(text: str) -> bool:
    """Tell whether `text` would pass through `safe` unchanged."""
    return safe(text) == text


def one_line(text: str | bytes) -> Safe:
    """Return the first line of `text` that is not blank, as safe text."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "surrogateescape")
    for line in text[: MAX_CHARACTERS * 4].split("\n"):
        if line.strip():
            return safe(line.strip(" \t\r"))
    return Safe("")


def _only_plain(text: str) -> bool:
    """Tell whether printable `text` holds neither look-empty nor combining characters."""
    if _LOOKS_EMPTY.search(text):
        return False
    return not any(map(unicodedata.combining, text)) and not any(
        unicodedata.category(c) in {"Mn", "Me"} for c in text
    )


def _visible(text: str) -> list[str]:
    out: list[str] = []
    run = 0
    for char in text:
        mark = unicodedata.category(char) in {"Mn", "Me"}
        run = run + 1 if mark else 0
        hidden = not char.isprintable() or _LOOKS_EMPTY.match(char) is not None
        out.append(f"\\u{{{ord(char):x}}}" if hidden or run > _MAX_COMBINING else char)
    return out
