"""A generated world of any size, as facts: images on bases, branches of commits, hosts.

At scale 1 it is what the contract promises to carry: 10,000 images over 200,000 layer edges,
100,000 commits and 1,000 hosts.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

from treering.core import ids
from treering.core.facts import EdgeFact, EdgeKind, Fact, Level, NodeFact
from treering.core.ids import Digest, NodeId
from treering.core.text import Safe

SEEN = 1_700_000_000.0
ENGINE, REPO = Safe("registry"), Safe("os-repo")
LAYERS = 20


def digest(*parts: object) -> Digest:
    return Digest("sha256:" + sha256(repr(parts).encode()).hexdigest())


def checksum(branch: int, number: int) -> str:
    return sha256(f"{branch}/{number}".encode()).hexdigest()


def edge(
    start: NodeId, kind: EdgeKind, end: NodeId, why: str, source: Safe, at: int | None = None
) -> EdgeFact:
    return EdgeFact(
        start=start,
        end=end,
        kind=kind,
        level=Level.EXACT,
        source=source,
        seen=SEEN,
        why=Safe(why),
        position=at,
    )


def world(scale: float) -> Iterator[Fact]:
    """Yield the facts of a world of `scale` times the promised size."""
    yield from images(max(10, int(10_000 * scale)))
    branches = max(1, int(100 * scale))
    yield from commits(branches, 1000)
    yield from hosts(max(1, int(1000 * scale)), branches)


def images(count: int) -> Iterator[Fact]:
    """Twenty layers each: families of one base, 5 layers, then applications and generations."""
    for number in range(count):
        family, app = number % 20, number % 200
        layers = [digest("base", family, i) for i in range(5)]
        if number >= 20:
            layers += [digest("app", app, i) for i in range(10)]
            layers += [digest("own", number, i) for i in range(5)]
        config = ids.image(digest("config", number))
        yield NodeFact(
            id=config,
            source=ENGINE,
            seen=SEEN,
            label=Safe(f"app{app}:{number}"),
            attrs={
                "os": "linux",
                "architecture": "amd64",
                "layers": list(layers),
                "labels": {
                    "org.opencontainers.image.revision": sha256(b"%d" % number).hexdigest()[:40]
                },
            },
            same=(digest("manifest", number),),
        )
        for at, layer in enumerate(layers):
            yield edge(config, EdgeKind.CONTAINS, ids.layer(layer), f"layer {at + 1}", ENGINE, at)
        tag = ids.tag("registry", f"app{app}", str(number))
        yield NodeFact(id=tag, source=ENGINE, seen=SEEN, label=Safe(f"app{app}:{number}"))
        yield edge(tag, EdgeKind.POINTS_AT, config, "tag list", ENGINE)


def commits(branches: int, depth: int) -> Iterator[Fact]:
    for branch in range(branches):
        for number in range(depth):
            node = ids.commit(checksum(branch, number))
            yield NodeFact(
                id=node,
                source=REPO,
                seen=SEEN,
                label=Safe(f"{branch}.{number}"),
                attrs={
                    "subject": f"build {number}",
                    "timestamp": 1_600_000_000 + number,
                    "version": f"{branch}.{number}",
                    "content": checksum(-branch - 1, number),
                },
            )
            if number:
                before = ids.commit(checksum(branch, number - 1))
                yield edge(node, EdgeKind.PARENT, before, "the commit names it", REPO)
        ref = ids.ref("os-repo", f"os/{branch}")
        yield NodeFact(id=ref, source=REPO, seen=SEEN, label=Safe(f"os/{branch}"))
        yield edge(ref, EdgeKind.POINTS_AT, node, "the ref file", REPO)


def hosts(count: int, branches: int) -> Iterator[Fact]:
    for number in range(count):
        host = ids.host(f"host-{number}")
        yield NodeFact(id=host, source=REPO, seen=SEEN, label=Safe(f"host-{number}"))
        for back in range(2):
            at = checksum(number % branches, 999 - back)
            deployment = ids.deployment(f"host-{number}", "os", at, 0)
            yield NodeFact(id=deployment, source=REPO, seen=SEEN, attrs={"booted": back == 0})
            yield edge(deployment, EdgeKind.ON, host, "sysroot", REPO)
            yield edge(deployment, EdgeKind.RUNS, ids.commit(at), "its checksum", REPO)
