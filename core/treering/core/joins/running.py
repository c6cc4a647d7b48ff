"""Running things whose system reports an index where an image is meant.

Owns the step from ``container runs index`` to the one image of it that can be meant: engines and
orchestrators report config, manifest or index digests as they please.
"""

from __future__ import annotations

from collections.abc import Iterator

from treering.core.facts import EdgeFact, EdgeKind, Level
from treering.core.graph import Graph
from treering.core.ids import Kind, NodeId
from treering.core.joins.evidence import edge

_RUNNING = (Kind.CONTAINER, Kind.REVISION, Kind.DEPLOYMENT)


def edges(graph: Graph) -> Iterator[EdgeFact]:
    """Yield ``runs`` edges to the images of an index that something is said to run."""
    for kind in _RUNNING:
        for thing in graph.of_kind(kind):
            attrs = graph.attrs(thing)
            for run in graph.edges_from(thing):
                if run.kind is not EdgeKind.RUNS or not run.end.startswith("index:"):
                    continue
                listed = [e for e in graph.edges_from(run.end) if e.kind is EdgeKind.LISTS]
                images = [e.end for e in listed if e.end.startswith("image:")]
                platform = attrs.get("platform")
                fits = [i for i in images if platform and _platform(graph, i) == platform] or images
                level = Level.EXACT if len(fits) == 1 else Level.INFERRED
                why = (
                    "the index it runs lists this image for its platform"
                    if level is Level.EXACT
                    else f"the index it runs lists {len(fits)} images, this among them"
                )
                for image in fits:
                    yield edge(thing, EdgeKind.RUNS, image, level, why)


def _platform(graph: Graph, image: NodeId) -> str:
    attrs = graph.attrs(image)
    return "/".join(str(attrs[k]) for k in ("os", "architecture", "variant") if attrs.get(k))
