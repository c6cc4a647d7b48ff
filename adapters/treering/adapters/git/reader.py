"""Reads one git repository as facts.

Owns what a commit looks like in the graph. The repository is opened anew for each read, so that
what changed is seen; nothing in it is written, no program, hook or filter it names is run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from treering.adapters.git.commits import Commit
from treering.adapters.git.describe import describe
from treering.adapters.git.history import MAX_COMMITS, History, Name
from treering.adapters.git.objects import Missing
from treering.adapters.git.repository import open_repository
from treering.core import ids
from treering.core.errors import NotRecognised, SourceError
from treering.core.facts import EdgeFact, EdgeKind, Fact, Level, NodeFact
from treering.core.ids import Kind, NodeId
from treering.core.ports import Capability, Document, ReadContext, Tree
from treering.core.text import safe

MAX_LOOKED_UP = 1000
"""Commits described in full in one look-up."""

MAX_CONTAINING = 20
"""Tags, and branches, listed as containing a commit; the number of all is beside them."""

SHORT = 7
_PREFIX = re.compile(r"[0-9a-f]{4,40}")
_WHOLE = 40
_LATER = 0.001
_EVERY = 200


class GitReader:
    """A clone: its newest commits, and any other that something names.

    Beyond the port it has `resolve_short`, which turns a shortened commit id, as labels hold
    it, into the whole one; `look_up` accepts shortened ids for the same reason.
    """

    kind = "git"
    capabilities = Capability.LOOK_UP | Capability.TREES

    def __init__(self, location: str, name: str, audit: bool = False) -> None:  # noqa: FBT001, FBT002 -- as Adapter.open
        self.location = safe(location)
        self.name = safe(name)
        self._path = Path(location)
        self._audit = audit
        self._history: History | None = None
        self._seen = float("-inf")

    def read(self, context: ReadContext) -> Iterator[Fact]:
        """Yield the newest 10,000 commits of all branches and tags, and their parents."""
        seen = context.clock.now()
        context.check()
        history = self._begin(context)
        count = 0
        for commit in history.walk(context):
            count += 1
            if count % _EVERY == 0:
                context.progress(count, None, f"{count} commits")
            yield self._node(commit, self._attrs(commit, history), seen)
            yield from self._parents(commit, seen)
        self._seen = max(self._seen, seen)
        older = ", the newest; older ones when named" if count >= MAX_COMMITS else ""
        context.progress(count, count, f"{count} commits{older}")

    def look_up(self, wanted: Sequence[NodeId], context: ReadContext) -> Iterator[Fact]:
        """Yield what the clone knows of commits others name; skip those it does not have.

        The facts hold all `read` says, ``describe`` and the tags and branches that contain the
        commit, and are newer than those of the last `read`, so that they replace them.
        """
        commits = [ids.content_of(n) for n in wanted if ids.kind_of(n) is Kind.SOURCE]
        if not commits:
            return
        history = self._history
        if history is None:
            history = self._begin(context)
            for _ in history.walk(context):
                pass
        seen = context.clock.now()
        if seen <= self._seen:
            seen = self._seen + _LATER
        self._seen = seen
        described = 0
        for text in dict.fromkeys(commits):
            context.check()
            commit = self._find(text, history, context)
            if commit is None:
                continue
            if described == MAX_LOOKED_UP:
                context.note(f"only the first {described} commits asked for were described in full")
                return
            described += 1
            attrs = self._attrs(commit, history) | self._place(commit, history)
            yield self._node(commit, attrs, seen)
            yield from self._parents(commit, seen)

    def resolve_short(self, prefix: str) -> str | None:
        """Return the whole id of the one commit that begins with `prefix`, 4 to 40 hex digits.

        None when there is none or more than one, or the repository cannot be read.
        """
        try:
            history = self._history or self._begin(ReadContext())
            return self._resolve(prefix, history)
        except SourceError:
            return None

    def open_tree(self, node: NodeId, context: ReadContext) -> Tree:
        """Raise `NotRecognised`: the files of commits are not shown."""
        context.check()
        raise NotRecognised(f"the files of {node} are not shown", "`git show` shows them")

    def documents(self, node: NodeId, context: ReadContext) -> Sequence[Document]:
        """Return a commit object as git stores it; errors as `core.ports.Opener` says."""
        context.check()
        oid = ids.content_of(node)
        if ids.kind_of(node) is not Kind.SOURCE or len(oid) != _WHOLE:
            return ()
        objects = open_repository(self._path, audit=self._audit).objects
        try:
            kind, data = objects.read(oid, frozenset({"commit"}))
        except Missing:
            return ()
        if kind != "commit":
            return ()
        return (Document(safe("commit"), safe("text/plain"), data),)

    def close(self) -> None:
        """Let go of what was read. A read in progress keeps its own hold and may finish."""
        self._history = None

    def _begin(self, context: ReadContext) -> History:
        history = History(open_repository(self._path, audit=self._audit))
        history.start(context)
        self._history = history
        return history

    def _find(self, text: str, history: History, context: ReadContext) -> Commit | None:
        try:
            oid = self._resolve(text, history)
            return history.get(oid) if oid else None
        except Missing:
            return None
        except SourceError as error:
            context.problem(f"git:{text}", error.message)
            return None

    def _resolve(self, prefix: str, history: History) -> str | None:
        if not _PREFIX.fullmatch(prefix):
            return None
        if len(prefix) == _WHOLE:
            return prefix
        found = {
            oid
            for oid in (*history.repository.objects.beginning(prefix), *history.commits)
            if oid.startswith(prefix) and self._is_commit(oid, history)
        }
        return found.pop() if len(found) == 1 else None

    def _is_commit(self, oid: str, history: History) -> bool:
        try:
            history.get(oid)
        except (Missing, SourceError):
            return False
        return True

    def _node(self, commit: Commit, attrs: dict[str, Any], seen: float) -> NodeFact:
        return NodeFact(
            id=ids.git(commit.oid),
            source=self.name,
            seen=seen,
            label=safe(f"{commit.oid[:SHORT]} {commit.subject}".rstrip()),
            attrs=attrs,
        )

    def _parents(self, commit: Commit, seen: float) -> Iterator[EdgeFact]:
        many = len(commit.parents) > 1
        for number, parent in enumerate(commit.parents, start=1):
            which = f"parent {number} of {len(commit.parents)}" if many else "its parent"
            yield EdgeFact(
                start=ids.git(commit.oid),
                end=ids.git(parent),
                kind=EdgeKind.PARENT,
                level=Level.EXACT,
                source=self.name,
                seen=seen,
                why=safe(f"the commit object names it as {which}"),
            )

    def _attrs(self, commit: Commit, history: History) -> dict[str, Any]:
        names = history.names.get(commit.oid, ())
        attrs: dict[str, Any] = {"subject": commit.subject, "author": commit.author}
        if commit.time is not None:
            attrs["time"] = commit.time
        attrs["tags"] = [name.name for name in names if name.tag]
        attrs["branches"] = [name.name for name in names if not name.tag]
        return attrs

    def _place(self, commit: Commit, history: History) -> dict[str, Any]:
        """Return where the commit stands: its description and the names that contain it."""
        attrs: dict[str, Any] = {}
        short = history.repository.objects.shorten(commit.oid, SHORT)
        described = describe(history, commit, short)
        if described:
            attrs["describe"] = described
        if commit.oid in history.walked:
            names = history.containing(commit.oid)
            attrs |= _listed("tags", [n for n in names if n.tag])
            attrs |= _listed("branches", [n for n in names if not n.tag])
        return attrs


def _listed(what: str, names: list[Name]) -> dict[str, Any]:
    """Return the first names, oldest first, and how many there are in all."""
    return {
        f"in_{what}": [name.name for name in names[:MAX_CONTAINING]],
        f"in_{what}_count": len(names),
    }
