"""The graph at 1, 10 and 100 hundredths of the promised size: build, memory, queries."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

SCALES = (0.01, 0.1, 1.0)


def measure(path: str) -> dict[str, float]:
    """Read a recording into a graph, in this process, and time it."""
    import resource

    from treering.adapters.recording.reader import RecordingReader
    from treering.core.ids import Kind
    from treering.core.lineage import Direction, reach, tree
    from treering.core.names import Names
    from treering.core.reading import Reading, read_all

    began = time.perf_counter()
    graph = read_all(Reading([RecordingReader(path, "bench")]))
    built = time.perf_counter() - began
    began = time.perf_counter()
    names = Names(graph)
    named = time.perf_counter() - began
    wanted = [*graph.of_kind(Kind.IMAGE)[:20], *graph.of_kind(Kind.COMMIT)[:20]]
    wanted += [*graph.of_kind(Kind.LAYER)[:20], *graph.of_kind(Kind.HOST)[:20]]
    base = max(graph.of_kind(Kind.LAYER), key=lambda n: len(reach(graph, n, Direction.DOWN)))
    oldest = max(
        graph.of_kind(Kind.COMMIT)[:200], key=lambda n: len(reach(graph, n, Direction.DOWN))
    )
    times = []
    for node in [*wanted, base, oldest]:
        for way in Direction:
            start = time.perf_counter()
            reach(graph, node, way)
            times.append(time.perf_counter() - start)
    start = time.perf_counter()
    rows = len(tree(graph, base, Direction.DOWN))
    drawn = time.perf_counter() - start
    start = time.perf_counter()
    names.resolve(oldest[7:20])
    return {
        "nodes": len(graph),
        "seconds": built,
        "names": named,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "query_median_ms": statistics.median(times) * 1000,
        "query_worst_ms": max(times) * 1000,
        "widest_tree_ms": drawn * 1000,
        "widest_tree_rows": rows,
        "resolve_ms": (time.perf_counter() - start) * 1000,
    }


def main() -> None:
    """Generate each size, measure it in a fresh process and print a row."""
    from world import world

    from treering.core import recording

    head = (
        "scale      nodes  graph s  names s    MB  query ms (median, worst)  widest tree ms (rows)"
    )
    print(head)
    with tempfile.TemporaryDirectory() as directory:
        for scale in SCALES:
            path = Path(directory) / f"{scale}.jsonl"
            recording.write(path, world(scale), (), 1.7e9)
            command = [sys.executable, str(Path(__file__).resolve()), str(path)]
            answer = subprocess.run(command, check=True, capture_output=True, text=True)
            r = json.loads(answer.stdout)
            print(
                f"{scale:5g} {r['nodes']:10d} {r['seconds']:8.2f} {r['names']:8.2f}"
                f" {r['megabytes']:5.0f}"
                f"  {r['query_median_ms']:10.2f} {r['query_worst_ms']:11.2f}"
                f"  {r['widest_tree_ms']:14.1f} ({r['widest_tree_rows']})",
                flush=True,
            )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1])))
    else:
        main()
