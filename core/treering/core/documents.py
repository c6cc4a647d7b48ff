"""Foreign JSON and JSON-shaped documents, read with limits.

Owns the one way from bytes someone else wrote to a Python value: bounded size, no duplicate
keys, no NaN, no endless numbers, no nesting that exhausts the stack. Callers hash the bytes
first and keep them as they are.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn, TypeVar

import msgspec

from treering.core.errors import Damaged, LimitExceeded

MAX_DOCUMENT = 4 * 1024 * 1024
"""Largest manifest, index or config in bytes, as container tools cap them."""

_MAX_DIGITS = 40
_MAX_DEPTH = 64

T = TypeVar("T")


def parse_json(data: bytes, what: str, limit: int = MAX_DOCUMENT) -> Any:
    """Return the JSON value in `data`; `what` names the document in errors.

    Raises `LimitExceeded` above `limit` bytes or 64 levels of nesting, and `Damaged` for
    anything RFC 8259 forbids, duplicate keys, NaN and numbers longer than 40 digits.
    """
    if len(data) > limit:
        raise LimitExceeded(f"{what} has {len(data)} bytes, more than {limit}")
    if data.count(b"{") + data.count(b"[") > _MAX_DEPTH:
        _check_depth(data, what)
    try:
        return json.loads(
            data.decode("utf-8"),
            object_pairs_hook=lambda pairs: _no_duplicates(pairs, what),
            parse_constant=lambda word: _refuse(what, f"{word} is not JSON"),
            parse_int=lambda digits: _number(digits, what),
        )
    except UnicodeDecodeError as error:
        raise Damaged(f"{what} is not UTF-8: byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise Damaged(f"{what} is not JSON: {error}") from error
    except RecursionError as error:
        raise LimitExceeded(f"{what} is nested too deep") from error


def parse_as(data: bytes, model: type[T], what: str, limit: int = MAX_DOCUMENT) -> T:
    """Return the JSON document in `data` as `model`, a msgspec struct.

    Raises as `parse_json` does, and `Damaged` where a field has the wrong type.
    """
    value = parse_json(data, what, limit)
    try:
        return msgspec.convert(value, model)
    except msgspec.ValidationError as error:
        raise Damaged(f"{what}: {error}") from error


def _no_duplicates(pairs: list[tuple[str, Any]], what: str) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        _refuse(what, f"the key {twice[:100]!r} stands twice in one object")
    return value


def _number(digits: str, what: str) -> int:
    if len(digits) > _MAX_DIGITS:
        _refuse(what, f"a number has {len(digits)} digits")
    return int(digits)


def _refuse(what: str, why: str) -> NoReturn:
    raise Damaged(f"{what}: {why}")


def _check_depth(data: bytes, what: str) -> None:
    """Raise `LimitExceeded` when brackets outside strings nest deeper than 64."""
    depth = 0
    for token in _TOKENS.finditer(data):
        first = token[0][:1]
        if first in b"{[":
            depth += 1
            if depth > _MAX_DEPTH:
                raise LimitExceeded(f"{what} is nested deeper than {_MAX_DEPTH}")
        elif first in b"}]":
            depth -= 1


_TOKENS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?|[{\[}\]]', re.DOTALL)
"""A string, ended or not, or a bracket."""
