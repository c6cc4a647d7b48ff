"""Readers that do what a test tells them, and a small world of facts for them to read."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

from support.strategies import digest

from treering.core import ids
from treering.core.errors import NotPermitted
from treering.core.facts import EdgeFact, EdgeKind, Fact, Level, NodeFact
from treering.core.ids import NodeId
from treering.core.ports import Capability, ReadContext
from treering.core.text import Safe

SEEN = 1_700_000_000.0
HOSTILE = (
    "[@click=app.bell]click[/] [/] [bold]\x1b[31mred\x1b]52;c;eA==\x07 \x9b31m \u202eltr\u202c "
    "\u200bzero\u3164 e\u0301\u0301\u0301\u0301 東京 עברית \nnewline\r"
)


class ScriptedReader:
    """Yields what its script yields."""

    capabilities = Capability.NONE

    def __init__(
        self, name: str, script: Callable[[ReadContext], Iterator[Fact]], kind: str = "oci-layout"
    ) -> None:
        self.name = Safe(name)
        self.kind = kind
        self.location = Safe(f"/srv/{name}")
        self._script = script

    def read(self, context: ReadContext) -> Iterator[Fact]:
        return self._script(context)

    def close(self) -> None:
        return


def reading(*facts: Fact, name: str = "registry") -> ScriptedReader:
    return ScriptedReader(name, lambda _context: iter(facts))


def failing(name: str = "docker") -> ScriptedReader:
    def script(_context: ReadContext) -> Iterator[Fact]:
        raise NotPermitted("/var/run/docker.sock: permission denied", "join the group docker")
        yield

    return ScriptedReader(name, script, "docker")


def partial(*facts: Fact, name: str = "archive") -> ScriptedReader:
    def script(context: ReadContext) -> Iterator[Fact]:
        context.problem("blobs/sha256/ab12", "is cut short: 10 of 20 bytes")
        yield from facts

    return ScriptedReader(name, script, "oci-archive")


def hanging(name: str = "slow") -> ScriptedReader:
    """Never answers, like a socket that accepts and says nothing."""

    def script(_context: ReadContext) -> Iterator[Fact]:
        threading.Event().wait()
        yield from ()

    return ScriptedReader(name, script, "podman")


def node(id_: NodeId, label: str = "", **attrs: object) -> NodeFact:
    return NodeFact(id=id_, source=Safe("registry"), seen=SEEN, label=Safe(label), attrs=attrs)


def edge(
    start: NodeId,
    kind: EdgeKind,
    end: NodeId,
    why: str = "so it is written",
    position: int | None = None,
) -> EdgeFact:
    return EdgeFact(
        start=start,
        end=end,
        kind=kind,
        level=Level.EXACT,
        source=Safe("registry"),
        seen=SEEN,
        why=Safe(why),
        position=position,
    )


def image(number: int, label: str, layers: list[int], **attrs: object) -> list[Fact]:
    config = ids.image(digest(number))
    diff_ids = [digest(layer) for layer in layers]
    facts: list[Fact] = [node(config, label, layers=diff_ids, **attrs)]
    facts += [node(ids.layer(d), f"layer {n}") for d, n in zip(diff_ids, layers, strict=True)]
    facts += [
        edge(config, EdgeKind.CONTAINS, ids.layer(d), f"diff id {at + 1}", at)
        for at, d in enumerate(diff_ids)
    ]
    return facts


def world() -> list[Fact]:
    """A base, two generations of an application on it, tags, a container, commits and a branch."""
    facts = image(1, "debian:12", [11, 12])
    revision = "org.opencontainers.image.revision"
    facts += image(2, "shop/web:1.0", [11, 12, 21], labels={revision: "1" * 40})
    facts += image(3, "shop/web:1.1", [11, 12, 31], labels={revision: "2" * 40})
    for name, number in (("1.0", 2), ("1.1", 3), ("latest", 3)):
        tag = ids.tag("registry", "shop/web", name)
        facts += [
            node(tag, f"shop/web:{name}"),
            edge(tag, EdgeKind.POINTS_AT, ids.image(digest(number)), "index.json names it"),
        ]
    box = ids.container("docker", "c0ffee" * 10)
    facts += [node(box, "web-1"), edge(box, EdgeKind.RUNS, ids.image(digest(2)))]
    for number in range(1, 13):
        commit = ids.commit(f"{number:064x}")
        facts.append(node(commit, f"40.{number}", version=f"40.{number}"))
        if number > 1:
            facts.append(edge(commit, EdgeKind.PARENT, ids.commit(f"{number - 1:064x}")))
    branch = ids.ref("os-repo", "edge/x86_64/stable")
    facts += [node(branch, "edge/x86_64/stable"), edge(branch, EdgeKind.POINTS_AT, commit)]
    return facts


def hostile_world() -> list[Fact]:
    """The same kinds of things with hostile text wherever text may stand."""
    tag = ids.tag("registry", HOSTILE, HOSTILE)
    reference = ids.ref("os-repo", HOSTILE)
    commit = ids.commit("a" * 64)
    source = ids.git("b" * 40)
    facts = image(1, HOSTILE, [11], labels={HOSTILE: HOSTILE}, author=HOSTILE)
    return [
        *facts,
        node(tag, HOSTILE),
        edge(tag, EdgeKind.POINTS_AT, ids.image(digest(1)), HOSTILE),
        node(commit, HOSTILE, subject=HOSTILE),
        node(reference, HOSTILE),
        edge(reference, EdgeKind.POINTS_AT, commit, HOSTILE),
        node(source, HOSTILE, author=HOSTILE, subject=HOSTILE),
        edge(commit, EdgeKind.BUILT_FROM, source, HOSTILE),
    ]
