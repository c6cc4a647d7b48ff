"""Running things whose system reports an index where an image is meant.

Owns the step from ``container runs index`` to the one image of it that can be meant: engines and
orchestrators report config, manifest or index digests as they please.
"""

from __future__ import annotations

from collections.abc import Iterator

from treering.core.facts import EdgeFact, EdgeKind, Level
from treering.core.graph import Graph
from treering.core.ids import Kind
from treering.core.joins.evidence import edge, live

_RUNNING = (Kind.CONTAINER, Kind.REVISION, Kind.DEPLOYMENT)


def edges(graph: Graph) -> Iterator[EdgeFact]:
    """Yield ``runs`` edges to the images of an index that something is said to run."""
    for kind in _RUNNING:
        for thing in graph.of_kind(kind):
            attrs = graph.attrs(thing)
            for index in live(graph, thing, EdgeKind.RUNS):
                if not index.startswith("index:"):
                    continue
                listed = live(graph, index, EdgeKind.LISTS)
                images = [image for image in listed if image.startswith("image:")]
                platform = attrs.get("platform")
                same = [i for i in images if platform and graph.node(i).platform == platform]
                fits = same or images
                sure = len(fits) == 1 and (bool(same) or not platform)
                level = Level.EXACT if sure else Level.INFERRED
                why = (
                    "the index it runs lists this image alone, or for its platform"
                    if level is Level.EXACT
                    else f"the index it runs lists {len(fits)} images, this among them"
                )
                for image in fits:
                    yield edge(thing, EdgeKind.RUNS, image, level, why)
