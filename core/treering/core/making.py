"""Making many facts of one source at one moment, quickly where their text is plain.

Owns the short way to a fact: a copy of one that was checked, with parts that are known to be
good. What a `Maker` returns is what `NodeFact` and `EdgeFact` return for the same parts, and it
raises what they raise; any part it is not sure of goes to them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import methodcaller
from typing import Any, Final, cast

from msgspec.structs import force_setattr

from treering.core import ids
from treering.core.facts import EdgeFact, EdgeKind, Level, NodeFact, copies
from treering.core.ids import NodeId
from treering.core.text import MAX_CHARACTERS, Safe, safe

EdgeMaker = Callable[[Sequence[NodeId], Sequence[NodeId]], list[EdgeFact]]
"""From where edges start and where they end, in turn, to the edges."""

_MAX_KEPT: Final = 1024
_ANY: Final = ids.commit("0" * 64)
_TEXT: Final[frozenset[type]] = frozenset({str})

# `copy.copy` does the same, five times slower.
_node_like: Final = cast("Callable[[NodeFact], NodeFact]", methodcaller("__copy__"))
_edge_like: Final = cast("Callable[[EdgeFact], EdgeFact]", methodcaller("__copy__"))


class Maker:
    """Makes facts that share their source and moment; remembers the ids it made last."""

    def __init__(self, source: Safe, seen: float) -> None:
        self._like = NodeFact(_ANY, source, seen)
        self._good: set[NodeId] = set()

    def commits(self, checksums: Sequence[str]) -> list[NodeId]:
        """Return what `ids.commits` does, and remember them. Raises `Damaged` as that does."""
        nodes = ids.commits(checksums)
        if len(self._good) > _MAX_KEPT:
            self._good.clear()
        self._good.update(nodes)
        return nodes

    def nodes(
        self, nodes: Sequence[NodeId], labels: Sequence[str], attrs: Sequence[dict[str, Any]]
    ) -> list[NodeFact]:
        """Return the facts of some nodes, their labels made safe as attributes are.

        Raises as `NodeFact` does.
        """
        like = self._like
        copied = copies(attrs)
        if copied is None or not (self._good.issuperset(nodes) and _are_plain(labels)):
            parts = zip(nodes, labels, attrs, strict=True)
            return [NodeFact(n, like.source, like.seen, safe(label), of) for n, label, of in parts]
        facts = []
        for node, label, copy in zip(nodes, labels, copied, strict=True):
            fact = _node_like(like)
            force_setattr(fact, "id", node)
            force_setattr(fact, "label", label)
            force_setattr(fact, "attrs", copy)
            facts.append(fact)
        return facts

    def edges(self, kind: EdgeKind, level: Level, why: Safe) -> EdgeMaker:
        """Return what makes the edges of one kind and sentence; it raises as `EdgeFact` does."""
        good, source, seen = self._good, self._like.source, self._like.seen
        like = EdgeFact(_ANY, _ANY, kind, level, source, seen, why)

        def edges(starts: Sequence[NodeId], ends: Sequence[NodeId]) -> list[EdgeFact]:
            ways = zip(starts, ends, strict=True)
            if not (good.issuperset(starts) and good.issuperset(ends)):
                return [EdgeFact(s, e, kind, level, source, seen, why) for s, e in ways]
            facts = []
            for start, end in ways:
                fact = _edge_like(like)
                force_setattr(fact, "start", start)
                force_setattr(fact, "end", end)
                facts.append(fact)
            return facts

        return edges


def _are_plain(labels: Sequence[str]) -> bool:
    """Tell whether all labels together are short printable ASCII, safe as they are."""
    if not _TEXT.issuperset(map(type, labels)):
        return False
    text = "".join(labels)
    return text.isascii() and text.isprintable() and len(text) <= MAX_CHARACTERS
