"""Reading GVariant data, strictly in normal form.

Owns bytes to values. GLib answers data that is not in normal form with silent defaults; here it
is `Damaged`: a framing offset outside its container or wider than needed, padding that is not
zero, a string without its NUL or not UTF-8, a boolean that is neither 0 nor 1, an unknown type.
A value is therefore accepted only in the one form `encode` writes, with two liberties GLib takes:
of dict entries with the same key the first counts, as `g_variant_lookup_value` has it; and a
tuple of nothing but empty members may be no bytes at all.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final, Literal, TypeAlias

from treering.core.errors import Damaged, LimitExceeded
from treering.core.gvariant.types import (
    MAX_DEPTH,
    MAX_TYPE_LENGTH,
    NUMBERS,
    Just,
    Raw,
    Type,
    Variant,
    is_object_path,
    is_signature,
    least_width,
    offset_width,
    parse,
)

Order = Literal["little", "big"]
_Way = Literal["little", "big", "raw"]

MAX_SIZE: Final = 128 << 20
"""Most bytes decoded at once: libostree's own cap on metadata objects (ostree-core.h)."""

_Decode: TypeAlias = Callable[[bytes, int, int, int], Any]
"""``(data, start, end, depth)``: the value that lies in ``data[start:end]``."""

_OFFSETS: Final = {1: "B", 2: "H", 4: "I", 8: "Q"}


def decode(type_string: str, data: bytes, *, order: Order = "little", limit: int = MAX_SIZE) -> Any:
    """Return the value of `type_string` serialised in `data`.

    `order` is that of the numbers; framing offsets are little-endian always. Raises `Damaged`
    when the data is not in normal form and `LimitExceeded` beyond `limit` bytes or
    `MAX_DEPTH` levels.
    """
    if len(data) > limit:
        raise LimitExceeded(f"GVariant data of {len(data)} bytes is larger than {limit}")
    return _decoder(type_string, order)(data, 0, len(data), 0)


def decode_raw(type_string: str, data: bytes, *, limit: int = MAX_SIZE) -> Any:
    """Return the value as `decode` does, with each variant left undecoded as a `Raw`.

    For dictionaries of which most values are not wanted. Errors as for `decode`; what lies in
    the variants is checked only when it is decoded.
    """
    if len(data) > limit:
        raise LimitExceeded(f"GVariant data of {len(data)} bytes is larger than {limit}")
    return _decoder(type_string, "raw")(data, 0, len(data), 0)


def raw_decoder(type_string: str) -> Callable[[bytes, int, int, int], Any]:
    """Return what `decode_raw` calls, for values that lie in larger data, already bounded.

    It takes ``(data, start, end, depth)``: the value in ``data[start:end]``, which is in `depth`
    containers. Errors as for `decode_raw`.
    """
    return _decoder(type_string, "raw")


def count(type_string: str, data: bytes) -> int:
    """Return how many elements an array has without decoding them. Raises `Damaged`."""
    kind = parse(type_string)
    if kind.code != "a":
        raise Damaged(f"{type_string} is no array")
    size = kind.members[0].size
    return len(data) // size if size else len(_ends(data, 0, len(data)))


@lru_cache(maxsize=256)
def _decoder(type_string: str, order: _Way) -> _Decode:
    return _build(parse(type_string), order)


@lru_cache(maxsize=256)
def _decoder_of_bytes(type_string: bytes, order: _Way) -> tuple[_Decode, str, int]:
    """Return the decoder of the type a variant names, its text and its depth."""
    try:
        text = type_string.decode("ascii")
    except UnicodeDecodeError as error:
        raise Damaged(f"not a GVariant type: {type_string[:100]!r}") from error
    return _decoder(text, order), text, parse(text).depth


def _build(kind: Type, order: _Way) -> _Decode:
    if kind.code in NUMBERS or kind.code == "d":
        return _number(kind, order)
    if kind.code == "b":
        return _boolean
    if kind.code in "sog":
        return _string(kind)
    if kind.code == "v":
        return _variant(order)
    if kind.code == "m":
        return _maybe(kind, order)
    return _array_of(kind, order) if kind.code == "a" else _tuple(kind, order)


def _number(kind: Type, order: _Way) -> _Decode:
    layout = struct.Struct((">" if order == "big" else "<") + NUMBERS.get(kind.code, "d"))
    size, unpack = layout.size, layout.unpack_from

    def number(data: bytes, start: int, end: int, _depth: int) -> Any:
        if end - start != size:
            raise Damaged(f"a number of {end - start} bytes where {size} are due")
        return unpack(data, start)[0]

    return number


def _boolean(data: bytes, start: int, end: int, _depth: int) -> bool:
    if end - start != 1 or data[start] > 1:
        raise Damaged("a boolean is neither 0 nor 1")
    return data[start] == 1


def _string(kind: Type) -> _Decode:
    check = {"o": is_object_path, "g": is_signature}.get(kind.code)

    def string(data: bytes, start: int, end: int, _depth: int) -> str:
        if start >= end or data.find(b"\0", start, end) != end - 1:
            raise Damaged("a string does not end with its only NUL")
        try:
            text = data[start : end - 1].decode()
        except UnicodeDecodeError as error:
            raise Damaged("a string is not UTF-8") from error
        if check is not None and not check(text):
            raise Damaged(f"not a value of type {kind.text}: {text[:100]!r}")
        return text

    return string


def _variant(order: _Way) -> _Decode:
    raw = order == "raw"

    def variant(data: bytes, start: int, end: int, depth: int) -> Variant | Raw:
        nul = data.rfind(b"\0", start, end)
        if nul < 0 or end - nul > MAX_TYPE_LENGTH:
            raise Damaged("a variant does not name its type")
        inner, text, levels = _decoder_of_bytes(data[nul + 1 : end], order)
        if depth + 1 + levels > MAX_DEPTH:
            raise LimitExceeded(f"GVariant data is nested deeper than {MAX_DEPTH}")
        if raw:
            return Raw(text, data[start:nul])
        return Variant(text, inner(data, start, nul, depth + 1))

    return variant


def _maybe(kind: Type, order: _Way) -> _Decode:
    (element,) = kind.members
    inner = _build(element, order)
    fixed, nested = element.size is not None, element.code == "m"

    def maybe(data: bytes, start: int, end: int, depth: int) -> Any:
        if start == end:
            return None
        if not fixed:
            end -= 1
            if data[end]:
                raise Damaged("a maybe does not end with its zero byte")
        value = inner(data, start, end, depth + 1)
        return Just(value) if nested else value

    return maybe


def _array_of(kind: Type, order: _Way) -> _Decode:
    (element,) = kind.members
    if element.code == "y":
        return lambda data, start, end, _depth: data[start:end]
    if element.code in NUMBERS or element.code == "d":
        return _numbers(element, order)
    array = _fixed_array(element, order) if element.size else _variable_array(element, order)
    if element.code != "{":
        return array

    def dictionary(data: bytes, start: int, end: int, depth: int) -> dict[Any, Any]:
        out: dict[Any, Any] = {}
        for key, value in array(data, start, end, depth):
            out.setdefault(key, value)
        return out

    return dictionary


def _numbers(element: Type, order: _Way) -> _Decode:
    size = element.size or 1
    layout = NUMBERS.get(element.code, "d")
    prefix = ">" if order == "big" else "<"

    def numbers(data: bytes, start: int, end: int, _depth: int) -> list[Any]:
        count, rest = divmod(end - start, size)
        if rest:
            raise Damaged("an array's size is no multiple of its element's")
        return list(struct.unpack_from(f"{prefix}{count}{layout}", data, start))

    return numbers


def _fixed_array(element: Type, order: _Way) -> _Decode:
    size = element.size or 1
    inner = _build(element, order)

    def fixed_array(data: bytes, start: int, end: int, depth: int) -> list[Any]:
        if (end - start) % size:
            raise Damaged("an array's size is no multiple of its element's")
        return [inner(data, at, at + size, depth + 1) for at in range(start, end, size)]

    return fixed_array


def _variable_array(element: Type, order: _Way) -> _Decode:
    inner = _build(element, order)
    align = element.align

    def variable_array(data: bytes, start: int, end: int, depth: int) -> list[Any]:
        out: list[Any] = []
        position = start
        for stop in _ends(data, start, end):
            if align > 1 and (position - start) % align:
                position = _skip_padding(data, start, position, align)
            after = start + stop
            if not position <= after <= end:
                raise Damaged("a framing offset is out of order")
            out.append(inner(data, position, after, depth + 1))
            position = after
        return out

    return variable_array


def _ends(data: bytes, start: int, end: int) -> Sequence[int]:
    """Return where each element of an array of variable size ends, counted from `start`."""
    size = end - start
    if not size:
        return ()
    width = offset_width(size)
    if width == 1:
        if data[end - 1] >= size:
            raise Damaged("an array's framing offsets do not fit its size")
        return data[start + data[end - 1] : end]
    body = int.from_bytes(data[end - width : end], "little")
    count, rest = divmod(size - body, width)
    if count < 1 or rest or least_width(body, count) != width:
        raise Damaged("an array's framing offsets do not fit its size")
    return struct.unpack_from(f"<{count}{_OFFSETS[width]}", data, start + body)


def _skip_padding(data: bytes, origin: int, position: int, align: int) -> int:
    """Return `position` moved up to the alignment of the next value."""
    after = position + (origin - position) % align
    if data[position:after].count(0) != after - position:
        raise Damaged("padding is missing or not zero")
    return after


def _tuple(kind: Type, order: _Way) -> _Decode:
    """Return the decoder of a tuple or a dict entry."""
    if kind.size is not None:
        return _fixed_tuple(kind, order)
    if kind.text == "{sv}" and order == "raw":
        return _raw_entry(_variable_tuple(kind, order))
    return _variable_tuple(kind, order)


def _variable_tuple(kind: Type, order: _Way) -> _Decode:
    plan = [(_build(m, order), m.align, m.size) for m in kind.members]
    last = len(plan) - 1
    framed = sum(m.size is None for m in kind.members[:-1])

    def variable_tuple(data: bytes, start: int, end: int, depth: int) -> tuple[Any, ...]:
        width = offset_width(end - start)
        table = end - framed * width
        if table < start or (width > 1 and framed and least_width(table - start, framed) != width):
            raise Damaged("a tuple's framing offsets do not fit its size")
        out: list[Any] = []
        position, offset = start, end
        for number, (inner, align, size) in enumerate(plan):
            if align > 1 and (position - start) % align:
                position = _skip_padding(data, start, position, align)
            if size is not None:
                stop = position + size
            elif number == last:
                stop = table
            else:
                offset -= width
                stop = start + (
                    data[offset]
                    if width == 1
                    else int.from_bytes(data[offset : offset + width], "little")
                )
            if not position <= stop <= table:
                raise Damaged("a framing offset is out of order")
            out.append(inner(data, position, stop, depth + 1))
            position = stop
        if position != table:
            raise Damaged("bytes are left over in a tuple")
        return tuple(out)

    return variable_tuple


def _raw_entry(general: _Decode) -> _Decode:
    """Return a quicker decoder of short ``{sv}`` entries; what is not plain goes to `general`."""

    def raw_entry(data: bytes, start: int, end: int, depth: int) -> Any:
        last = end - 1
        nul = data.find(b"\0", start, last)
        at = nul + 1 + (start - nul - 1) % 8
        stop = data.rfind(b"\0", at, last)
        if end - start > 0xFF or data[last] != nul + 1 - start or nul < start or stop < at:  # noqa: PLR2004 -- offsets of one byte
            return general(data, start, end, depth)
        _, text, levels = _decoder_of_bytes(data[stop + 1 : last], "raw")
        key = data[start:nul]
        if any(data[nul:at]) or depth + 2 + levels > MAX_DEPTH or not key.isascii():
            return general(data, start, end, depth)
        return key.decode(), Raw(text, data[at:stop])

    return raw_entry


def _fixed_tuple(kind: Type, order: _Way) -> _Decode:
    members: list[tuple[_Decode, int, int]] = []
    padding: list[int] = []
    at = 0
    for member in kind.members:
        padding += range(at, at + -at % member.align)
        at += -at % member.align
        stop = at + (member.size or 0)
        members.append((_build(member, order), at, stop))
        at = stop
    padding += range(at, kind.size or 1)
    due = kind.size

    def fixed_tuple(data: bytes, start: int, end: int, depth: int) -> tuple[Any, ...]:
        if end - start != due:
            raise Damaged(f"a tuple of {end - start} bytes where {due} are due")
        if any(data[start + p] for p in padding):
            raise Damaged("padding is not zero")
        return tuple([inner(data, start + a, start + b, depth + 1) for inner, a, b in members])

    return fixed_tuple
