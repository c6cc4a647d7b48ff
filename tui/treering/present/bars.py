"""The three lines of the frame: top, crumbs, keys.

Owns what they say and what is left out first where there is little room.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from treering.core.reading import DONE, SourceStatus, State
from treering.core.text import Safe, safe
from treering.present.commands import BY_ID, FOOTER, Command, written
from treering.present.lines import Line, Span, cut_middle, line_width, span


@dataclass(frozen=True, slots=True)
class Top:
    """What the top line is made of. `at` is when what shows was put together, in seconds."""

    scope: str
    audit: bool
    nodes: int
    statuses: Sequence[SourceStatus]
    at: float | None = None
    base: str = ""
    marked: int = 0


def top_line(top: Top, width: int) -> Line:
    """Return the top line: mode first, then what is missing, then the rest as far as it fits."""
    mode: Span = span(" AUDIT " if top.audit else " WRITE ", "match" if top.audit else "accent")
    parts: list[Span] = [_reading(top), *_trouble(top)]
    if top.base:
        parts.append(span(f"base {cut_middle(top.base, 30)}", "accent"))
    if top.marked:
        parts.append(span(f"{top.marked} marked", "accent"))
    line: Line = (span("treering "), mode)
    for part in parts:
        if line_width((*line, part)) + 2 <= width:
            line = (*line, span("  "), part)
    room = width - line_width(line) - 2
    return (*line, span("  "), span(_end(top.scope, room), "dim")) if room >= _LEAST else line


_LEAST = 6


def _reading(top: Top) -> Span:
    waiting = [s for s in top.statuses if s.state not in DONE]
    count = f"{top.nodes} node{'s' * (top.nodes != 1)}"
    if waiting:
        return span(f"{count}, reading {len(waiting)} of {len(top.statuses)}", "busy")
    live = "live" if any(s.live for s in top.statuses) else "read"
    when = f" {datetime.fromtimestamp(top.at, UTC):%H:%M:%S} UTC" if top.at is not None else ""
    return span(f"{count}, {live}{when}")


def _trouble(top: Top) -> list[Span]:
    failed = sum(1 for s in top.statuses if s.state is State.FAILED)
    partial = sum(1 for s in top.statuses if s.state is State.PARTIAL)
    spans = []
    if failed:
        spans.append(span(f"✗ {failed} source{'s' * (failed != 1)} failed", "bad"))
    if partial:
        spans.append(span(f"! {partial} partial", "warn"))
    return spans


def _end(text: str, cells: int) -> Safe:
    """Return the end of a text: of a path the last part says most."""
    shown = safe(text)
    return shown if len(shown) <= cells else safe(f"…{shown[len(shown) - cells + 1 :]}")


def crumbs(parts: Sequence[str], width: int) -> Line:
    """Return where one is; the first parts go when there is no room for all."""
    shown = list(parts)
    while len(shown) > 1 and len(" > ".join(shown)) > width - 2:
        shown.pop(0)
    spans: list[Span] = [span(" ")]
    for number, part in enumerate(shown):
        last = number == len(shown) - 1
        if number:
            spans.append(span(" > ", "dim"))
        spans.append(span(part, "accent" if last else "dim"))
    return tuple(spans)


def keys_line(commands: Sequence[Command], width: int) -> tuple[Line, tuple[str, ...]]:
    """Return the line of keys and the command each of its spans stands for."""
    by_id = {command.id: command for command in commands}
    spans: list[Span] = []
    named: list[str] = []
    for name in FOOTER:
        command = by_id.get(name, BY_ID[name])
        if not command.keys:
            continue
        parts = [span(written(command.keys[0]), "accent"), span(f" {command.footer}  ")]
        if line_width((*spans, *parts)) - 2 <= width:
            spans += parts
            named += [name, name]
    return tuple(spans), tuple(named)
