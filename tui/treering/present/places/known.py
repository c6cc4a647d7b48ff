"""What places say of one node: name, states, time, in few steps.

Owns the quick look at a node that a list of a hundred thousand needs; `core.graph.Graph.node` is
the thorough one. Also the order of names and what common words are made of.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from treering.core import ids
from treering.core.facts import EdgeKind
from treering.core.graph import Graph
from treering.core.ids import Kind, NodeId
from treering.core.text import Safe, safe

_NOTHING = Safe("")
_NOT_SEEN = ("not seen",)


ORDER = (
    Kind.TAG,
    Kind.REF,
    Kind.HOST,
    Kind.DEPLOYMENT,
    Kind.CONTAINER,
    Kind.WORKLOAD,
    Kind.REVISION,
    Kind.STAGE,
    Kind.INDEX,
    Kind.IMAGE,
    Kind.COMMIT,
    Kind.SOURCE,
    Kind.BUILD,
    Kind.ATTESTATION,
    Kind.ACI,
    Kind.LXC,
    Kind.LAYER,
)
"""Kinds of nodes as lists have them: names first, layers last."""


class Known(NamedTuple):
    """A node in short; `sources` are those that described it."""

    label: Safe
    attrs: Mapping[str, Any]
    words: tuple[str, ...]
    sources: tuple[Safe, ...]


def known(graph: Graph, node: NodeId) -> Known:
    """Return a node in short; one the graph does not hold is not seen."""
    facts = graph.facts_of(node)
    if len(facts) == 1:
        fact = facts[0]
        attrs = fact.attrs
        sound = fact.present and not ("damaged" in attrs or "tombstone" in attrs)
        words = () if sound else conditions(attrs, gone=not fact.present)
        return Known(fact.label or short(node), attrs, words, _sources(fact.source))
    if not facts:
        return Known(short(node), {}, _NOT_SEEN, ())
    whole = graph.node(node)
    sources = tuple(sorted({fact.source for fact in facts}))
    return Known(whole.label, whole.attrs, whole.conditions, sources)


@lru_cache(maxsize=256)
def _sources(source: Safe) -> tuple[Safe, ...]:
    """Return one source as a tuple that all its nodes share."""
    return (source,)


def conditions(attrs: Mapping[str, Any], *, gone: bool) -> tuple[str, ...]:
    """Return the words for what is not as it should be (as `core.graph.Node.conditions`)."""
    words = []
    if attrs.get("damaged"):
        words.append("damaged")
    if attrs.get("tombstone"):
        words.append("deleted")
    if gone:
        words.append("gone")
    return tuple(words)


def short(node: NodeId) -> Safe:
    """Return what a node without a label is called: its digest or checksum in 12 digits."""
    rest = node.partition(":")[2]
    if node.startswith(_HASHED):
        return safe(rest.rpartition(":")[2][:12])
    return safe(ids.short(rest))


_HASHED = ("layer:", "image:", "index:", "attestation:", "commit:", "git:")


def digits(node: NodeId) -> str:
    """Return the first 12 hex digits of a content-addressed id; of another, nothing."""
    return short(node) if node.startswith(_HASHED) else ""


def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key by which 1.9 comes before 1.10."""
    return tuple(
        (1, int(p), "") if p.isdecimal() and p.isascii() else (0, 0, p) for p in _DIGITS.split(text)
    )


_DIGITS = re.compile(r"([0-9]{1,18})")


def live(graph: Graph, node: NodeId, kind: EdgeKind) -> list[NodeId]:
    """Return the ends of the edges of one kind that still hold."""
    return [edge.end for edge in graph.edges_from(node, frozenset({kind})) if not edge.gone]


def coming(graph: Graph, node: NodeId, kind: EdgeKind) -> list[NodeId]:
    """Return the starts of the edges of one kind that still hold."""
    return [edge.start for edge in graph.edges_to(node, frozenset({kind})) if not edge.gone]


def count(number: int, one: str, many: str = "") -> Safe:
    """Return a number with its noun: ``1 tag``, ``2 tags``."""
    return safe(f"{number} {one if number == 1 else many or one + 's'}")


def day(seconds: object) -> Safe:
    """Return the day of a time in seconds, UTC; "" for what is no time."""
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        return _NOTHING
    try:
        return safe(datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d"))
    except (ValueError, OverflowError, OSError):
        return _NOTHING
