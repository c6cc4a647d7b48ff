"""The graph lent to other threads, one question at a time.

Owns the lock between the thread that changes the graph and those that only ask it. What a method
yields is gathered before the lock is let go, so that nobody walks a table that changes.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any, cast

from treering.core.graph import Graph


class Shared:
    """A graph whose every public method waits for its turn."""

    def __init__(self, graph: Graph, lock: threading.RLock) -> None:
        self._graph, self._turn = graph, lock

    def __contains__(self, node: object) -> bool:
        """Tell whether the graph holds a node."""
        with self._turn:
            return node in cast("Any", self._graph)

    def __len__(self) -> int:
        """Return the number of nodes."""
        with self._turn:
            return len(self._graph)

    def __getattr__(self, name: str) -> Any:
        """Return what the graph has by that name, its methods behind the lock."""
        found = getattr(self._graph, name)
        if not callable(found):
            return found

        def asked(*arguments: Any, **options: Any) -> Any:
            with self._turn:
                answer = found(*arguments, **options)
                return iter(list(answer)) if isinstance(answer, Iterator) else answer

        return asked


def shared(graph: Graph, lock: threading.RLock) -> Graph:
    """Return `graph` as other threads may ask it; they must not change it."""
    return cast("Graph", Shared(graph, lock))
