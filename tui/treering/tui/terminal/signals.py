"""How the terminal is given back: after a signal, and after a crash.

Owns what ``SIGTERM`` and ``SIGHUP`` do and the sequences that undo all an application may have
set. Textual gives the terminal back when it ends by itself; this is for when it does not.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from textual.app import App

from treering.tui.terminal import driver

SIGNALS = (signal.SIGTERM, signal.SIGHUP)

GRACE = 2.0
"""Seconds the application has to leave by itself after a signal."""

_UNDOING = (
    "\x1b[?2026l",  # end of synchronised output
    "\x1b[0m",  # no colours, no attributes
    "\x1b[r",  # no scroll region
    "\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1015l\x1b[?1016l",  # no mouse
    "\x1b[?1004l",  # no reports of focus
    "\x1b[?2004l",  # no bracketed paste
    "\x1b[?2048l",  # no reports of size
    "\x1b[<u",  # kitty's keyboard protocol, before the screen it belongs to
    "\x1b[?7h",  # lines wrap
    "\x1b[?1049l",  # the main screen, and its cursor where it was
    "\x1b[?25h",  # the cursor shows
)
RESET = "".join(_UNDOING)
"""What undoes everything Textual, and the painting of cells, set on a terminal."""


def attributes() -> list[Any] | None:
    """Return how the terminal is set (termios), None when standard input is no terminal."""
    try:
        return termios.tcgetattr(sys.__stdin__.fileno()) if sys.__stdin__ else None
    except (termios.error, OSError, ValueError):
        return None


def give_back(before: list[Any] | None) -> None:
    """Write the reset and set the terminal as it was before; never raises.

    The bytes go to the file the driver writes to, past its queue: it may be what hangs.
    """
    with suppress(OSError, ValueError, termios.error):
        if before is not None and sys.__stdin__:
            termios.tcsetattr(sys.__stdin__.fileno(), termios.TCSANOW, before)
    with suppress(OSError, ValueError):
        if sys.__stderr__ and sys.__stderr__.isatty():
            os.write(sys.__stderr__.fileno(), RESET.encode("ascii"))


@contextmanager
def guarded() -> Iterator[None]:
    """Give the terminal back when what runs inside ends without having done so.

    What signals did before they do again.
    """
    before, handlers = attributes(), {number: signal.getsignal(number) for number in SIGNALS}
    try:
        yield
    finally:
        if _in_charge():
            for number, handler in handlers.items():
                signal.signal(number, handler)
        if before is not None and not _same(attributes(), before):
            give_back(before)


def _same(now: list[Any] | None, before: list[Any]) -> bool:
    """Tell whether nothing is left of the raw mode; control characters may differ."""
    return now is not None and now[:4] == before[:4]


def install(app: App[Any]) -> None:
    """Make ``SIGTERM`` and ``SIGHUP`` leave the application, with exit code 128 + number.

    Call it from the running application. The second signal ends the process at once, and so does
    a clean end that takes longer than `GRACE`; the terminal is given back all the same. The
    handlers run between byte codes, so they work while the event loop is busy.
    """
    loop, before = asyncio.get_running_loop(), driver.attributes_before(app)
    asked = threading.Event()

    def leave(number: int, _frame: FrameType | None) -> None:
        if asked.is_set() or loop.is_closed():
            _end(number, before)
        asked.set()
        last = threading.Timer(GRACE, _end, (number, before))
        last.daemon = True
        last.start()
        loop.call_soon_threadsafe(app.exit, 128 + number, 128 + number)

    if not _in_charge() or driver.driver_of(app) is None:
        return
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup wants it
            signal.signal(number, leave)


def _in_charge() -> bool:
    """Tell whether this thread may say what signals do."""
    return threading.current_thread() is threading.main_thread()


def _end(number: int, before: list[Any] | None) -> None:
    give_back(before)
    os._exit(128 + number)
