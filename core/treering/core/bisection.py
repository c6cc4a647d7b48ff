"""The search for the first bad version in a row of them.

Owns which version is tried next and what is known after each trial, as git-bisect(1) does on a
straight line. Decides only; who runs what is the caller's. Frozen: a trial makes a new state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from treering.core.errors import UsageError
from treering.core.ids import NodeId

SKIP = 125
"""The exit code by which a trial says that it cannot tell (git-bisect(1), "Bisect run")."""
_LAST = 127


class Verdict(StrEnum):
    """What a trial says of a version."""

    GOOD = "good"
    BAD = "bad"
    SKIPPED = "skipped"


def verdict_of(code: int) -> Verdict:
    """Return what an exit code says. Raises `UsageError` for 128 and more, and for a signal."""
    if code == 0:
        return Verdict.GOOD
    if code == SKIP:
        return Verdict.SKIPPED
    if 0 < code <= _LAST:
        return Verdict.BAD
    said = f"by signal {-code}" if code < 0 else f"with {code}"
    raise UsageError(f"the command ended {said}: that is no verdict", "0 good, 125 skip, 1-127 bad")


@dataclass(frozen=True, slots=True)
class Bisection:
    """Versions, the oldest first, and what is known of them; the first is good, the last bad."""

    versions: Sequence[NodeId]
    known: Mapping[int, Verdict] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise `UsageError` unless there are two versions at least."""
        if len(self.versions) < 2:  # noqa: PLR2004 -- two ends
            raise UsageError("the good and the bad version are one")

    @property
    def good(self) -> int:
        """The place of the last version known to be good."""
        return max((at for at, v in self.known.items() if v is Verdict.GOOD), default=0)

    @property
    def bad(self) -> int:
        """The place of the first version known to be bad."""
        last = len(self.versions) - 1
        return min((at for at, v in self.known.items() if v is Verdict.BAD), default=last)

    @property
    def suspects(self) -> tuple[NodeId, ...]:
        """The versions of which one is the first bad one."""
        return tuple(self.versions[self.good + 1 : self.bad + 1])

    @property
    def next(self) -> int | None:
        """The place to try: that in the middle, or the nearest to it that was not skipped."""
        middle = (self.good + self.bad) // 2
        untried = [at for at in range(self.good + 1, self.bad) if at not in self.known]
        return min(untried, key=lambda at: (abs(at - middle), at), default=None)

    @property
    def found(self) -> NodeId | None:
        """The first bad version once it is known."""
        return self.versions[self.bad] if self.bad - self.good == 1 else None

    def tried(self, at: int, verdict: Verdict) -> Bisection:
        """Return what is known after a trial."""
        return replace(self, known={**self.known, at: verdict})
