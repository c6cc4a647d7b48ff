"""The order of Debian versions: ``[epoch:]upstream[-revision]``.

Source: Debian policy, 5.6.12; deb-version(7), "Sorting algorithm".
"""

from __future__ import annotations

import re
from typing import Final

from treering.core.packages.versions.parts import Key, epoch, halves, number

_PAIRS: Final = re.compile(r"([^0-9]*)([0-9]*)")
_END: Final = ((0,), number(""))
_LATE: Final = 0x110000


def key(version: str) -> Key:
    """Return what a Debian version is ordered by. A missing revision is as good as ``0``."""
    counted, rest = halves(version)
    before, after = epoch(counted)
    upstream, hyphen, revision = after.rpartition("-")
    if not hyphen:
        upstream, revision = after, ""
    return before, _part(upstream), _part(revision), rest


def _part(text: str) -> Key:
    """Return runs of other characters and runs of digits in turn, and the end.

    The end is a pair as any other: a tilde comes before it, everything else after it.
    """
    pairs = [
        ((*map(_weight, other), 0), number(digits))
        for other, digits in _PAIRS.findall(text)
        if other or digits
    ]
    if pairs and pairs[-1] == _END:
        pairs.pop()
    return (*pairs, _END)


def _weight(character: str) -> int:
    """Return the place of a character: a tilde, the end (0), letters, everything else."""
    if character == "~":
        return -1
    is_letter = character.isascii() and character.isalpha()
    return ord(character) if is_letter else ord(character) + _LATE
