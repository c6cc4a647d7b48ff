"""The name git gives a commit by the nearest tag: ``v1.2-3-g0123abc``.

Owns the choice of the tag as git-describe(1) states it: of the ten tags found first when walking
back by date, the one with the fewest commits between it and the commit.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heappop, heappush

from treering.adapters.git.commits import Commit
from treering.adapters.git.history import History, Name
from treering.adapters.git.objects import Missing
from treering.core.errors import SourceError

MAX_CANDIDATES = 10
MAX_STEPS = 10_000
"""Commits looked at before the description is given up."""


@dataclass(slots=True)
class _Candidate:
    name: str
    bit: int
    depth: int


def describe(history: History, commit: Commit, short: str) -> str | None:
    """Return what ``git describe --tags --always`` says of `commit`.

    `short` is its shortened id. None when more than `MAX_STEPS` commits would have to be read.
    """
    exact = _tag_at(history, commit.oid)
    if exact:
        return exact
    walk = _Walk(history, commit)
    if not walk.finish():
        return None
    return f"{walk.best.name}-{walk.best.depth}-g{short}" if walk.found else short


class _Walk:
    """A walk back by date from one commit, in which each tag found counts what it lacks."""

    def __init__(self, history: History, commit: Commit) -> None:
        self.history = history
        self.found: list[_Candidate] = []
        self.chosen: _Candidate | None = None
        self.within = {commit.oid: 0}
        self.waiting = {commit.oid}
        self.queue: list[tuple[int, int, Commit]] = [(-commit.order, 0, commit)]

    @property
    def best(self) -> _Candidate:
        """The tag with the fewest commits missing; of equal ones the first found."""
        return self.chosen or min(self.found, key=lambda c: c.depth)

    def finish(self) -> bool:
        """Walk until nothing more can change; tell whether that was within `MAX_STEPS`."""
        for step in range(MAX_STEPS):
            if not self.queue or self._settled():
                return True
            self._visit(heappop(self.queue)[2], step)
        return False

    def _settled(self) -> bool:
        """Tell whether all that is left is contained in every tag that still counts."""
        mask = self.chosen.bit if self.chosen else (1 << len(self.found)) - 1
        return mask != 0 and all(self.within[oid] & mask == mask for oid in self.waiting)

    def _visit(self, commit: Commit, step: int) -> None:
        self.waiting.discard(commit.oid)
        tag = _tag_at(self.history, commit.oid)
        if tag and len(self.found) < MAX_CANDIDATES:
            candidate = _Candidate(tag, 1 << len(self.found), step)
            self.found.append(candidate)
            self.within[commit.oid] |= candidate.bit
        elif tag and self.chosen is None:
            self.chosen = self.best
        mask = self.within[commit.oid]
        for candidate in self.found:
            candidate.depth += not mask & candidate.bit
        for parent in commit.parents:
            if parent not in self.within:
                self.within[parent] = 0
                self._push(parent)
            self.within[parent] |= mask

    def _push(self, oid: str) -> None:
        try:
            commit = self.history.get(oid)
        except (Missing, SourceError):
            return
        heappush(self.queue, (-commit.order, len(self.within), commit))
        self.waiting.add(oid)


def _tag_at(history: History, oid: str) -> str:
    """Return the tag git would use at a commit: annotated before plain, then the newest."""
    tags: list[Name] = [name for name in history.names.get(oid, ()) if name.tag]
    if not tags:
        return ""
    return max(tags, key=lambda t: (t.annotated, t.made)).name
