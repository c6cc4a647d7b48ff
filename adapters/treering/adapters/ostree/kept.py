"""Commits whose trees one read may verify, with the nodes that are then told again.

Owns which of a repository's commits those are: the newest, as many as one read verifies. A node
for each of a million commits would be held for nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import nlargest
from typing import Final, NamedTuple

from treering.adapters.ostree.objects import Checksum, Commit
from treering.adapters.ostree.verify import Root
from treering.core.facts import NodeFact

_BEYOND: Final = 1 << 64
"""More than any timestamp."""


class Told(NamedTuple):
    """A commit as it was told; `time` is its timestamp."""

    time: int
    root: Root
    node: NodeFact


class Kept:
    """The `most` newest of the commits shown to it, but for those `done`; first come, first kept.

    `open` is how many it was shown that are not done.
    """

    def __init__(
        self, most: int = 0, done: frozenset[Checksum] | set[Checksum] = frozenset()
    ) -> None:
        self.open = 0
        self._most = most
        self._done = done
        self._after = -1
        self._held: list[Told] = []

    def keep(self, commits: Sequence[Commit], nodes: Sequence[NodeFact]) -> None:
        """Keep those of `commits` that are new enough."""
        done, after = self._done, self._after
        if done:
            self.open += sum(c.checksum not in done for c in commits)
        else:
            self.open += len(commits)
        if max([c.timestamp for c in commits], default=-1) <= after:
            return
        self._held += [
            Told(commit.timestamp, Root(commit.checksum, commit.tree, commit.meta), node)
            for commit, node in zip(commits, nodes, strict=True)
            if commit.timestamp > after and commit.checksum not in done
        ]
        if len(self._held) > 2 * self._most:
            self._held = self.newest()
            self._after = self._held[-1].time if self._held else _BEYOND

    def newest(self) -> list[Told]:
        """Return what is kept, the newest first."""
        return nlargest(self._most, self._held, key=_time_of)


def _time_of(told: Told) -> int:
    return told.time
