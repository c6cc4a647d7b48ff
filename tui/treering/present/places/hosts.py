"""The place `hosts`: machines grouped by the tree they run.

Owns that grouping and what makes a host odd. Four hundred hosts on five trees are five rows, and
what needs looking at comes first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from treering.core.facts import EdgeKind
from treering.core.graph import Graph
from treering.core.ids import Kind, NodeId, kind_of
from treering.core.text import Safe, safe
from treering.present.places.following import Following, followed
from treering.present.places.images import DIFFERS
from treering.present.places.items import MANY, Item, branch
from treering.present.places.known import coming, count, known, live, natural

FLAGS = ("booted", "staged", "pending", "rollback", "pinned", "unlocked")
"""The states of a deployment that are shown as words; several hold at once."""

_FEW_HOSTS = 5
_NOTHING = Safe("")


@dataclass(frozen=True, slots=True)
class _Deployment:
    node: NodeId
    label: Safe
    attrs: Mapping[str, Any]
    words: tuple[str, ...]
    tree: NodeId | None


@dataclass(frozen=True, slots=True)
class _Host:
    node: NodeId
    label: Safe
    words: tuple[str, ...]
    deployments: tuple[_Deployment, ...]
    current: _Deployment | None

    @property
    def tree(self) -> NodeId | None:
        return self.current.tree if self.current else None


def items(graph: Graph) -> list[Item]:
    """Return the hosts, grouped by the tree they booted, or boot next where none is booted."""
    hosts = [_host(graph, node) for node in graph.of_kind(Kind.HOST)]
    astray = _other_digests(graph, hosts)
    groups: dict[NodeId | None, list[_Host]] = {}
    for host in hosts:
        groups.setdefault(host.tree, []).append(host)
    few = len(hosts) <= _FEW_HOSTS
    drawn = [_group(graph, tree, groups[tree], astray=tree in astray, few=few) for tree in groups]
    drawn.sort(key=lambda group: (not group[0].odd, group[0].size, natural(group[0].name)))
    return [item for group in drawn for item in group]


def _host(graph: Graph, node: NodeId) -> _Host:
    found = known(graph, node)
    deployments = [_deployment(graph, start) for start in coming(graph, node, EdgeKind.ON)]
    deployments.sort(key=lambda d: (_place(d.attrs), d.node))
    booted = next((d for d in deployments if "booted" in d.words), None)
    current = booted or (deployments[0] if deployments else None)
    words = list(found.words)
    if found.attrs.get("reachable") is False:
        words.append("unreachable")
    if found.attrs.get("drift"):
        words.append("drifted")
    states = {word for d in deployments for word in d.words}
    words += [word for word in ("unlocked", "staged", "pinned", "damaged") if word in states]
    return _Host(node, found.label, tuple(dict.fromkeys(words)), tuple(deployments), current)


def _place(attrs: Mapping[str, Any]) -> int:
    index = attrs.get("index")
    return index if isinstance(index, int) else 0 if attrs.get("booted") else 1


def _deployment(graph: Graph, node: NodeId) -> _Deployment:
    found = known(graph, node)
    runs = live(graph, node, EdgeKind.RUNS)
    images = [end for end in runs if end.startswith("image:")]
    trees = images or runs
    words = tuple(flag for flag in FLAGS if found.attrs.get(flag) not in UNSET)
    return _Deployment(
        node, found.label, found.attrs, (*words, *found.words), trees[0] if trees else None
    )


UNSET = (None, False, "", "none", 0)
"""What a flag holds that is not set; `unlocked` is a word."""


def _other_digests(graph: Graph, hosts: list[_Host]) -> set[NodeId]:
    """Return the trees that are not what the name they follow has now.

    Where nobody knows the name, those that most hosts following it do not run.
    """
    by_name: dict[str, Counter[NodeId]] = {}
    for host in hosts:
        name = followed(host.current.attrs) if host.current else ""
        if name and host.tree:
            by_name.setdefault(name, Counter())[host.tree] += 1
    following = Following(graph)
    astray: set[NodeId] = set()
    for name, trees in by_name.items():
        most = max(trees.values())
        usual = [tree for tree, number in trees.items() if number == most]
        for tree in trees:
            differs = following.differs(name, tree)
            if differs or (differs is None and (len(usual) > 1 or tree not in usual)):
                astray.add(tree)
    return astray


_ODD = frozenset({"unreachable", "drifted", "unlocked", "pinned", "gone", "damaged"})


def _group(
    graph: Graph, tree: NodeId | None, hosts: list[_Host], *, astray: bool, few: bool
) -> list[Item]:
    name = known(graph, tree).label if tree else Safe("no deployment known")
    key = f"\n{tree or name}"
    hosts = sorted(hosts, key=lambda host: (not _ODD & {*host.words}, natural(host.label)))
    below = [item for host in hosts for item in _host_items(host, key, name, few=few)]
    odd = sum(bool(_ODD & {*host.words}) for host in hosts)
    words = (DIFFERS,) * astray + ((f"{odd} odd",) if odd else ())
    group = Item(
        name=name,
        node=tree,
        kind=kind_of(tree) if tree else None,
        words=words,
        count=count(len(hosts), "host"),
        odd=bool(words) or tree is None,
        closed=len(below) > MANY,
    )
    return branch(group, below)


def _host_items(host: _Host, above: str, group: str, *, few: bool) -> list[Item]:
    key = f"{above}\n{host.node}"
    below = [
        Item(
            name=d.label,
            depth=2,
            node=d.node,
            kind=Kind.DEPLOYMENT,
            above=key,
            words=d.words,
            note=safe(_told(d)),
        )
        for d in host.deployments
    ]
    version = host.current.attrs.get("version") if host.current else None
    item = Item(
        name=host.label,
        depth=1,
        node=host.node,
        kind=Kind.HOST,
        above=above,
        words=host.words,
        note=safe(version) if isinstance(version, str) and version != group else _NOTHING,
        odd=bool(_ODD & {*host.words}),
        closed=not few,
    )
    return branch(item, below)


def _told(deployment: _Deployment) -> str:
    """Return the version of a deployment and what it was made from, where the name has neither."""
    parts = (deployment.attrs.get("version"), followed(deployment.attrs))
    return " ".join(p for p in parts if isinstance(p, str) and p and p not in deployment.label)
