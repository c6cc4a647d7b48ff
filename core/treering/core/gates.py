"""Gates: the allowlists through which bytes leave treering, and the ledger of what left.

Owns the frozen rules for HTTP requests and processes and the record of every one made. A
request no rule names raises, in every mode; in audit mode only rules marked as reading count.
The gates that move bytes are in the adapters and may not bypass `Gate.pass_through`.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from treering.core.errors import Refused
from treering.core.text import Safe, safe


@dataclass(frozen=True, slots=True)
class HttpRule:
    """Requests of one method whose whole path matches a pattern. Query strings do not count."""

    method: str
    path: re.Pattern[str]
    reads: bool = True

    def allows(self, method: str, path: str) -> bool:
        """Tell whether the rule names this request."""
        return method == self.method and self.path.fullmatch(path) is not None


@dataclass(frozen=True, slots=True)
class ArgvRule:
    """Processes whose arguments match patterns one by one.

    `argv` are patterns for each argument in turn; the last may be followed by any number of
    arguments that match `rest`.
    """

    argv: tuple[re.Pattern[str], ...]
    rest: re.Pattern[str] | None = None
    reads: bool = True

    def allows(self, argv: Sequence[str]) -> bool:
        """Tell whether the rule names this process."""
        if len(argv) < len(self.argv) or (self.rest is None and len(argv) > len(self.argv)):
            return False
        if not all(p.fullmatch(a) for p, a in zip(self.argv, argv, strict=False)):
            return False
        tail = argv[len(self.argv) :]
        return self.rest is None or all(self.rest.fullmatch(a) for a in tail)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ledger: which gate, what was asked, and whether it was let through."""

    gate: Safe
    what: Safe
    allowed: bool
    reads: bool


@dataclass(slots=True)
class Ledger:
    """Every request and process of this run, in order. Safe to use from several threads."""

    limit: int = 100_000
    entries: list[Entry] = field(default_factory=list)
    dropped: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, entry: Entry) -> None:
        """Append a line; beyond `limit` lines are counted in `dropped` instead."""
        with self._lock:
            if len(self.entries) < self.limit:
                self.entries.append(entry)
            else:
                self.dropped += 1


LEDGER = Ledger()
"""The ledger of this process."""


class Gate:
    """One kind of traffic of one adapter, with its frozen rules.

    >>> gate = Gate("docker", [HttpRule("GET", re.compile("/_ping"))])
    >>> gate.http("GET", "/_ping")
    """

    def __init__(
        self,
        name: str,
        rules: Iterable[HttpRule | ArgvRule],
        *,
        audit: bool = False,
        ledger: Ledger = LEDGER,
    ) -> None:
        self.name = safe(name)
        self.rules = tuple(rules)
        self.audit = audit
        self.ledger = ledger

    def http(self, method: str, path: str) -> None:
        """Record a request and let it through. Raises `Refused` when no rule names it."""
        rule = next(
            (r for r in self.rules if isinstance(r, HttpRule) and r.allows(method, path)), None
        )
        self._decide(rule, f"{method} {path}")

    def argv(self, argv: Sequence[str]) -> None:
        """Record a process and let it start. Raises `Refused` when no rule names it."""
        rule = next((r for r in self.rules if isinstance(r, ArgvRule) and r.allows(argv)), None)
        self._decide(rule, " ".join(argv))

    def _decide(self, rule: HttpRule | ArgvRule | None, what: str) -> None:
        allowed = rule is not None and (rule.reads or not self.audit)
        reads = rule is not None and rule.reads
        self.ledger.add(Entry(self.name, safe(what, 500), allowed, reads))
        if not allowed:
            reason = "audit mode reads only" if rule is not None else "it is on no allowlist"
            raise Refused(f"{self.name} gate refuses {safe(what, 200)}: {reason}")
