"""Versions of one thing in order, from an older to a newer one.

Owns which order there is between two versions: commits by their parents; images by the images
they are built on, or by the git commits they were built from, where they share a repository. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from treering.core.diff.source import built_from
from treering.core.errors import UsageError
from treering.core.facts import EdgeKind
from treering.core.graph import Graph
from treering.core.ids import Kind, NodeId, kind_of, short
from treering.core.text import Safe, safe

MAX_STEPS = 200_000
"""Most versions looked at on the way from one to the other."""
_POINTS = frozenset({EdgeKind.POINTS_AT, EdgeKind.LISTS})


@dataclass(frozen=True, slots=True)
class History:
    """Versions, the oldest first, both ends included; `how` says what orders them.

    `aside` counts versions that stand on branches beside, between the two and in no order with
    the rest.
    """

    versions: tuple[NodeId, ...]
    how: Safe
    aside: int = 0


def between(graph: Graph, old: NodeId, new: NodeId) -> History:
    """Return the versions from `old` to `new`, two images or two commits.

    Raises `UsageError`, saying why, where no order leads from one to the other.
    """
    old, new = graph.canonical(old), graph.canonical(new)
    kinds = {kind_of(old), kind_of(new)}
    if kinds == {Kind.COMMIT}:
        return _by_edges(graph, old, new, EdgeKind.PARENT, "each is the parent of the next")
    if kinds != {Kind.IMAGE}:
        said = " and ".join(sorted(kind.value for kind in kinds))
        raise UsageError(f"{said}: only images or commits have an order", "name two of one kind")
    path = _path(graph, new, old, EdgeKind.BASED_ON)
    if path:
        return History(tuple(reversed(path)), Safe("each is built on the one before"))
    return _by_source(graph, old, new)


def _by_edges(graph: Graph, old: NodeId, new: NodeId, kind: EdgeKind, how: str) -> History:
    path = _path(graph, new, old, kind)
    if not path:
        _refuse(graph, old, new, kind)
    return History(tuple(reversed(path)), safe(how))


def _refuse(graph: Graph, old: NodeId, new: NodeId, kind: EdgeKind) -> None:
    names = f"{short(old)} and {short(new)}"
    if _path(graph, old, new, kind):
        raise UsageError(f"{names} stand the other way round", "the good one must be the older")
    raise UsageError(
        f"{names} are not on one line: no chain of {kind.value} edges leads from one to the other",
        "commits may be missing here: a pruned history ends early",
    )


def _path(graph: Graph, start: NodeId, end: NodeId, kind: EdgeKind) -> list[NodeId]:
    """Return the shortest way along edges of a kind; empty for none."""
    came: dict[NodeId, NodeId] = {start: start}
    waiting = [start]
    for at in waiting:
        if at == end:
            return _unwound(came, end)
        if len(waiting) > MAX_STEPS:
            break
        for edge in graph.edges_from(at, frozenset({kind})):
            if not edge.gone and edge.end not in came:
                came[edge.end] = at
                waiting.append(edge.end)
    return []


def _unwound(came: Mapping[NodeId, NodeId], end: NodeId) -> list[NodeId]:
    path = [end]
    while came[path[-1]] != path[-1]:
        path.append(came[path[-1]])
    return path[::-1]


# -- images by the git commits they were built from -------------------------------------------


def _by_source(graph: Graph, old: NodeId, new: NodeId) -> History:
    repositories = _repositories(graph, old) & _repositories(graph, new)
    if not repositories:
        raise UsageError(
            f"{short(old)} and {short(new)} are not on one line: neither is built on the other, "
            "and no repository has tags of both"
        )
    sources = {end: _source(graph, end) for end in (old, new)}
    below = _ancestors(graph, sources[new])
    if sources[old] not in below:
        other = sources[new] in _ancestors(graph, sources[old])
        raise UsageError(
            f"{short(sources[old])} is not an ancestor of {short(sources[new])}"
            + (": it is the other way round" if other else ""),
            "what the two were built from must lie on one line of git",
        )
    members = _images_of(graph, repositories, graph.node(new).platform)
    return _ordered(graph, old, new, sources, {m: s for m, s in members.items() if s in below})


def _repositories(graph: Graph, image: NodeId) -> set[str]:
    """Return the repositories, with their source, that have a tag of an image."""
    found: set[str] = set()
    waiting = [image]
    for at in waiting:
        for edge in graph.edges_to(at, _POINTS):
            if edge.gone or edge.start in waiting:
                continue
            if kind_of(edge.start) is Kind.TAG:
                found.add(edge.start.rpartition(":")[0])
            else:
                waiting.append(edge.start)
    return found


def _source(graph: Graph, image: NodeId) -> NodeId:
    edges = built_from(graph, image)
    if len(edges) != 1:
        said = "several commits are" if edges else "no commit is"
        raise UsageError(f"{said} known as what {short(image)} was built from")
    return edges[0].end


def _ancestors(graph: Graph, commit: NodeId) -> set[NodeId]:
    seen = {commit}
    waiting = [commit]
    while waiting and len(seen) < MAX_STEPS:
        for edge in graph.edges_from(waiting.pop(), frozenset({EdgeKind.PARENT})):
            if not edge.gone and edge.end not in seen:
                seen.add(edge.end)
                waiting.append(edge.end)
    return seen


def _images_of(graph: Graph, repositories: Iterable[str], platform: str) -> Mapping[NodeId, NodeId]:
    """Return the tagged images of repositories for one platform with what they were built from."""
    wanted = tuple(f"{repository}:" for repository in repositories)
    found: dict[NodeId, NodeId] = {}
    for tag in graph.of_kind(Kind.TAG):
        if not tag.startswith(wanted):
            continue
        waiting = [tag]
        for at in waiting:
            for edge in graph.edges_from(at, _POINTS):
                if edge.gone or edge.end in waiting:
                    continue
                waiting.append(edge.end)
                edges = built_from(graph, edge.end) if kind_of(edge.end) is Kind.IMAGE else []
                if len(edges) == 1 and graph.node(edge.end).platform == platform:
                    found[edge.end] = edges[0].end
    return found


def _ordered(
    graph: Graph,
    old: NodeId,
    new: NodeId,
    ends: Mapping[NodeId, NodeId],
    members: Mapping[NodeId, NodeId],
) -> History:
    """Return the images whose commits lie in one line between those of `old` and `new`."""
    ancestors = {image: _ancestors(graph, source) for image, source in members.items()}
    inside = [
        image
        for image, source in members.items()
        if ends[old] in ancestors[image] and source not in ends.values()
    ]
    # An ancestor has fewer ancestors of its own.
    inside.sort(key=lambda image: (len(ancestors[image]), image))
    line, aside = [old], 0
    last = ends[old]
    for image in inside:
        if last in ancestors[image] and members[image] != last:
            line.append(image)
            last = members[image]
        else:
            aside += 1
    how = safe("each was built from a descendant of the commit before it")
    return History((*line, new), how, aside)
