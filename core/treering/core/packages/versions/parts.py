"""What the orders of versions share: numbers of any length, and how much text counts."""

from __future__ import annotations

from typing import Any, Final

Key = tuple[Any, ...]
"""Compare keys of one manager with each other and with nothing else."""

MAX_VERSION: Final = 4096
"""Characters of a version that are ordered; of a longer one the rest counts as plain text."""


def number(digits: str) -> tuple[int, str]:
    """Return what a number in decimal digits is ordered by, however many digits it has."""
    significant = digits.lstrip("0")
    return len(significant), significant


def halves(version: str) -> tuple[str, str]:
    """Return the part of a version that is taken apart, and the part that is not."""
    return version[:MAX_VERSION], version[MAX_VERSION:]


def epoch(version: str) -> tuple[tuple[int, str], str]:
    """Return the epoch before the first colon, 0 where there is none, and what follows."""
    before, colon, after = version.partition(":")
    if colon and before.isascii() and before.isdigit():
        return number(before), after
    return number(""), version
