"""Writing GVariant data in normal form.

Owns values to bytes, for recomputing checksums and for building objects. Touches no files.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Any, Literal

from treering.core.gvariant.types import (
    MAX_DEPTH,
    NUMBERS,
    Just,
    Type,
    Variant,
    is_object_path,
    is_signature,
    least_width,
    parse,
)

Order = Literal["little", "big"]


def encode(type_string: str, value: Any, *, order: Order = "little") -> bytes:
    """Return `value` serialised as `type_string`.

    `order` is that of the numbers; framing offsets are little-endian always. Mappings, and lists
    of pairs, may be given for arrays of dict entries. Raises `ValueError` for a value that is
    not of the type, `Damaged` or `LimitExceeded` for a string that is no type.
    """
    return _encode(parse(type_string), value, order, 0)


def _encode(kind: Type, value: Any, order: Order, depth: int) -> bytes:
    if depth + kind.depth > MAX_DEPTH:
        raise ValueError(f"nested deeper than {MAX_DEPTH}")
    try:
        return _WRITERS[kind.code](kind, value, order, depth)
    except (struct.error, TypeError, AttributeError) as error:
        raise ValueError(f"{value!r:.100} is not of type {kind.text}: {error}") from error


def _number(kind: Type, value: Any, order: Order, _depth: int) -> bytes:
    code = NUMBERS.get(kind.code, "d")
    return struct.pack((">" if order == "big" else "<") + code, value)


def _boolean(kind: Type, value: Any, _order: Order, _depth: int) -> bytes:
    if value not in (True, False):
        raise ValueError(f"{value!r:.100} is not of type {kind.text}")
    return b"\1" if value else b"\0"


def _string(kind: Type, value: Any, _order: Order, _depth: int) -> bytes:
    data: bytes = value.encode()
    checks = {"o": is_object_path, "g": is_signature}
    if b"\0" in data or not checks.get(kind.code, lambda _text: True)(value):
        raise ValueError(f"{value!r:.100} is not of type {kind.text}")
    return data + b"\0"


def _variant(_kind: Type, value: Any, order: Order, depth: int) -> bytes:
    if not isinstance(value, Variant):
        raise TypeError("expected a Variant")
    inner = _encode(parse(value.type), value.value, order, depth + 1)
    return inner + b"\0" + value.type.encode()


def _maybe(kind: Type, value: Any, order: Order, depth: int) -> bytes:
    if value is None:
        return b""
    (element,) = kind.members
    if element.code == "m":
        if not isinstance(value, Just):
            raise TypeError("a maybe of a maybe is None or a Just")
        value = value.value
    inner = _encode(element, value, order, depth + 1)
    return inner if element.size is not None else inner + b"\0"


def _array(kind: Type, value: Any, order: Order, depth: int) -> bytes:
    (element,) = kind.members
    if element.code == "y":
        if not isinstance(value, (bytes, bytearray)):
            raise TypeError("expected bytes")
        return bytes(value)
    items = value.items() if isinstance(value, Mapping) else value
    body = bytearray()
    ends: list[int] = []
    for item in items:
        body += bytes(-len(body) % element.align)
        body += _encode(element, item, order, depth + 1)
        ends.append(len(body))
    return bytes(body) if element.size is not None else _framed(body, ends)


def _tuple(kind: Type, value: Any, order: Order, depth: int) -> bytes:
    if len(value) != len(kind.members):
        raise TypeError(f"expected {len(kind.members)} members")
    body = bytearray()
    ends: list[int] = []
    for member, item in zip(kind.members, value, strict=True):
        body += bytes(-len(body) % member.align)
        body += _encode(member, item, order, depth + 1)
        if member.size is None:
            ends.append(len(body))
    if kind.size is not None:
        return bytes(body.ljust(kind.size, b"\0"))
    if kind.members[-1].size is None:
        ends.pop()
    return _framed(body, ends[::-1])


def _framed(body: bytearray, ends: list[int]) -> bytes:
    """Return `body` followed by the framing offsets `ends`."""
    width = least_width(len(body), len(ends))
    return bytes(body) + b"".join(end.to_bytes(width, "little") for end in ends)


_WRITERS: dict[str, Callable[[Type, Any, Order, int], bytes]] = {
    **dict.fromkeys([*NUMBERS, "d"], _number),
    **dict.fromkeys("sog", _string),
    "b": _boolean,
    "v": _variant,
    "m": _maybe,
    "a": _array,
    "(": _tuple,
    "{": _tuple,
}
