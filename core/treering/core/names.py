"""Names: from what a person types to one node, or to the list of what it could mean.

Owns name resolution and search. A NODE is an id, a unique digest or checksum prefix of 7 or
more hex digits, or ``<source>/<name>`` (contract, section 5). Nothing is guessed: several
matches are reported, never picked from.
"""

from __future__ import annotations

import difflib
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator

from treering.core import ids
from treering.core.errors import AmbiguousName, UnknownName
from treering.core.graph import Graph, paused_collector
from treering.core.ids import NodeId
from treering.core.text import safe

_HEX = re.compile(r"(?:sha(?:256|512)[:-])?([0-9a-f]{7,128})")
_MAX_CANDIDATES = 20


class Names:
    """The names of a graph's nodes, indexed once; make a new one when the graph changed."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._exact: dict[str, set[NodeId]] = {}
        self._short: dict[str, set[NodeId]] = {}
        self._hexes: list[tuple[str, NodeId]] = []
        with paused_collector():
            self._index(graph)

    def _index(self, graph: Graph) -> None:
        hexes = self._hexes
        for node in graph.ids():
            rest = ids.content_of(node)
            if node.startswith(_HASHED):
                hexes.append((rest.rpartition(":")[2], node))
            else:
                self._exact.setdefault(rest, set()).add(node)
                for name in _short_forms(node, rest):
                    self._short.setdefault(name, set()).add(node)
            for fact in graph.facts_of(node):
                hexes.extend((digest.rpartition(":")[2], node) for digest in fact.same)
                for text in fact.names:
                    self._add_name(text, node, hexes)
                if fact.label and not node.startswith(_HASHED):
                    self._exact.setdefault(fact.label, set()).add(node)
                    if node.startswith("container:"):
                        self._add_container(fact.label, node, rest, hexes)
        hexes.sort()

    def _add_name(self, text: str, node: NodeId, hexes: list[tuple[str, NodeId]]) -> None:
        self._exact.setdefault(text, set()).add(node)
        match = _HEX.fullmatch(text.rpartition("@")[2])
        if match:
            hexes.append((match.group(1), node))

    def _add_container(
        self, label: str, node: NodeId, rest: str, hexes: list[tuple[str, NodeId]]
    ) -> None:
        source, _, number = rest.rpartition("/")
        self._exact.setdefault(f"{source}/{label}", set()).add(node)
        hexes.append((number, node))

    def resolve(self, text: str) -> NodeId:
        """Return the node called `text`.

        Raises `UnknownName` with near names, or `AmbiguousName` with the ids of all matches.
        """
        found = self.matches(text)
        if len(found) == 1:
            return found[0]
        if found:
            shown = tuple(found[:_MAX_CANDIDATES])
            more = f" and {len(found) - len(shown)} more" if len(found) > len(shown) else ""
            raise AmbiguousName(
                f"{safe(text, 200)} could be {len(found)} things{more}",
                "use one of the ids below, or more digits",
                shown,
            )
        raise UnknownName(
            f"nothing here is called {safe(text, 200)}",
            "`treering find TEXT` searches; names look like SOURCE/NAME, or 7+ digits of a digest",
            self.near(text),
        )

    def matches(self, text: str) -> list[NodeId]:
        """Return the nodes `text` may name, best kind of match first and alone."""
        if ids.is_node_id(text):
            node = self.graph.canonical(NodeId(text))
            if node in self.graph:
                return [node]
        named = self._exact.get(text) or self._short.get(text) or set()
        kind, _, rest = text.partition(":")
        match = _HEX.fullmatch(rest if rest and kind in _HASHED_KINDS else text)
        if match is None:
            return sorted(named)
        # A thing may be called like the beginning of a digest; then both are meant.
        called = {node for node in named if not node.startswith(_HASHED)}
        hashed = self._by_prefix(match.group(1), kind if match.string != text else "")
        return sorted(called.union(hashed))

    def _by_prefix(self, prefix: str, kind: str) -> list[NodeId]:
        found: set[NodeId] = set()
        at = bisect_left(self._hexes, (prefix,))
        for number, node in self._hexes[at:]:
            if not number.startswith(prefix):
                break
            if not kind or node.startswith(kind + ":"):
                found.add(node)
        if len(found) > 1:
            found = self._own(found, prefix) or found
        return sorted(found)

    def _own(self, found: set[NodeId], prefix: str) -> set[NodeId]:
        """Keep described nodes whose own id begins so, where others only go by that name."""
        return {
            n
            for n in found
            if ids.content_of(n).rpartition(":")[2].startswith(prefix) and self.graph.knows(n)
        }

    def near(self, text: str) -> tuple[str, ...]:
        """Return names that look like `text`."""
        spoken = [n for n in self._exact if len(n) < _LONG_NAME]
        inside = sorted((n for n in spoken if text in n), key=len)[:5]
        return tuple(inside or difflib.get_close_matches(text, spoken[:20_000], 5, 0.6))

    def beginning(self, prefix: str) -> list[str]:
        """Return the ``SOURCE/NAME`` names that begin with `prefix`, sorted."""
        return sorted(n for n in self._exact if n.startswith(prefix) and "/" in n)

    def find(self, text: str) -> Iterator[NodeId]:
        """Yield the nodes whose id, digest, name or label contains `text`, ids in order.

        Case does not count.
        """
        wanted = text.lower()
        for node in sorted(self.graph.ids()):
            if any(wanted in word.lower() for word in self._words(node)):
                yield node

    def _words(self, node: NodeId) -> Iterable[str]:
        yield node
        rest = ids.content_of(node)
        if not node.startswith(_HASHED):
            yield from _short_forms(node, rest)
        for fact in self.graph.facts_of(node):
            yield fact.label
            yield from fact.names
            yield from fact.same
            labels = fact.attrs.get("labels")
            if isinstance(labels, dict):
                yield from (f"{key}={value}" for key, value in labels.items())


_HASHED = ("layer:", "image:", "index:", "attestation:", "git:", "commit:", "aci:")
_HASHED_KINDS = {prefix.rstrip(":") for prefix in _HASHED}
_LONG_NAME = 200


def _short_forms(node: NodeId, rest: str) -> list[str]:
    """Return how people say a tag for short; the whole name of another counts before these."""
    names = []
    if node.startswith("tag:"):
        place, _, tag = rest.rpartition(":")
        if "/" not in place:
            names.append(f"{place}/{tag}")
        else:
            source, _, repository = place.partition("/")
            names += [f"{source}/{short}:{tag}" for short in _without_host(repository)]
    return names


def _without_host(repository: str) -> list[str]:
    """Return a repository without its registry host, and without Docker Hub's ``library/``."""
    host, _, rest = repository.partition("/")
    if not rest or not ("." in host or ":" in host or host == "localhost"):
        return []
    short = [rest]
    if rest.startswith("library/"):
        short.append(rest.removeprefix("library/"))
    return short
