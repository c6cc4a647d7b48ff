"""The panes at 1, 10 and 100 hundredths of the promised size: building, folding, filtering.

Building is given as a multiple of visiting the facts of every node once, so that two machines can
be compared; the rest in milliseconds of this process.
"""

from __future__ import annotations

import gc
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

SCALES = (0.01, 0.1, 1.0)
_ROUNDS = 5


def seconds(run: Callable[[], object]) -> float:
    """Return the median of what `run` takes, in seconds of this process."""
    times = []
    for _ in range(_ROUNDS):
        began = time.process_time()
        run()
        times.append(time.process_time() - began)
    return statistics.median(times)


def megabytes() -> float:
    """Return how much memory this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


def main() -> None:
    """Measure each size and print a row."""
    from world import world

    from treering.core.graph import Graph, paused_collector
    from treering.core.ids import Kind
    from treering.core.joins import derive
    from treering.present.detail import summary
    from treering.present.places import Place, matching, places, visible

    print("scale    items  build s (x visit)   MB  all open ms  filter ms  narrow ms  summary ms")
    for scale in SCALES:
        graph = Graph()
        with paused_collector():
            graph.merge(list(world(scale)))
            derive(graph)
        gc.collect()
        visit = seconds(lambda: [graph.facts_of(node) for node in graph.ids()])  # noqa: B023
        before = megabytes()
        found = places(graph, ())
        after = megabytes()
        build = seconds(lambda: places(graph, ()))  # noqa: B023 -- called here, in this round
        items = found[Place.SOURCES]
        opened = {item.key for item in items if item.closed}
        shown = seconds(lambda: visible(items, opened))  # noqa: B023
        first = matching(items, "9")
        filtered = seconds(lambda: visible(items, (), matching(items, "9")))  # noqa: B023
        narrowed = seconds(lambda: matching(items, "99", first))  # noqa: B023
        layer = max(graph.of_kind(Kind.LAYER), key=lambda n: len(graph.edges_to(n)))
        told = seconds(lambda: summary.rows(graph, layer))  # noqa: B023
        print(
            f"{scale:5g} {sum(map(len, found.values())):8d} {build:8.2f} ({build / visit:6.1f})"
            f" {after - before:6.0f} {shown * 1000:12.1f} {filtered * 1000:10.1f}"
            f" {narrowed * 1000:10.1f} {told * 1000:11.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
