"""Facts: one node or one edge, as one source saw it at one moment.

Owns the only thing that flows from adapters. A recording is a file of facts; a remote host is a
stream of them. Making a fact makes every text in it safe, whoever makes it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

from treering.core.errors import Damaged
from treering.core.ids import Digest, NodeId, is_digest
from treering.core.ids import parse as parse_id
from treering.core.text import Safe, safe


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
        plain = _plain(self.id + self.source + self.label)
        if not (plain and _ID.match(self.id)):
            _check_id(self.id)
        for alias in self.same:
            if not is_digest(alias):
                raise Damaged(f"not a digest: {alias[:100]!r}")
        put = msgspec.structs.force_setattr
        if not plain:
            put(self, "source", safe(self.source))
            put(self, "label", safe(self.label))
        if self.names:
            put(self, "names", tuple(map(safe, self.names)))
        if self.attrs:
            copy = _plain_copy(self.attrs)
            put(self, "attrs", safe_value(self.attrs) if copy is None else copy)


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
        # One test over everything: this runs for each of hundreds of thousands of edges.
        start, end = self.start, self.end
        if _plain(start + end + self.source + self.why) and _ID.match(start) and _ID.match(end):
            return
        _check_id(start)
        _check_id(end)
        put = msgspec.structs.force_setattr
        if not _plain(self.source):
            put(self, "source", safe(self.source))
        if not _plain(self.why):
            put(self, "why", safe(self.why))


Fact = NodeFact | EdgeFact
"""What flows from adapters."""

_MAX_DEPTH = 32


def safe_value(value: Any, depth: int = 0) -> Any:
    """Return a JSON value with every text and key in it safe.

    Raises `Damaged` for a value nested deeper than 32 or of a type JSON does not have.
    """
    if isinstance(value, str):
        return value if _plain(value) else safe(value)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if depth >= _MAX_DEPTH:
        raise Damaged(f"an attribute is nested deeper than {_MAX_DEPTH}")
    if isinstance(value, Mapping):
        return {(k if _plain(k) else safe(k)): safe_value(v, depth + 1) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [safe_value(v, depth + 1) for v in value]
    raise Damaged(f"an attribute is a {type(value).__name__}, not a JSON value")


def _plain_copy(value: dict[str, Any]) -> dict[str, Any] | None:
    """Return a copy of a JSON object whose text is all printable ASCII; else None, quickly.

    Its encoding tells: JSON writes control characters with a backslash and leaves only DEL. A
    value that does not come back equal is of no JSON type.
    """
    try:
        data = _ENCODE(value)
    except (TypeError, RecursionError, UnicodeEncodeError):
        return None
    if not data.isascii() or b"\\" in data or b"\x7f" in data or len(data) > _MAX_ID:
        return None
    copy: dict[str, Any] = _DECODE(data)
    nested = data.count(b"[") + data.count(b"{")
    return copy if nested <= _MAX_DEPTH and copy == value else None


_DECODE = msgspec.json.Decoder().decode
_ENCODE = msgspec.json.Encoder().encode


def _plain(text: str) -> bool:
    """Tell quickly whether `text` is short printable ASCII, safe as it is."""
    return text.isascii() and text.isprintable() and len(text) <= _MAX_ID


_MAX_ID = 4096


def _check_id(node: NodeId) -> None:
    if not node.isprintable() or len(node) > _MAX_ID or not _ID.match(node):
        parse_id(node[:_MAX_ID])
        raise Damaged(f"not a safe node id: {safe(node, 100)}")


_ID = re.compile(
    r"(?:(?:layer|image|index|attestation):sha(?:256:[0-9a-f]{64}|512:[0-9a-f]{128})\Z"
    r"|commit:[0-9a-f]{64}\Z|git:[0-9a-f]{40}(?:[0-9a-f]{24})?\Z"
    r"|(?:tag|build|ref|host|deployment|container|workload|revision|stage|aci|lxc):.)"
)
