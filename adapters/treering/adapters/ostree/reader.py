"""Reading an OSTree repository into facts.

Owns which facts a repository gives: refs and what they point at, commits with their parents,
bases and images, tombstones, and afterwards, within a budget, whether whole trees are what
their commits say. Facts of refs and commits come first; a commit whose tree was verified is told
once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, compress
from pathlib import Path
from typing import Any, Final

from treering.adapters.ostree import browsing, metadata
from treering.adapters.ostree.deltas import Delta
from treering.adapters.ostree.kept import Kept, Told
from treering.adapters.ostree.objects import Checksum, Commit
from treering.adapters.ostree.refs import Ref, image_of
from treering.adapters.ostree.repo import Repository, Stored, Unread
from treering.adapters.ostree.signatures import signatures
from treering.adapters.ostree.summary import Summary, SummaryRef
from treering.adapters.ostree.verify import VERIFY_BUDGET, Budget, Verdict, Verifier
from treering.core import ids
from treering.core.errors import SourceError
from treering.core.facts import EdgeFact, EdgeKind, Fact, Level, NodeFact
from treering.core.ids import NodeId
from treering.core.making import Maker
from treering.core.ports import Capability, Document, ReadContext, SourceSpec
from treering.core.text import Safe, one_line, safe

_PARENT_WHY: Final = safe("the commit object names it as its parent")
_LAYER_WHY: Final = safe("the commit object names it, and is layered on it")
_IMAGE_WHY: Final = safe(f"its metadata {metadata.MANIFEST_DIGEST} names this manifest")
_LAST_YEAR: Final = 253_402_300_799
"""The end of the year 9999; a later timestamp is not one."""

_MAX_DELTAS_SHOWN: Final = 20
_EVERY: Final = 500
_TOGETHER: Final = 32
_LINE: Final = 1000
_IMAGE: Final = "manifest_digest"


class OstreeReader:
    """Reads one repository. `read` opens it anew each time; what was verified stays verified."""

    kind = "ostree"
    capabilities = Capability.VERIFIES | Capability.TREES

    def __init__(self, spec: SourceSpec, budget: Budget = VERIFY_BUDGET) -> None:
        self.name: Safe = safe(spec.name or Path(spec.location).name)
        self.location: Safe = safe(spec.location)
        self._path = Path(spec.location)
        self._budget = budget
        self._whole: set[Checksum] = set()

    def open_tree(self, node: NodeId, context: ReadContext) -> browsing.CommitTree:
        """Open the files of a commit; errors as `core.ports.Opener` says."""
        return browsing.open_tree(self._path, node, context)

    def documents(self, node: NodeId, context: ReadContext) -> Sequence[Document]:
        """Return a commit in readable form, and its metadata; errors likewise."""
        return browsing.documents_of(self._path, node, context)

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
        reading = _Read(self.name, seen, repository, context, self._whole)
        yield from chain.from_iterable(reading.facts(self._budget))


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
        make = self.make = Maker(source, seen)
        self.follows = make.edges(EdgeKind.PARENT, Level.EXACT, _PARENT_WHY)
        self.layered = make.edges(EdgeKind.LAYERED_ON, Level.EXACT, _LAYER_WHY)
        self.imported = make.edges(EdgeKind.IMPORTED_FROM, Level.EXACT, _IMAGE_WHY)
        self.tips = self.others = self.kept = Kept()
        self.here: frozenset[Checksum] = frozenset()
        self.elsewhere: dict[Checksum, None] = {}
        self.described: set[Checksum] = set()
        self.stored = Stored()
        self.partial: frozenset[Checksum] = frozenset()
        self.deltas: dict[Checksum, list[Delta]] = {}

    def facts(self, budget: Budget) -> Iterator[Iterable[Fact]]:
        """Yield everything, some at a time, each to be used up before the next."""
        refs = self.repository.refs(self.context.problem)
        yield self._refs(refs)
        self._prepare()
        done = self.whole | self.partial
        self.tips, self.others = Kept(budget.tips, done), Kept(budget.trees, done)
        yield from self._commits([r.checksum for r in refs])
        yield self._tombstones()
        self._report_dangling(refs)
        yield self._verified(budget)

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
        self.here = frozenset(self.stored.commits)
        for delta in self.repository.deltas(self.context.problem):
            self.context.check()
            self.deltas.setdefault(delta.target, []).append(delta)

    def _commits(self, tips: list[Checksum]) -> Iterator[Iterable[Fact]]:
        """Yield the facts of all commits: of refs, then of this repository, then of its parents.

        Those of this repository are read in the order they lie in, which is quickest. What a
        listing does not show, as the commits of parent repositories, is followed from child
        to parent.
        """
        first = dict.fromkeys(tips)
        self.kept = self.tips
        yield from map(self._found, self.repository.commit_batches(first))
        self.kept = self.others
        rest = [c for c in self.stored.commits if c not in first]
        yield from map(self._found, self.repository.commit_batches(rest))
        for parent in list(self.elsewhere):
            yield self._history(parent)

    def _tombstones(self) -> Iterator[Fact]:
        for checksum in self.stored.tombstones:
            if checksum not in self.described:
                yield self._node(checksum, {"tombstone": True})

    def _history(self, at: Checksum | None) -> Iterator[Fact]:
        """Yield the facts of a commit and of its parents as far as they are here."""
        while at is not None and at not in self.described:
            found = self.repository.commit_or_why(at)
            if found is None:
                return
            yield from self._found([found])
            at = found.parent if isinstance(found, Commit) else None

    def _found(self, batch: Sequence[Commit | Unread]) -> list[Fact]:
        """Return the facts of some commits, read or not."""
        self.context.check()
        done = len(self.described)
        self.described.update([found.checksum for found in batch])
        if done // _EVERY != len(self.described) // _EVERY:
            self.context.progress(len(self.described), None, "commits")
        commits = [found for found in batch if isinstance(found, Commit)]
        facts = self._described(commits)
        if len(commits) < len(batch):
            facts += [self._unread(found) for found in batch if isinstance(found, Unread)]
        return facts

    def _unread(self, found: Unread) -> NodeFact:
        self.context.problem(f"commit {found.checksum}", str(found.why))
        return self._node(found.checksum, {"damaged": found.why.message})

    def _described(self, commits: list[Commit]) -> list[Fact]:
        """Return the facts of some commits: their nodes, then what these point at."""
        checksums = [c.checksum for c in commits]
        attrs = list(map(self._attributes, commits))
        labels = list(map(_label, commits, attrs))
        nodes = self.make.nodes(self.make.commits(checksums), labels, attrs)
        self.kept.keep(commits, nodes)
        return [*nodes, *self._parents(nodes, commits), *self._images(nodes)]

    def _parents(self, nodes: list[NodeFact], commits: list[Commit]) -> list[EdgeFact]:
        """Return the edges from commits to their parents."""
        parents = [c.parent for c in commits if c.parent]
        if not self.here.issuperset(parents):
            self.elsewhere.update(dict.fromkeys(p for p in parents if p not in self.here))
        starts = [n.id for n, c in zip(nodes, commits, strict=True) if c.parent]
        ends = self.make.commits(parents)
        layered = [bool(c.metadata) and metadata.is_layered(c) for c in commits if c.parent]
        if not any(layered):
            return self.follows(starts, ends)
        others = [not one for one in layered]
        return [
            *self.follows(list(compress(starts, others)), list(compress(ends, others))),
            *self.layered(list(compress(starts, layered)), list(compress(ends, layered))),
        ]

    def _images(self, nodes: list[NodeFact]) -> list[EdgeFact]:
        """Return the edges from commits to the images they were imported from."""
        named = [n for n in nodes if _IMAGE in n.attrs]
        if not named:
            return []
        images = [ids.image(ids.digest(n.attrs[_IMAGE])) for n in named]
        return self.imported([n.id for n in named], images)

    def _attributes(self, commit: Commit) -> dict[str, Any]:
        checksum = commit.checksum
        attrs: dict[str, Any] = {}
        wrong: list[str] = []
        if commit.metadata:
            attrs, wrong = metadata.attributes(commit)
            if _IMAGE in attrs and not ids.is_digest(attrs[_IMAGE]):
                wrong.append(f"metadata {metadata.MANIFEST_DIGEST} is no digest")
                del attrs[_IMAGE]
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
        if checksum in self.stored.detached or self.repository.parent:
            self._add_detached(checksum, attrs, wrong)
        for why in wrong:
            self.context.problem(f"commit {checksum}", why)
        return attrs

    def _add_detached(self, checksum: Checksum, attrs: dict[str, Any], wrong: list[str]) -> None:
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

    def _verified(self, budget: Budget) -> Iterator[Fact]:
        """Yield the nodes of commits whose trees turn out whole or damaged, tips first."""
        todo = self.tips.newest() + self.others.newest()
        more = self.tips.open + self.others.open - len(todo)
        verdicts = Verifier(self.repository, budget).verify(
            [told.root for told in todo], self.context, more
        )
        known: list[tuple[Told, Verdict]] = []
        for told, (root, verdict) in zip(todo, verdicts, strict=False):
            if verdict is Verdict.WHOLE:
                self.whole.add(root.checksum)
            if verdict is not Verdict.OPEN:
                known.append((told, verdict))
        for at in range(0, len(known), _TOGETHER):
            yield from self._again(known[at : at + _TOGETHER])

    def _again(self, known: list[tuple[Told, Verdict]]) -> list[NodeFact]:
        """Return the nodes of commits with what is known of their trees.

        Of two facts of one source and time the graph keeps the one that sorts last when
        encoded. "tree" sorts after "commit"; a damaged one sorts last because it has lost
        ``content``: a tree that is not whole is not compared with others.
        """
        attrs = [{**told.node.attrs, **_TOLD[verdict]} for told, verdict in known]
        for of in attrs:
            if "damaged" in of:
                of.pop("content", None)
        nodes = self.make.commits([told.root.checksum for told, _ in known])
        return self.make.nodes(nodes, [told.node.label for told, _ in known], attrs)

    # -- making facts --------------------------------------------------------------------

    def _node(self, checksum: Checksum, attrs: dict[str, Any]) -> NodeFact:
        (node,) = self.make.nodes(self.make.commits([checksum]), [checksum[:12]], [attrs])
        return node

    def _edge(self, start: ids.NodeId, end: ids.NodeId, kind: EdgeKind, why: Safe) -> EdgeFact:
        return EdgeFact(start, end, kind, Level.EXACT, self.source, self.seen, why)


def _label(commit: Commit, attrs: Mapping[str, Any]) -> str:
    """Return what a commit is called: its version or its subject, without either its checksum."""
    return attrs.get("version") or _title(commit.subject) or commit.checksum[:12]


def _title(subject: str) -> str:
    """Return the first line of a subject as `one_line` does."""
    # It is one line mostly, and then need not be looked through for others.
    plain = len(subject) <= _LINE and subject.isprintable()
    return subject.strip() if plain else one_line(subject)


_TOLD: Final = {
    Verdict.WHOLE: {"verified": "tree"},
    Verdict.DAMAGED: {"damaged": "an object of its tree is missing or does not hash to its name"},
}
