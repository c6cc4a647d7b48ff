"""Reading an OSTree repository into facts.

Owns which facts a repository gives: refs and what they point at, commits with their parents,
bases and images, tombstones, and afterwards, within a budget, whether whole trees are what
their commits say. Facts of refs and commits come first; a commit whose tree was verified is told
once more.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from treering.adapters.ostree import metadata
from treering.adapters.ostree.deltas import Delta
from treering.adapters.ostree.objects import Checksum, Commit
from treering.adapters.ostree.refs import Ref, image_of
from treering.adapters.ostree.repo import Missing, Repository, Stored
from treering.adapters.ostree.signatures import signatures
from treering.adapters.ostree.summary import Summary, SummaryRef
from treering.adapters.ostree.verify import VERIFY_BUDGET, Budget, Root, Verdict, Verifier
from treering.core import ids
from treering.core.errors import SourceError
from treering.core.facts import EdgeFact, EdgeKind, Fact, Level, NodeFact
from treering.core.ports import Capability, ReadContext, SourceSpec
from treering.core.text import Safe, one_line, safe

_PARENT_WHY: Final = safe("the commit object names it as its parent")
_LAYER_WHY: Final = safe("the commit object names it, and is layered on it")
_IMAGE_WHY: Final = safe(f"its metadata {metadata.MANIFEST_DIGEST} names this manifest")
_LAST_YEAR: Final = 253_402_300_799
"""The end of the year 9999; a later timestamp is not one."""

_MAX_DELTAS_SHOWN: Final = 20
_EVERY: Final = 500


class OstreeReader:
    """Reads one repository. `read` opens it anew each time; what was verified stays verified."""

    kind = "ostree"
    capabilities = Capability.VERIFIES

    def __init__(self, spec: SourceSpec, budget: Budget = VERIFY_BUDGET) -> None:
        self.name: Safe = safe(spec.name or Path(spec.location).name)
        self.location: Safe = safe(spec.location)
        self._path = Path(spec.location)
        self._budget = budget
        self._whole: set[Checksum] = set()

    def close(self) -> None:
        """Do nothing: no file stays open between objects."""

    def read(self, context: ReadContext) -> Iterator[Fact]:
        """Yield refs, then commits from them and the unreferenced ones, then verified trees.

        Raises `Unreachable`, `NotPermitted`, `NotRecognised` when there is no repository to
        read, and `Cancelled`.
        """
        seen = context.clock.now()
        context.check()
        repository = Repository.open(self._path, context.problem)
        yield from _Read(self.name, seen, repository, context, self._whole).facts(self._budget)


class _Read:
    """One reading: what was seen so far."""

    def __init__(
        self,
        source: Safe,
        seen: float,
        repository: Repository,
        context: ReadContext,
        whole: set[Checksum],
    ) -> None:
        self.source = source
        self.seen = seen
        self.repository = repository
        self.context = context
        self.whole = whole
        self.roots: list[Root] = []
        self.nodes: dict[Checksum, NodeFact] = {}
        self.described: set[Checksum] = set()
        self.stored = Stored()
        self.partial: frozenset[Checksum] = frozenset()
        self.deltas: dict[Checksum, list[Delta]] = {}

    def facts(self, budget: Budget) -> Iterator[Fact]:
        """Yield everything."""
        refs = self.repository.refs(self.context.problem)
        yield from self._refs(refs)
        self._prepare()
        tips = [r.checksum for r in refs]
        for tip in tips:
            yield from self._history(tip)
        for checksum in self.stored.commits:
            yield from self._history(checksum)
        for checksum in self.stored.tombstones:
            if checksum not in self.described:
                yield self._node(checksum, {"tombstone": True})
        self._report_dangling(refs)
        yield from self._verified(tips, budget)

    # -- refs ----------------------------------------------------------------------------

    def _refs(self, refs: tuple[Ref, ...]) -> Iterator[Fact]:
        summary = self._summary()
        listed = {r.name: r for r in summary.refs} if summary else {}
        for ref in refs:
            self.context.check()
            yield from self._ref(ref, listed.pop(ref.name, None))
        for name in sorted(listed):
            self.context.check()
            yield from self._summary_ref(listed[name], summary)

    def _ref(self, ref: Ref, listed: SummaryRef | None) -> Iterator[Fact]:
        name = ref.name
        attrs: dict[str, Any] = {"name": name.name}
        if name.remote:
            attrs["remote"] = name.remote
        if ref.collection:
            attrs["collection"] = ref.collection
        if ref.alias:
            attrs["alias_of"] = ref.alias.refspec
        if name.internal:
            attrs["internal"] = True
        if listed and listed.checksum != ref.checksum:
            attrs["summary"] = listed.checksum
        start = ids.ref(self.source, name.refspec)
        image = image_of(name.name)
        names = (safe(image),) if image else ()
        label = safe(name.refspec)
        yield NodeFact(start, self.source, self.seen, label, attrs, names=names)
        if ref.alias:
            end = ids.ref(self.source, ref.alias.refspec)
            why = "it is a symbolic link to that ref"
        else:
            end, why = ids.commit(ref.checksum), "the file of the ref holds this checksum"
        yield self._edge(start, end, EdgeKind.POINTS_AT, safe(why))

    def _summary_ref(self, listed: SummaryRef, summary: Summary | None) -> Iterator[Fact]:
        """Yield a ref that only the summary knows: there is no file of it."""
        name = listed.name
        attrs: dict[str, Any] = {"name": name.name, "summary": listed.checksum}
        collection = name.mirror or (summary.collection if summary else "")
        if collection:
            attrs["collection"] = collection
        if name.internal:
            attrs["internal"] = True
        start = ids.ref(self.source, name.refspec)
        yield NodeFact(start, self.source, self.seen, safe(name.refspec), attrs)
        yield EdgeFact(
            start,
            ids.commit(listed.checksum),
            EdgeKind.POINTS_AT,
            Level.DECLARED,
            self.source,
            self.seen,
            safe("the summary file lists it so; there is no such ref"),
        )

    def _summary(self) -> Summary | None:
        try:
            summary = self.repository.summary()
        except SourceError as error:
            self.context.problem("summary", str(error))
            return None
        for refused in summary.refused if summary else ():
            self.context.problem(f"summary ref {refused}", "this is no name for a ref")
        return summary

    # -- commits -------------------------------------------------------------------------

    def _prepare(self) -> None:
        """Read what is known of commits besides their objects."""
        try:
            self.partial = self.repository.partial()
        except SourceError as error:
            self.context.problem("state", str(error))
        try:
            self.stored = self.repository.stored()
        except SourceError as error:
            self.context.problem("objects", str(error))
        for delta in self.repository.deltas(self.context.problem):
            self.context.check()
            self.deltas.setdefault(delta.target, []).append(delta)

    def _history(self, checksum: Checksum) -> Iterator[Fact]:
        """Yield the facts of a commit and of its parents as far as they are here."""
        at: Checksum | None = checksum
        while at is not None and at not in self.described:
            self.context.check()
            try:
                commit = self.repository.commit(at)
            except Missing:
                return
            except SourceError as error:
                self.described.add(at)
                self.context.problem(f"commit {at}", str(error))
                yield self._node(at, {"damaged": error.message})
                return
            yield from self._commit(commit)
            at = commit.parent

    def _commit(self, commit: Commit) -> Iterator[Fact]:
        checksum = commit.checksum
        self.described.add(checksum)
        self.roots.append(Root(checksum, commit.tree, commit.meta, commit.timestamp))
        if len(self.described) % _EVERY == 0:
            self.context.progress(len(self.described), None, "commits")
        attrs = self._attributes(commit)
        label = attrs.get("version") or one_line(commit.subject) or checksum[:12]
        node = self._node(checksum, attrs, label)
        self.nodes[checksum] = node
        yield node
        if commit.parent:
            layered = metadata.is_layered(commit)
            yield self._edge(
                node.id,
                ids.commit(commit.parent),
                EdgeKind.LAYERED_ON if layered else EdgeKind.PARENT,
                _LAYER_WHY if layered else _PARENT_WHY,
            )
        digest = attrs.get("manifest_digest")
        if digest is not None:
            image = ids.image(ids.digest(digest))
            yield self._edge(node.id, image, EdgeKind.IMPORTED_FROM, _IMAGE_WHY)

    def _attributes(self, commit: Commit) -> dict[str, Any]:
        checksum = commit.checksum
        attrs, wrong = metadata.attributes(commit)
        digest = attrs.get("manifest_digest")
        if digest is not None and not ids.is_digest(digest):
            wrong.append(f"metadata {metadata.MANIFEST_DIGEST} is no digest")
            del attrs["manifest_digest"]
        if commit.subject:
            attrs["subject"] = commit.subject
        if commit.body:
            attrs["body"] = commit.body
        if commit.timestamp <= _LAST_YEAR:
            attrs["timestamp"] = commit.timestamp
        attrs["content"] = commit.content
        attrs["verified"] = "tree" if checksum in self.whole else "commit"
        if checksum in self.partial:
            attrs["partial"] = True
        if checksum in self.deltas:
            attrs["deltas"] = [d.as_json() for d in self.deltas[checksum][:_MAX_DELTAS_SHOWN]]
        self._add_detached(checksum, attrs, wrong)
        for why in wrong:
            self.context.problem(f"commit {checksum}", why)
        return attrs

    def _add_detached(self, checksum: Checksum, attrs: dict[str, Any], wrong: list[str]) -> None:
        if checksum not in self.stored.detached and not self.repository.parent:
            return
        try:
            detached = self.repository.detached(checksum)
            if detached:
                attrs["detached"] = sorted(detached)[: metadata.MAX_KEYS]
                signed = signatures(detached)
                if signed:
                    attrs["signatures"] = signed
        except SourceError as error:
            wrong.append(f"detached metadata: {error}")

    def _report_dangling(self, refs: tuple[Ref, ...]) -> None:
        tombstones = frozenset(self.stored.tombstones)
        for ref in refs:
            if ref.checksum not in self.described and ref.checksum not in tombstones:
                self.context.problem(
                    f"ref {ref.name.refspec}", f"commit {ref.checksum} is not in the repository"
                )

    # -- trees ---------------------------------------------------------------------------

    def _verified(self, tips: list[Checksum], budget: Budget) -> Iterator[Fact]:
        """Yield the nodes of commits whose trees turn out whole or damaged, tips first."""
        first, done = set(tips), self.whole | self.partial
        todo = sorted(
            (r for r in self.roots if r.checksum not in done),
            key=lambda r: (r.checksum not in first, -r.timestamp, r.checksum),
        )
        verifier = Verifier(self.repository, budget)
        for root, verdict in verifier.verify(todo, self.context):
            if verdict is Verdict.WHOLE:
                self.whole.add(root.checksum)
                yield self._again(root.checksum, {"verified": "tree"})
            elif verdict is Verdict.DAMAGED:
                yield self._again(root.checksum, {"damaged": _DAMAGED_TREE})

    def _again(self, checksum: Checksum, more: dict[str, Any]) -> NodeFact:
        """Return a commit's node with `more` attributes.

        Of two facts of one source and time the graph keeps the one that sorts last when
        encoded. "tree" sorts after "commit"; a damaged one sorts last because it has lost
        ``content``: a tree that is not whole is not compared with others.
        """
        node = self.nodes[checksum]
        attrs = {**node.attrs, **more}
        if "damaged" in more:
            attrs.pop("content", None)
        return self._node(checksum, attrs, node.label)

    # -- making facts --------------------------------------------------------------------

    def _node(self, checksum: Checksum, attrs: dict[str, Any], label: str = "") -> NodeFact:
        text = safe(label or checksum[:12])
        return NodeFact(ids.commit(checksum), self.source, self.seen, text, attrs)

    def _edge(self, start: ids.NodeId, end: ids.NodeId, kind: EdgeKind, why: Safe) -> EdgeFact:
        return EdgeFact(start, end, kind, Level.EXACT, self.source, self.seen, why)


_DAMAGED_TREE: Final = "an object of its tree is missing or does not hash to its name"
