"""The place `images`: tags by repository, and the images that no tag names.

Owns that grouping and digest truth: a tag that names another digest elsewhere says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from treering.core import ids
from treering.core.facts import EdgeKind
from treering.core.graph import Graph
from treering.core.ids import Kind, NodeId
from treering.core.text import Safe, safe
from treering.present.places.items import MANY, Item, branch
from treering.present.places.known import count, digits, known, live, natural

_POINTS = frozenset({EdgeKind.POINTS_AT})
DIFFERS = "differs"
"""The same name has another digest in another source."""
MOVED = "moved"
"""The name had another digest before."""


@dataclass(frozen=True, slots=True)
class Name:
    """A tag: where it stands, what it is called, what it names now."""

    node: NodeId
    source: Safe
    repository: str
    tag: str
    ends: tuple[NodeId, ...]
    words: tuple[str, ...]


def items(graph: Graph) -> list[Item]:
    """Return repositories with their tags, newest first, then the images without a tag."""
    names = [name_of(graph, node) for node in graph.of_kind(Kind.TAG)]
    apart = differing(graph, names)
    groups: dict[tuple[Safe, str], list[Name]] = {}
    for name in names:
        groups.setdefault((name.source, name.repository), []).append(name)
    drawn = [
        item
        for place in sorted(groups, key=lambda p: natural(f"{p[0]}/{p[1]}"))
        for item in _repository(graph, *place, groups[place], apart)
    ]
    return drawn + _untagged(graph, {end for name in names for end in name.ends})


def name_of(graph: Graph, node: NodeId) -> Name:
    """Return a tag with what it names now."""
    found = known(graph, node)
    place, _, last = ids.content_of(node).rpartition(":")
    source = found.sources[0] if found.sources else safe(place.partition("/")[0])
    repository, tag = found.attrs.get("repository"), found.attrs.get("tag")
    if not (isinstance(repository, str) and isinstance(tag, str)):
        repository, tag = place.removeprefix(source).removeprefix("/"), last
    edges = graph.edges_from(node, _POINTS)
    ends = tuple(edge.end for edge in edges if not edge.gone)
    words = (MOVED,) if ends and len(ends) < len(edges) else ()
    return Name(node, source, repository, tag, ends, (*words, *found.words))


def differing(graph: Graph, names: Iterable[Name]) -> dict[NodeId, list[Name]]:
    """Return for each tag the same tags in other sources that name nothing it names."""
    alike: dict[tuple[str, str], list[Name]] = {}
    for name in names:
        if name.ends:
            alike.setdefault((bare(name.repository), name.tag), []).append(name)
    apart: dict[NodeId, list[Name]] = {}
    for group in alike.values():
        if len({name.source for name in group}) > 1:
            images = {name.node: meant(graph, name.ends) for name in group}
            for name in group:
                others = [o for o in group if not images[o.node] & images[name.node]]
                if others:
                    apart[name.node] = others
    return apart


def bare(repository: str) -> str:
    """Return a repository without its registry: a copy elsewhere keeps only the rest."""
    host, slash, rest = repository.partition("/")
    return rest if slash and ("." in host or ":" in host or host == "localhost") else repository


def meant(graph: Graph, ends: Iterable[NodeId]) -> set[NodeId]:
    """Return what is named, an index together with the images it lists."""
    found = set(ends)
    for end in ends:
        if end.startswith("index:"):
            found.update(live(graph, end, EdgeKind.LISTS))
    return found


def _repository(
    graph: Graph, source: Safe, repository: str, names: list[Name], apart: dict[NodeId, list[Name]]
) -> list[Item]:
    title = safe(f"{source}/{repository}" if repository else source)
    names.sort(key=lambda name: natural(name.tag), reverse=True)
    names.sort(key=lambda name: _rank(name.tag))
    below = [
        item
        for name in names
        for item in _tag(graph, name, f"\n{title}", differs=name.node in apart)
    ]
    odd = any(item.odd for item in below)
    group = Item(
        name=title,
        words=(DIFFERS,) if any(name.node in apart for name in names) else (),
        count=count(len(names), "tag"),
        odd=odd,
        closed=len(below) > MANY,
    )
    return branch(group, below)


def _rank(tag: str) -> int:
    """Return 0 for names that move (latest), 1 for versions, 2 for those of signatures."""
    if tag.startswith(("sha256-", "sha512-")):
        return 2
    return int(any(map(str.isdigit, tag)))


def _tag(graph: Graph, name: Name, above: str, *, differs: bool) -> list[Item]:
    end = name.ends[0] if name.ends else None
    words = (DIFFERS, *name.words) if differs else name.words
    if end is None:
        words = (*words, "names nothing")
    below: list[Item] = []
    if end is not None and end.startswith("index:"):
        below = _platforms(graph, end, f"{above}\n{name.node}", 2)
    item = Item(
        name=safe(ids.short(name.tag)),
        depth=1,
        node=name.node,
        kind=Kind.TAG,
        above=above,
        words=words,
        note=safe(digits(end) if end else ""),
        odd=bool(words),
        closed=True,
    )
    return branch(item, below)


def _platforms(graph: Graph, index: NodeId, above: str, depth: int) -> list[Item]:
    """Return the images of an index, each under its platform."""
    found = []
    for node in dict.fromkeys(live(graph, index, EdgeKind.LISTS)):
        whole = graph.node(node)
        found.append(
            Item(
                name=whole.platform or whole.label,
                depth=depth,
                node=node,
                kind=whole.kind,
                above=above,
                words=whole.conditions,
                odd="damaged" in whole.conditions,
            )
        )
    return found


def _untagged(graph: Graph, named: set[NodeId]) -> list[Item]:
    """Return the images and indexes that no tag names and no index lists, by source."""
    groups: dict[Safe, list[Item]] = {}
    for index in graph.of_kind(Kind.INDEX):
        if index not in named:
            _add(graph, index, groups)
        named.update(live(graph, index, EdgeKind.LISTS))
    for image in graph.of_kind(Kind.IMAGE):
        if image not in named:
            _add(graph, image, groups)
    drawn: list[Item] = []
    for title in sorted(groups, key=natural):
        below = groups[title]
        number = sum(item.depth == 1 for item in below)
        group = Item(name=title, count=count(number, "image"), closed=number > MANY)
        drawn += branch(group, below)
    return drawn


def _add(graph: Graph, node: NodeId, groups: dict[Safe, list[Item]]) -> None:
    found = known(graph, node)
    title = safe(f"{found.sources[0]}: untagged") if found.sources else _MENTIONED
    above = f"\n{title}"
    is_index = node.startswith("index:")
    below = _platforms(graph, node, f"{above}\n{node}", 2) if is_index else []
    item = Item(
        name=found.label,
        depth=1,
        node=node,
        kind=Kind.INDEX if is_index else Kind.IMAGE,
        above=above,
        words=found.words if found.sources else (),
        closed=True,
    )
    groups.setdefault(title, []).extend(branch(item, below))


_MENTIONED = Safe("only mentioned")
