"""The rows about the terminal that ``doctor`` shows.

Owns their words. Decides nothing: `terminal` does, for the screen as for these rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from treering.core.ports import Check
from treering.core.settings import ScreenConfig
from treering.core.text import safe
from treering.present import terminal
from treering.present.terminal import Choice, Clipboard


def rows(
    environ: Mapping[str, str], screen: ScreenConfig, *, tty: bool, encoding: str
) -> tuple[Check, ...]:
    """Return what the terminal can do and how the screen would use it.

    `encoding` is that of standard output, "" where it has none. Nothing here is a failure: a row
    is fine, or it only tells.
    """
    return tuple(_rows(environ, screen, tty=tty, encoding=encoding))


def _rows(
    environ: Mapping[str, str], screen: ScreenConfig, *, tty: bool, encoding: str
) -> Iterator[Check]:
    term = environ.get("TERM", "") or "of unknown type"
    shown = f"{term}, {encoding or 'unknown encoding'}"
    yield _tells("terminal", shown if tty else f"standard output is no terminal; {shown}")
    yield _tells("colours", terminal.colours(environ).value)
    link = terminal.link(environ, screen.link)
    yield _chosen("theme", terminal.theme(environ, screen.theme, slow=link.value == "slow"))
    yield _chosen("glyphs", terminal.glyphs(environ, screen.glyphs, encoding))
    yield _chosen("link", link)
    way = terminal.clipboard(environ, tty=tty)
    yield _chosen("clipboard", way, ok=None if way.value == Clipboard.NONE else True)
    yield _tells("mouse", "used" if screen.mouse else "left to the terminal")
    yield _tells("keys", f"{screen.keys}, {len(screen.remap)} of your own")


def _tells(name: str, detail: str) -> Check:
    return Check(safe(name), ok=None, detail=safe(detail))


def _chosen(name: str, choice: Choice, *, ok: bool | None = None) -> Check:
    return Check(safe(name), ok=ok, detail=safe(f"{choice.value}: {choice.why}"))
