"""The clipboard of whoever sits in front of the terminal, also over ssh: OSC 52.

Owns the sequence, how it gets through tmux and GNU screen, and what may be copied. Starts no
process and reads no clipboard. A terminal that ignores the sequence says nothing, so success is
only ever "sent"; where not even that is possible the caller shows the text instead.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from textual.app import App

from treering.present import terminal
from treering.present.terminal import Clipboard
from treering.tui.terminal import driver

LIMIT = 74_994
"""The most base64 sent: terminals cut or drop longer sequences (xterm and others at 100,000)."""

_PIECE = 76
"""What one string through GNU screen carries; it drops strings of more than 768 bytes."""


@dataclass(frozen=True, slots=True)
class Copy:
    """What copying a text comes to: the sequence to write, or why there is none.

    With `ok`, `why` is what else the operator may have to do.
    """

    sequence: str
    ok: bool
    why: str = ""


def sequence(text: str, environ: Mapping[str, str], *, tty: bool = True) -> Copy:
    """Return what to write so that `text` is in the clipboard.

    Only text in one line without control characters: pasted into a shell, a line feed is a
    command.
    """
    if not text.isprintable():
        return Copy("", ok=False, why="the text holds control characters")
    way = terminal.clipboard(environ, tty=tty)
    if way.value == Clipboard.NONE:
        return Copy("", ok=False, why=way.why)
    encoded = base64.b64encode(text.encode()).decode("ascii")
    if len(encoded) > LIMIT:
        why = f"the text has {len(text)} characters, too many for the clipboard of a terminal"
        return Copy("", ok=False, why=why)
    plain = f"\x1b]52;c;{encoded}\x07"
    if way.value == Clipboard.TMUX:
        return Copy(plain + _through_tmux(plain), ok=True, why=way.why)
    if way.value == Clipboard.SCREEN:
        return Copy(_through_screen(plain), ok=True)
    return Copy(plain, ok=True)


def _through_tmux(plain: str) -> str:
    """Wrap a sequence for tmux, which hands it on where ``allow-passthrough`` is on.

    The bare sequence goes before it: with ``set-clipboard on`` tmux takes that one itself.
    """
    return f"\x1bPtmux;{plain.replace(chr(0x1B), chr(0x1B) * 2)}\x1b\\"


def _through_screen(plain: str) -> str:
    """Wrap a sequence for GNU screen, in strings short enough for it."""
    pieces = (plain[start : start + _PIECE] for start in range(0, len(plain), _PIECE))
    return "".join(f"\x1bP{piece}\x1b\\" for piece in pieces)


def copy(app: App[Any], text: str, environ: Mapping[str, str]) -> Copy:
    """Send `text` to the clipboard and return what came of it."""
    found = sequence(text, environ, tty=driver.driver_of(app) is not None)
    if found.ok:
        driver.write(app, found.sequence)
    return found
