"""The order of Alpine versions: ``1.2.3a_rc1~0123abc-r4``.

Numbers, a letter, suffixes with numbers, a commit and a revision follow each other in this order
and each may be left out. Where one version goes on and the other does not, it is newer, unless it
goes on with a suffix of what is not released yet. What does not follow the grammar comes before
the end, and is compared as text.

Source: apk-package(5), "pkgver"; Gentoo's PMS, 3.3, from which numbers with a leading zero come.
"""

from __future__ import annotations

import re
from typing import Final

from treering.core.packages.versions.parts import Key, halves, number

_VERSION: Final = re.compile(
    r"(?P<first>[0-9]+)(?P<numbers>(?:\.[0-9]+)*)(?P<letter>[a-z]?)"
    r"(?P<suffixes>(?:_(?:alpha|beta|pre|rc|cvs|svn|git|hg|p)(?![a-z])[0-9]*)*)"
    r"(?:~(?P<commit>[0-9a-f]+))?(?:-r(?P<revision>[0-9]+))?"
)
_SUFFIX: Final = re.compile(r"_([a-z]+)([0-9]*)")
_BEFORE: Final = ("alpha", "beta", "pre", "rc")
_AFTER: Final = ("cvs", "svn", "git", "hg", "p")
(
    _UNRELEASED,
    _WRONG,
    _END,
    _REVISION,
    _COMMIT,
    _SUFFIX_NUMBER,
    _RELEASED,
    _LETTER,
    _NUMBER,
    _FIRST,
) = range(10)


def key(version: str) -> Key:
    """Return what an Alpine version is ordered by."""
    counted, rest = halves(version)
    found = _VERSION.match(counted)
    if found is None:
        return ((_WRONG, version),)
    parts: list[Key] = [(_FIRST, *number(found["first"]))]
    parts += [_number(digits) for digits in found["numbers"].split(".")[1:]]
    if found["letter"]:
        parts.append((_LETTER, found["letter"]))
    for word, digits in _SUFFIX.findall(found["suffixes"]):
        parts.append(_suffix(word))
        if digits:
            parts.append((_SUFFIX_NUMBER, *number(digits)))
    if found["commit"]:
        parts.append((_COMMIT, found["commit"]))
    if found["revision"]:
        parts.append((_REVISION, *number(found["revision"])))
    left = counted[found.end() :] + rest
    return (*parts, (_WRONG, left) if left else (_END,))


def _number(digits: str) -> Key:
    """Return a number after the first; one with a leading zero is compared as text is."""
    if digits.startswith("0"):
        return (_NUMBER, 0, digits)
    return (_NUMBER, *number(digits))


def _suffix(word: str) -> Key:
    if word in _BEFORE:
        return (_UNRELEASED, _BEFORE.index(word))
    return (_RELEASED, _AFTER.index(word))
