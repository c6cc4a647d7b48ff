"""Nodes that may have to be told again once their trees are verified.

Owns which of a repository's commits those can be: the newest, as many as one read verifies. A
node for each of a million commits would be held for nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from treering.adapters.ostree.objects import Checksum, Commit
from treering.core.facts import NodeFact


class Kept:
    """Nodes of the `count` newest commits but for those `done`; of more where some are as new.

    Until `only_newest` is set, every node is kept, and stays.
    """

    def __init__(self, count: int, done: frozenset[Checksum] | set[Checksum]) -> None:
        self.only_newest = False
        self._count = max(count, 1)
        self._done = done
        self._oldest = 0
        self._limit = 2 * self._count
        self._first: dict[Checksum, NodeFact] = {}
        self._newest: dict[Checksum, tuple[int, NodeFact]] = {}

    def keep(self, commits: Sequence[Commit], nodes: Sequence[NodeFact]) -> None:
        """Keep those nodes of `commits` that are new enough."""
        if not self.only_newest:
            self._first.update({c.checksum: n for c, n in zip(commits, nodes, strict=True)})
            return
        oldest, done = self._oldest, self._done
        for commit, node in zip(commits, nodes, strict=True):
            if commit.timestamp >= oldest and commit.checksum not in done:
                self._newest[commit.checksum] = commit.timestamp, node
        if len(self._newest) > self._limit:
            self._let_go()

    def node(self, checksum: Checksum) -> NodeFact:
        """Return the node of a commit that was kept."""
        first = self._first.get(checksum)
        return self._newest[checksum][1] if first is None else first

    def _let_go(self) -> None:
        """Forget the oldest."""
        times = sorted((time for time, _ in self._newest.values()), reverse=True)
        self._oldest = times[self._count - 1]
        self._newest = {c: kept for c, kept in self._newest.items() if kept[0] >= self._oldest}
        self._limit = 2 * len(self._newest)
