"""Facts: one node or one edge, as one source saw it at one moment.

Owns the only thing that flows from adapters. A recording is a file of facts; a remote host is a
stream of them. Making a fact makes every text in it safe, whoever makes it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from threading import get_ident
from typing import Any

import msgspec

from treering.core.errors import Damaged
from treering.core.ids import Digest, NodeId, is_digest
from treering.core.ids import parse as parse_id
from treering.core.text import MAX_CHARACTERS, Safe, is_safe, safe


class EdgeKind(StrEnum):
    """Kinds of edges; each points from a thing to what it came from or rests on."""

    CONTAINS = "contains"
    LISTS = "lists"
    BASED_ON = "based-on"
    POINTS_AT = "points-at"
    BUILT_FROM = "built-from"
    BUILT_BY = "built-by"
    PARENT = "parent"
    LAYERED_ON = "layered-on"
    IMPORTED_FROM = "imported-from"
    ENCAPSULATES = "encapsulates"
    SAME_TREE = "same-tree"
    RUNS = "runs"
    ON = "on"
    OF = "of"
    SUPERSEDES = "supersedes"
    PROMOTED_FROM = "promoted-from"
    ATTESTS = "attests"
    SERVES = "serves"
    DEPENDS_ON = "depends-on"
    CLONE_OF = "clone-of"


class Level(StrEnum):
    """How well an edge is known. Compare levels by `rank`."""

    EXACT = "exact"
    ATTESTED = "attested"
    DECLARED = "declared"
    INFERRED = "inferred"

    @property
    def rank(self) -> int:
        """3 for content-addressed proof down to 0 for a guess from names or times."""
        return _RANK[self]


_RANK = {Level.EXACT: 3, Level.ATTESTED: 2, Level.DECLARED: 1, Level.INFERRED: 0}


class NodeFact(
    msgspec.Struct, frozen=True, tag_field="fact", tag="node", omit_defaults=True, gc=False
):
    """A node as one source saw it.

    `same` holds digests that name exactly this node (an image's manifest digests); a node known
    elsewhere only by one of them is this node. `names` holds further text it can be looked up
    by and which others may share (repo digests, chain ids, short names). `seen` is seconds since
    the epoch. `present` is false once the source says that the thing is gone.
    """

    id: NodeId
    source: Safe
    seen: float
    label: Safe = Safe("")
    attrs: dict[str, Any] = {}
    same: tuple[Digest, ...] = ()
    names: tuple[Safe, ...] = ()
    present: bool = True

    def __post_init__(self) -> None:
        """Make every text safe and check the digests. Raises `Damaged`."""
        if _IN_BULK and get_ident() in _IN_BULK:
            return
        if self.id not in _GOOD_IDS:
            _check_id(self.id)
        for alias in self.same:
            if not is_digest(alias):
                raise Damaged(f"not a digest: {alias[:100]!r}")
        put = msgspec.structs.force_setattr
        if self.source not in _GOOD_TEXTS:
            put(self, "source", _safe_text(self.source))
        label = self.label
        if not (label.isascii() and label.isprintable() and len(label) <= _MAX_ID):
            put(self, "label", safe(label))
        if self.names:
            put(self, "names", tuple(map(safe, self.names)))
        if self.attrs:
            put(self, "attrs", _copy(self.attrs))


class EdgeFact(
    msgspec.Struct, frozen=True, tag_field="fact", tag="edge", omit_defaults=True, gc=False
):
    """An edge as one source saw it: `start` came from, or rests on, `end`.

    `why` is the sentence of evidence behind `level`. `position` counts layers from 0 at the
    bottom of an image, and is meaningful for ``contains`` and ``lists`` only.
    """

    start: NodeId = msgspec.field(name="from")
    end: NodeId = msgspec.field(name="to")
    kind: EdgeKind
    level: Level
    source: Safe
    seen: float
    why: Safe = Safe("")
    position: int | None = None
    present: bool = True

    def __post_init__(self) -> None:
        """Make every text safe. Raises `Damaged` for an end that is no node id."""
        if _IN_BULK and get_ident() in _IN_BULK:
            return
        # This runs for each of hundreds of thousands of edges; most repeat an id and a sentence.
        if self.start not in _GOOD_IDS:
            _check_id(self.start)
        if self.end not in _GOOD_IDS:
            _check_id(self.end)
        if self.source not in _GOOD_TEXTS:
            msgspec.structs.force_setattr(self, "source", _safe_text(self.source))
        if self.why not in _GOOD_TEXTS:
            msgspec.structs.force_setattr(self, "why", _safe_text(self.why))


Fact = NodeFact | EdgeFact
"""What flows from adapters."""

_MAX_DEPTH = 32
_MAX_ID = 4096
_MAX_KEPT = 8192


def safe_value(value: Any, depth: int = 0) -> Any:
    """Return a JSON value with every text and key in it safe.

    Raises `Damaged` for a value nested deeper than 32 or of a type JSON does not have.
    """
    if isinstance(value, str):
        return safe(value)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if depth >= _MAX_DEPTH:
        raise Damaged(f"an attribute is nested deeper than {_MAX_DEPTH}")
    if isinstance(value, Mapping):
        return {safe(k): safe_value(v, depth + 1) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [safe_value(v, depth + 1) for v in value]
    raise Damaged(f"an attribute is a {type(value).__name__}, not a JSON value")


def _copy(value: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of an object with every text safe. Raises `Damaged` as `safe_value` does."""
    try:
        data = _ENCODE(value)
    except _NOT_JSON:
        return dict(safe_value(value))
    # As `_shows` tells; a call would cost as much as the look.
    if data.isascii() and b"\\" not in data and b"\x7f" not in data and len(data) <= _MAX_ID:
        copy: dict[str, Any] = _DECODE(data)
        # What does not come back equal is of no JSON type.
        if copy == value and data.count(b"[") + data.count(b"{") <= _MAX_DEPTH:
            return copy
    return dict(safe_value(value))


def copies(values: Sequence[dict[str, Any]]) -> list[dict[str, Any]] | None:
    """Return copies of objects whose every text is safe as it is; None when any may not be so."""
    try:
        data = _ENCODE(values)
    except _NOT_JSON:
        return None
    if len(data) > MAX_CHARACTERS or not _shows(data):
        return None
    made: list[dict[str, Any]] = _DECODE(data)
    if made != values or not _OBJECTS.issuperset(map(type, made)):
        return None
    # Without other brackets than those around, nothing is nested.
    flat = data.find(b"[", 1) < 0 and data.count(b"{") == len(made)
    return made if flat or not any(map(_is_deep, made)) else None


def _shows(data: bytes) -> bool:
    """Tell whether every text in some JSON is printable ASCII.

    JSON writes control characters with a backslash and leaves only DEL.
    """
    return data.isascii() and b"\\" not in data and b"\x7f" not in data


_ENCODE = msgspec.json.Encoder().encode
_DECODE = msgspec.json.Decoder().decode
_NOT_JSON = (TypeError, ValueError, ArithmeticError, RecursionError, msgspec.MsgspecError)


def _safe_text(text: str) -> Safe:
    """Return a text safe and keep it in mind: sources and sentences come again and again."""
    shown = safe(text)
    if len(shown) <= _MAX_ID:
        if len(_GOOD_TEXTS) >= _MAX_KEPT:
            _GOOD_TEXTS.clear()
        _GOOD_TEXTS.add(shown)
    return shown


def _check_id(node: NodeId) -> None:
    """Raise `Damaged` unless `node` is a safe id; keep it in mind if it is."""
    if not (_HASHED.match(node) or _is_good(node)):
        parse_id(node[:_MAX_ID])
        raise Damaged(f"not a safe node id: {safe(node, 100)}")
    if len(_GOOD_IDS) >= _MAX_KEPT:
        _GOOD_IDS.clear()
    _GOOD_IDS.add(node)


def _is_good(node: NodeId) -> bool:
    """Tell whether `node` obeys its kind's grammar and every character of it shows."""
    if _HASHED.match(node):
        return True
    return bool(_NAMED.match(node)) and len(node) <= _MAX_ID and is_safe(node)


_HASHED = re.compile(
    r"(?:commit:[0-9a-f]{64}|git:[0-9a-f]{40}(?:[0-9a-f]{24})?"
    r"|(?:layer|image|index|attestation):sha(?:256:[0-9a-f]{64}|512:[0-9a-f]{128}))\Z"
)
_NAMED = re.compile(
    r"(?:tag|build|ref|host|deployment|container|workload|revision|stage|aci|lxc):."
)
_GOOD_IDS: set[str] = set()
_GOOD_TEXTS: set[str] = set()


class Lines:
    """Many facts as lines of JSON, checked together where they can be.

    For one reading: it remembers the ids it found good.
    """

    def __init__(self, kinds: Any) -> None:
        self._decode = msgspec.json.Decoder(kinds).decode_lines
        self._good: set[str] = set()

    def decode(self, data: bytes) -> list[Any] | None:
        """Return what the lines hold; None when they must be read one by one.

        Lines that hold nothing but printable ASCII need no look at each text.
        """
        try:
            if len(data) > MAX_CHARACTERS or not _shows(data):
                return self._decode(data)
            _IN_BULK.add(get_ident())
            try:
                things = self._decode(data)
            finally:
                _IN_BULK.discard(get_ident())
        except (msgspec.MsgspecError, ValueError, RecursionError, Damaged):
            return None
        return things if self._are_good(things) else None

    def _are_good(self, things: list[Any]) -> bool:
        """Tell whether the ids, digests and depths in `things` are what they must be."""
        good, learns = self._good, self._learns
        for thing in things:
            if isinstance(thing, EdgeFact):
                if not (thing.start in good or learns(thing.start)):
                    return False
                if not (thing.end in good or learns(thing.end)):
                    return False
            elif isinstance(thing, NodeFact):
                if not (thing.id in good or learns(thing.id)):
                    return False
                if thing.same and not all(map(is_digest, thing.same)):
                    return False
                if thing.attrs and _is_deep(thing.attrs):
                    return False
        return True

    def _learns(self, node: NodeId) -> bool:
        good = _is_good(node)
        if good:
            self._good.add(node)
        return good


def _is_deep(value: Any, depth: int = 1) -> bool:
    """Tell whether a JSON value is nested deeper than attributes may be."""
    for inner in value.values() if isinstance(value, dict) else value:
        if type(inner) in _NESTED and (depth >= _MAX_DEPTH or _is_deep(inner, depth + 1)):
            return True
    return False


_OBJECTS: frozenset[type] = frozenset({dict})
_NESTED: frozenset[type] = frozenset({dict, list})
_IN_BULK: set[int] = set()
"""Threads that decode lines whose text `Lines` looks at as a whole."""
