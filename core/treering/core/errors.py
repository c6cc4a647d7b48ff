"""The error tree. Each class owns the exit code the command line ends with.

    TreeringError
    ├── UsageError (2)            the command, a name, the configuration or an input is wrong
    │   ├── UnknownName             nothing is called that
    │   ├── AmbiguousName           several things are called that
    │   ├── ConfigError             treering.toml or an option cannot be used
    │   └── InputError              a file given by hand cannot be used
    ├── SourceError (3)           a source, or one object in it, could not be read
    │   ├── Unreachable             nothing answers there, or not in time
    │   ├── NotPermitted            it is there and may not be read
    │   ├── NotRecognised           it is there and is not what it was said to be
    │   ├── Damaged                 an object is not what its name promises
    │   └── LimitExceeded           reading on would cost more than the cap allows
    ├── Refused (4)               policy, a stale plan, a gate or audit mode says no
    ├── OutcomeUnknown (5)        a change was started and its result was not seen
    └── Cancelled (130)           the operator stopped it

Adapters raise these from the original error and never let a library's own through.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar

from treering.core.text import Safe, safe


class Exit(IntEnum):
    """Exit codes of the command line."""

    DONE = 0
    DIFFERENT = 1
    USAGE = 2
    SOURCE = 3
    REFUSED = 4
    UNKNOWN = 5
    BUG = 70
    CANCELLED = 130


class TreeringError(Exception):
    """Something went wrong that a person can be told about.

    `message` says what failed, `hint` what to do next; both are safe to print.
    """

    exit_code: ClassVar[Exit] = Exit.USAGE

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message: Safe = safe(message)
        self.hint: Safe = safe(hint)

    def __str__(self) -> str:
        """Return the message followed by the hint."""
        return f"{self.message} ({self.hint})" if self.hint else self.message


class UsageError(TreeringError):
    """The command line, a name, the configuration or an input is wrong."""


class UnknownName(UsageError):
    """Nothing in the graph is called that; `candidates` are near names."""

    def __init__(self, message: str, hint: str = "", candidates: tuple[str, ...] = ()) -> None:
        super().__init__(message, hint)
        self.candidates = tuple(safe(c) for c in candidates)


class AmbiguousName(UnknownName):
    """Several things are called that; `candidates` are their ids."""


class ConfigError(UsageError):
    """The configuration file or an option cannot be used as written."""


class InputError(UsageError):
    """A file named on the command line cannot be used."""


class SourceError(TreeringError):
    """A source, or one object in it, could not be read."""

    exit_code = Exit.SOURCE


class Unreachable(SourceError):
    """Nothing answers at the location, or not within the time allowed."""


class NotPermitted(SourceError):
    """The location exists and this user may not read it."""


class NotRecognised(SourceError):
    """The location exists and does not hold what was asked for."""


class Damaged(SourceError):
    """An object is not what its digest, size or format promises."""


class LimitExceeded(SourceError):
    """Reading on would pass a cap on size, depth or count."""


class Refused(TreeringError):
    """A gate, a policy or audit mode does not allow it."""

    exit_code = Exit.REFUSED


class OutcomeUnknown(TreeringError):
    """A change was started and its result could not be observed."""

    exit_code = Exit.UNKNOWN


class Cancelled(TreeringError):
    """The operator or a deadline stopped the work."""

    exit_code = Exit.CANCELLED
