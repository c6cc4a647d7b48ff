"""The history of a repository in memory: a walk from its references, and what follows from it.

Owns the order of the walk, the names at each commit, and which references contain one. Objects
that cannot be read become problems and the walk goes on without them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush

from treering.adapters.git.commits import Commit, parse_commit, parse_tag
from treering.adapters.git.objects import Missing
from treering.adapters.git.refs import Refs, read_refs
from treering.adapters.git.repository import Repository
from treering.core.errors import SourceError
from treering.core.ports import ReadContext

MAX_COMMITS = 10_000
"""Commits described in one read, newest first; older ones are looked up when named."""

MAX_MASKED = 4000
"""References whose commits are told apart when asking which of them contain a commit."""

MAX_KEPT = 10 * MAX_COMMITS
"""Commits held in memory; looking up old ones reads them again beyond that."""

_MAX_TAG_DEPTH = 16
_COMMIT, _ANY = frozenset({"commit"}), frozenset({"commit", "tag"})


@dataclass(frozen=True, slots=True)
class Name:
    """A reference at a commit, without its ``refs/heads/``; `made` orders annotated tags."""

    name: str
    tag: bool = False
    annotated: bool = False
    made: int = 0


@dataclass(slots=True)
class History:
    """Commits read so far by id, and the references that name each."""

    repository: Repository
    commits: dict[str, Commit] = field(default_factory=dict)
    names: dict[str, list[Name]] = field(default_factory=dict)
    tips: list[str] = field(default_factory=list)
    walked: set[str] = field(default_factory=set)
    _masks: dict[str, int] | None = None
    _masked: list[tuple[Name, str]] = field(default_factory=list)

    def start(self, context: ReadContext) -> None:
        """Read the references and the tags they go through."""
        refs = read_refs(self.repository.directory, self.repository.common, context)
        for name, target in sorted(refs.targets.items()):
            context.check()
            self._name(name, target, context)
        self._add_head(refs)

    def _name(self, full: str, target: str, context: ReadContext) -> None:
        space, name = full.removeprefix("refs/").split("/", 1)
        made, annotated = 0, False
        try:
            for _ in range(_MAX_TAG_DEPTH):
                kind, data = self.repository.objects.read(target, _ANY)
                if kind != "tag":
                    break
                tag = parse_tag(target, data)
                made, annotated, target = tag.time if not annotated else made, True, tag.target
            else:
                kind = "tag"
        except Missing:
            context.problem(full, f"names {target}, which the repository does not have")
            return
        except SourceError as error:
            context.problem(full, error.message)
            return
        if kind == "commit":
            found = Name(name, space == "tags", annotated, made)
            self.names.setdefault(target, []).append(found)
            self.tips.append(target)

    def _add_head(self, refs: Refs) -> None:
        if refs.head:
            self.tips.append(refs.head)
            if refs.detached:
                self.names.setdefault(refs.head, []).append(Name("HEAD"))

    def get(self, oid: str) -> Commit:
        """Return a commit. Raises `Missing` (also for other objects) and as `Objects.read`."""
        known = self.commits.get(oid)
        if known is not None:
            return known
        kind, data = self.repository.objects.read(oid, _COMMIT)
        if kind != "commit":
            raise Missing(oid)
        commit = parse_commit(oid, data)
        if len(self.commits) < MAX_KEPT:
            self.commits[oid] = commit
        return commit

    def walk(self, context: ReadContext) -> Iterator[Commit]:
        """Yield the commits the references reach, newest first, up to `MAX_COMMITS`."""
        queue: list[tuple[int, int, Commit]] = []
        seen: set[str] = set()
        for tip in self.tips:
            self._push(tip, queue, seen, context, expected=False)
        while queue and len(self.walked) < MAX_COMMITS:
            context.check()
            commit = heappop(queue)[2]
            self.walked.add(commit.oid)
            yield commit
            for parent in commit.parents:
                expected = commit.oid in self.repository.shallow
                self._push(parent, queue, seen, context, expected=expected)

    def _push(
        self,
        oid: str,
        queue: list[tuple[int, int, Commit]],
        seen: set[str],
        context: ReadContext,
        *,
        expected: bool,
    ) -> None:
        """Put a commit in the queue once; say so when it is not there and should be."""
        if oid in seen:
            return
        seen.add(oid)
        try:
            commit = self.get(oid)
        except Missing:
            if not expected:
                context.problem(f"git:{oid}", "the repository does not have this commit")
        except SourceError as error:
            context.problem(f"git:{oid}", error.message)
        else:
            heappush(queue, (-commit.order, len(seen), commit))

    def containing(self, oid: str) -> list[Name]:
        """Return the references that contain a commit of the walk, those nearest in time first."""
        if self._masks is None:
            self._masks = self._reach()
        mask = self._masks.get(oid, 0)
        return [name for at, (name, _) in enumerate(self._masked) if mask >> at & 1]

    def _reach(self) -> dict[str, int]:
        """Return for each walked commit a bit set of the references that reach it."""
        tips = [(name, oid) for oid in self.names for name in self.names[oid]]
        tips = [(name, oid) for name, oid in tips if oid in self.walked]
        tips.sort(key=lambda tip: (-self.commits[tip[1]].order, tip[0].name))
        self._masked = sorted(
            tips[:MAX_MASKED], key=lambda tip: (self.commits[tip[1]].order, tip[0].name)
        )
        masks = dict.fromkeys(self.walked, 0)
        for at, (_, oid) in enumerate(self._masked):
            masks[oid] |= 1 << at
        for oid in self._children_first():
            mask = masks[oid]
            for parent in self.commits[oid].parents:
                if parent in masks:
                    masks[parent] |= mask
        return masks

    def _children_first(self) -> Iterator[str]:
        """Yield the walked commits so that each comes after all its children."""
        waiting = dict.fromkeys(self.walked, 0)
        for oid in self.walked:
            for parent in self.commits[oid].parents:
                if parent in waiting:
                    waiting[parent] += 1
        ready = [oid for oid, count in waiting.items() if not count]
        while ready:
            oid = ready.pop()
            yield oid
            for parent in self.commits[oid].parents:
                if parent in waiting:
                    waiting[parent] -= 1
                    if not waiting[parent]:
                        ready.append(parent)
