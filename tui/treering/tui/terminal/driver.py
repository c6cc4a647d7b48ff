"""The driver under the application: raw bytes, and the mouse.

Owns the names private to Textual that both need. Without a driver, or before it has started,
nothing is written.
"""

from __future__ import annotations

from typing import Any

from textual.app import App
from textual.driver import Driver


def driver_of(app: App[Any]) -> Driver | None:
    """Return the driver of an application that writes to a terminal, else None."""
    driver = app._driver  # noqa: SLF001 -- Textual has no public way to write a sequence
    return None if driver is None or driver.is_headless else driver


def write(app: App[Any], sequence: str) -> bool:
    """Write a sequence to the terminal; tell whether there is one to write to."""
    driver = driver_of(app)
    if driver is None:
        return False
    driver.write(sequence)
    driver.flush()
    return True


def attributes_before(app: App[Any]) -> list[Any] | None:
    """Return how the terminal was set (termios) before the application started."""
    return getattr(driver_of(app), "attrs_before", None)


def set_mouse(app: App[Any], *, on: bool) -> bool:
    """Let the application have the mouse, or the terminal, which then selects text.

    Tell whether anything changed. What is set stays set when the process is suspended and comes
    back: the driver asks `_mouse` whenever it starts.
    """
    driver = driver_of(app)
    if driver is None or driver._mouse is on:  # noqa: SLF001 -- see above
        return False
    driver._mouse = True  # noqa: SLF001 -- the two below do nothing without it
    if on:
        driver._enable_mouse_support()  # type: ignore[attr-defined] # noqa: SLF001 -- see above
    else:
        driver._disable_mouse_support()  # type: ignore[attr-defined] # noqa: SLF001 -- see above
        write(app, "\x1b[?1016l")
    driver._mouse = on  # noqa: SLF001 -- see above
    return True
