"""Verifying whole trees: every directory and every file of a commit hashed once.

Owns which objects have been looked at, what was wrong with them, and the budget. Trees share
most of their objects, so one verifier serves all commits of a repository.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

import msgspec

from treering.adapters.ostree import content as contents
from treering.adapters.ostree.objects import Checksum
from treering.adapters.ostree.repo import Repository, object_name
from treering.adapters.ostree.tree import MAX_DEPTH
from treering.core.errors import LimitExceeded, SourceError
from treering.core.ports import ReadContext

_UNAVAILABLE: Final = (
    "no content object hashes to its name: content metadata is unavailable, "
    "as in a repository copied without owners and extended attributes"
)
_EVERY: Final = 200
_ENOUGH: Final = 3
"""Failures without one success from which a lossy copy, rather than damage, is concluded."""


class Verdict(Enum):
    """What is known of a commit's tree."""

    WHOLE = auto()
    """Every object is there and hashes to its name."""
    DAMAGED = auto()
    """At least one is missing or does not."""
    OPEN = auto()
    """The budget ended before, or what is hashed is not all there."""


class Root(msgspec.Struct, frozen=True, gc=False):
    """What of a commit is needed to verify its tree: its name, and its root directory."""

    checksum: Checksum
    tree: Checksum
    meta: Checksum


@dataclass(frozen=True, slots=True)
class Budget:
    """How much one read may verify; `tips` and `trees` are of commits with a ref and of others."""

    objects: int = 20_000
    content: int = 256 << 20
    tips: int = 1000
    trees: int = 100


VERIFY_BUDGET: Final = Budget()
"""What a read verifies beyond commits: at most 20,000 objects and 256 MiB of file content, of the
newest 1,000 commits that refs name and of the newest 100 others. A further read goes on."""


class _Exhausted(Exception):
    """The budget does not allow the next object."""


@dataclass(slots=True)
class _Directory:
    """A directory on the way down: where it is, what is left to do in it, what was found."""

    checksum: bytes
    path: str
    dirs: list[tuple[str, bytes, bytes]]
    whole: bool = True


@dataclass(slots=True)
class Verifier:
    """Verifies trees of one repository within a budget, which each `verify` fills again."""

    repository: Repository
    budget: Budget = VERIFY_BUDGET
    _objects: int = 0
    _bytes: int = 0
    _content_good: int = 0
    _known: dict[tuple[str, bytes], bool] = field(default_factory=dict)
    _whole: set[tuple[Checksum, Checksum]] = field(default_factory=set)
    _suspects: list[tuple[str, str]] = field(default_factory=list)

    def verify(
        self, roots: Sequence[Root], context: ReadContext, more: int = 0
    ) -> Iterator[tuple[Root, Verdict]]:
        """Yield a verdict for each tree, in turn, until the budget ends.

        Each damaged or missing object goes to `context.problem` once, and how many commits were
        not verified to `context.note`: of these, and of `more` that are not to be. Raises
        `Cancelled`.
        """
        self._objects, self._bytes = self.budget.objects, self.budget.content
        lossy = contents.loses_metadata(self.repository.config.mode)
        found: list[tuple[Root, Verdict]] = []
        rest = more
        for at, root in enumerate(roots):
            context.check()
            try:
                whole = self._walk(root, context)
            except _Exhausted:
                rest += len(roots) - at
                break
            found.append((root, Verdict.WHOLE if whole else Verdict.DAMAGED))
        if rest:
            total = len(roots) + more
            context.note(f"the files of {rest} of {total} commits were not verified")
        if lossy and len(self._suspects) >= _ENOUGH and not self._content_good:
            context.problem(str(self.repository.path), _UNAVAILABLE)
            found = [(r, Verdict.OPEN) for r, _ in found]
        else:
            for subject, why in self._suspects:
                context.problem(subject, why)
        self._suspects.clear()
        yield from found

    def _walk(self, root: Root, context: ReadContext) -> bool:
        """Walk one tree; return whether all of it is whole."""
        if (root.tree, root.meta) in self._whole:
            return True
        where = f"in commit {root.checksum[:12]}"
        top = _Directory(b"", "", [("", bytes.fromhex(root.tree), bytes.fromhex(root.meta))])
        stack = [top]
        while stack:
            here = stack[-1]
            if not here.dirs:
                stack.pop()
                if stack:
                    self._known["dirtree", here.checksum] = here.whole
                    stack[-1].whole &= here.whole
                continue
            name, tree, meta = here.dirs.pop()
            path = f"{here.path}/{name}" if name else ""
            at = f"{path or '/'} {where}"
            here.whole &= self._check("dirmeta", meta, at, context)
            known = self._known.get(("dirtree", tree))
            if known is not None:
                here.whole &= known
            elif len(stack) > MAX_DEPTH:
                context.problem(at, f"directories are nested deeper than {MAX_DEPTH}")
                here.whole = False
            elif (entered := self._enter(tree, path, where, context)) is None:
                here.whole = False
            else:
                stack.append(entered)
        if top.whole:
            self._whole.add((root.tree, root.meta))
        return top.whole

    def _enter(self, tree: bytes, path: str, where: str, context: ReadContext) -> _Directory | None:
        """Read a directory and verify its files; None when it cannot be read."""
        self._spend(context)
        try:
            listed = self.repository.dirtree(tree.hex())
        except SourceError as error:
            self._blame("dirtree", tree, f"{path or '/'} {where}", error, context)
            return None
        here = _Directory(tree, path, listed.dirs)
        suffix = contents.suffix(self.repository.config.mode)
        for name, content in listed.files:
            here.whole &= self._check(suffix, content, f"{path}/{name} {where}", context)
        return here

    def _check(self, suffix: str, name: bytes, at: str, context: ReadContext) -> bool:
        """Verify a dirmeta or a content object once."""
        known = self._known.get((suffix, name))
        if known is not None:
            return known
        self._spend(context)
        try:
            if suffix == "dirmeta":
                self.repository.dirmeta(name.hex())
            else:
                self._check_content(name.hex())
        except SourceError as error:
            self._blame(suffix, name, at, error, context)
            return False
        self._known[suffix, name] = True
        return True

    def _check_content(self, name: str) -> None:
        content = self.repository.content(name)
        if content.size > self._bytes:
            raise _Exhausted
        self._bytes -= content.size
        self.repository.verify_described(content)
        self._content_good += 1

    def _spend(self, context: ReadContext) -> None:
        """Take one object off the budget."""
        if not self._objects:
            raise _Exhausted
        context.check()
        self._objects -= 1
        if self._objects % _EVERY == 0:
            done = self.budget.objects - self._objects
            context.progress(done, self.budget.objects, "objects verified at most")

    def _blame(
        self, suffix: str, name: bytes, at: str, error: SourceError, context: ReadContext
    ) -> None:
        """Take note of a bad object."""
        self._known[suffix, name] = False
        subject = f"object {object_name(name.hex(), suffix)}"
        why = f"{error.message}; it is {at}"
        if suffix == "file" and not isinstance(error, LimitExceeded):
            self._suspects.append((subject, why))
        else:
            context.problem(subject, why)
