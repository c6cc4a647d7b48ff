"""Filters: from what a person types to a test of text.

Owns the grammar of ``/``: words are looked for as they are, in any order; ``~text`` is fuzzy
(the letters in this order), ``/pattern/`` or a text with regular-expression signs is a pattern
that is looked for in each line, ``!`` before any of them turns it round. Case does not count.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from treering.core.text import Safe, safe

MAX_TYPED = 200
_SIGNS = re.compile(r"[\\^$|()\[\]{}*+?]")
_NESTED = re.compile(r"[*+?}]\)*[*+{]|\)[*+{]")


@dataclass(frozen=True, slots=True)
class Filter:
    """A test of lower-case text, what it is called, and why it cannot be used, if it cannot."""

    typed: str
    test: Callable[[str], bool]
    pattern: re.Pattern[str] | None
    kind: str
    error: Safe = Safe("")  # noqa: RUF009 -- a constant

    @property
    def plain(self) -> bool:
        """Tell whether it looks for words as they are."""
        return self.kind == "words"


def parse(typed: str) -> Filter:
    """Return the filter a person typed; one that cannot be used lets everything through."""
    text = typed[:MAX_TYPED].strip().lower()
    inverse = text.startswith("!")
    text = text.removeprefix("!").lstrip()
    if not text:
        return Filter(typed, lambda _text: True, None, "words")
    if text.startswith("~"):
        letters = text.removeprefix("~").replace(" ", "")
        found = _pattern(".*?".join(map(re.escape, letters)), typed, "fuzzy")
    elif len(text) > 1 and text.startswith("/"):
        found = _pattern(text.strip("/"), typed, "pattern")
    elif _SIGNS.search(text):
        found = _pattern(text, typed, "pattern")
    else:
        words = text.split()
        pattern = re.compile("|".join(map(re.escape, words)), re.IGNORECASE)
        found = Filter(typed, lambda t: all(word in t for word in words), pattern, "words")
    if inverse and not found.error:
        test = found.test
        return Filter(typed, lambda t: not test(t), None, f"not {found.kind}")
    return found


def _pattern(source: str, typed: str, kind: str) -> Filter:
    if kind == "pattern" and _NESTED.search(source):
        # A pattern of such a form can take longer than the screen may wait.
        return _unusable(typed, "a repetition of a repetition is not allowed here")
    try:
        pattern = re.compile(source, re.IGNORECASE | re.MULTILINE)
    except re.error as error:
        return _unusable(typed, f"not a pattern: {error}")
    return Filter(typed, lambda t: pattern.search(t) is not None, pattern, kind)


def _unusable(typed: str, why: str) -> Filter:
    return Filter(typed, lambda _text: True, None, "nothing", safe(why))
