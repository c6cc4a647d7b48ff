"""GVariant type strings: their grammar, alignment and fixed sizes.

Owns the parsed form of a type string and what the layout rules derive from it. Reads no data.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

from treering.core.errors import Damaged, LimitExceeded

MAX_DEPTH: Final = 64
"""Deepest nesting of containers, variants included; GLib itself stops at 128."""

MAX_TYPE_LENGTH: Final = 1024
"""Longest type string; the longest libostree has is 67 characters."""

NUMBERS: Final = {"y": "B", "n": "h", "q": "H", "i": "i", "u": "I", "x": "q", "t": "Q", "h": "i"}
"""Integer types by type character, as `struct` formats. ``d`` is a double."""

_FIXED: Final = {"y": 1, "b": 1, "n": 2, "q": 2, "i": 4, "u": 4, "h": 4, "x": 8, "t": 8, "d": 8}
_BASIC: Final = frozenset("ybnqiuxthdsog")
_CLOSING: Final = {"(": ")", "{": "}"}


class Variant(NamedTuple):
    """A value that carries its own type: the type string and the value."""

    type: str
    value: Any


class Raw(NamedTuple):
    """A variant left as it lies: its type string and the bytes, not yet looked at."""

    type: str
    data: bytes


class Just(NamedTuple):
    """A maybe that is there, where its element is a maybe too and may itself be nothing."""

    value: Any


@dataclass(frozen=True, slots=True)
class Type:
    """A parsed type.

    `code` is the type character, ``(`` for a tuple, ``{`` for a dict entry. `align` is in bytes,
    `size` in bytes or None when it varies, `depth` how many containers are nested in it.
    """

    text: str
    code: str
    align: int
    size: int | None
    members: tuple[Type, ...] = ()
    depth: int = 0


@lru_cache(maxsize=256)
def parse(text: str) -> Type:
    """Return the parsed form of one complete, definite type.

    Raises `Damaged` for anything else, `LimitExceeded` when it is too long or too deep.
    """
    if len(text) > MAX_TYPE_LENGTH:
        raise LimitExceeded(f"a GVariant type is longer than {MAX_TYPE_LENGTH} characters")
    kind, end = _scan(text, 0, 0)
    if end != len(text):
        raise Damaged(f"not one GVariant type: {text[:100]!r}")
    return kind


def is_signature(text: str) -> bool:
    """Tell whether `text` is a value of type ``g``: D-Bus types (no maybe) one after another."""
    position = 0
    try:
        while position < len(text):
            position = _scan(text, position, 0)[1]
    except (Damaged, LimitExceeded):
        return False
    return "m" not in text


def is_object_path(text: str) -> bool:
    """Tell whether `text` is a value of type ``o``: ``/`` or ``/name/name`` of ``[A-Za-z0-9_]``."""
    if text == "/":
        return True
    parts = text.split("/")
    return len(parts) > 1 and not parts[0] and all(map(_is_path_name, parts[1:]))


def offset_width(size: int) -> int:
    """Return the width in bytes of the framing offsets of a container of `size` bytes."""
    if size <= 0xFF:  # noqa: PLR2004 -- the widths are those of the specification
        return 1 if size else 0
    return 2 if size <= 0xFFFF else 4 if size <= 0xFFFF_FFFF else 8  # noqa: PLR2004 -- as above


def least_width(body: int, count: int) -> int:
    """Return the smallest width with which `count` offsets after `body` bytes can be written."""
    for width in (1, 2, 4):
        if body + count * width < 1 << (8 * width):
            return width
    return 8


def _is_path_name(name: str) -> bool:
    return name.isascii() and name.replace("_", "a").isalnum()


def _scan(text: str, start: int, depth: int) -> tuple[Type, int]:
    """Return the complete type at `start` and the position after it."""
    if depth > MAX_DEPTH:
        raise LimitExceeded(f"a GVariant type is nested deeper than {MAX_DEPTH}")
    code = text[start : start + 1]
    if code in _FIXED:
        return Type(code, code, _FIXED[code], _FIXED[code]), start + 1
    if code and code in "sogv":
        return Type(code, code, 8 if code == "v" else 1, None, (), int(code == "v")), start + 1
    if code and code in "am":
        element, end = _scan(text, start + 1, depth + 1)
        return Type(text[start:end], code, element.align, None, (element,), element.depth + 1), end
    if code and code in _CLOSING:
        return _scan_members(text, start, depth)
    raise Damaged(f"not a GVariant type: {text[:100]!r}")


def _scan_members(text: str, start: int, depth: int) -> tuple[Type, int]:
    """Return the tuple or dict entry at `start` and the position after it."""
    code = text[start]
    members: list[Type] = []
    position = start + 1
    while text[position : position + 1] != _CLOSING[code]:
        member, position = _scan(text, position, depth + 1)
        members.append(member)
    if code == "{" and (len(members) != 2 or members[0].code not in _BASIC):  # noqa: PLR2004 -- key and value
        raise Damaged(f"not a GVariant dict entry: {text[start : position + 1][:100]!r}")
    kind = Type(
        text[start : position + 1],
        code,
        max((m.align for m in members), default=1),
        _fixed_size(members),
        tuple(members),
        1 + max((m.depth for m in members), default=0),
    )
    return kind, position + 1


def _fixed_size(members: list[Type]) -> int | None:
    """Return the size of a tuple of `members` with its padding, or None when it varies."""
    size, align = 0, 1
    for member in members:
        if member.size is None:
            return None
        size += -size % member.align + member.size
        align = max(align, member.align)
    return size + -size % align or 1
