"""The order of rpm versions: ``[epoch:]version[-release]``.

Runs of digits and runs of letters are compared one by one; whatever stands between them only
parts them. A tilde comes before the end, a caret right after it.

Source: rpm-version(7), "Comparison"; Fedora packaging guidelines, "Versioning".
"""

from __future__ import annotations

import re
from typing import Final

from treering.core.packages.versions.parts import Key, epoch, halves, number

_RUNS: Final = re.compile(r"[0-9]+|[A-Za-z]+|~|\^")
_TILDE, _END, _CARET, _LETTERS, _DIGITS = range(5)


def key(version: str) -> Key:
    """Return what an rpm version is ordered by. A missing release is an empty one."""
    counted, rest = halves(version)
    before, after = epoch(counted)
    name, hyphen, release = after.rpartition("-")
    if not hyphen:
        name, release = after, ""
    return before, _part(name), _part(release), rest


def _part(text: str) -> Key:
    return (*map(_run, _RUNS.findall(text)), (_END,))


def _run(run: str) -> Key:
    if run == "~":
        return (_TILDE,)
    if run == "^":
        return (_CARET,)
    if run.isdigit():
        return (_DIGITS, *number(run))
    return (_LETTERS, run)
