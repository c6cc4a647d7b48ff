"""Whether terminals agree how many cells a character takes.

Owns the list of those that are trusted. The rest are written so that a terminal that disagrees
spoils one character, not the line.
"""

from __future__ import annotations

from functools import lru_cache

_AGREED = (
    (0x20, 0xAC),
    (0xAE, 0x2FF),
    (0x370, 0x52F),  # Greek, Cyrillic
    (0x2010, 0x2027),  # dashes, quotes, ellipsis
    (0x2030, 0x205E),
    (0x2190, 0x22FF),  # arrows, mathematics
    (0x2500, 0x25FC),  # boxes, blocks, shapes
    (0x2800, 0x28FF),  # Braille
    (0x3000, 0x3029),
    (0x3041, 0x3096),
    (0x309B, 0x30FF),  # kana
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),  # Han
    (0xAC00, 0xD7A3),  # Hangul syllables
    (0xFF01, 0xFF60),  # full-width forms
)
CERTAIN = frozenset(chr(code) for first, last in _AGREED for code in range(first, last + 1)) | {""}
"""Characters of agreed width, and the second half of one: a shortcut for whole runs."""

_COMBINING = range(0x300, 0x370)


_JOINER = "\u200d"


def most(character: str) -> int:
    """Return how many cells a character of unsure width may take."""
    return 2 * (1 + character.count(_JOINER))


@lru_cache(maxsize=4096)
def unsure(character: str) -> bool:
    """Whether terminals may disagree how many cells a character takes."""
    if character[:1] not in CERTAIN:
        return True
    return any(ord(mark) not in _COMBINING for mark in character[1:])
