"""The application: themes, keys, the terminal, and how it leaves.

Owns nothing a screen owns. Built-in actions that write files or press keys by name are switched
off: nothing a foreign label could name may do anything.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.color import Color
from textual.events import CursorPosition
from textual.filter import LineFilter
from textual.screen import Screen
from textual.widgets import Static

from treering.core.errors import ConfigError, TreeringError
from treering.core.settings import ScreenConfig
from treering.core.text import safe
from treering.present import terminal as deciding
from treering.present.commands import COMMANDS, PRESETS, Command, keyed
from treering.tui.bindings import keymap
from treering.tui.painting.hook import CellPainting
from treering.tui.terminal import clipboard, crashes, driver, filters, signals, themes
from treering.tui.terminal.link import Link, Meter, decided

if TYPE_CHECKING:
    from treering.core.session import Session
    from treering.tui.screen import MainScreen


_AS_IT_COMES = ScreenConfig()


class VisibleControls(LineFilter):
    """The last line of defence: no segment leaves with a character a terminal obeys."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        """Return the segments with every control character written out."""
        return [s if s.control or s.text.isprintable() else _visible(s) for s in segments]


def _visible(segment: Segment) -> Segment:
    style: Style | None = segment.style
    return Segment(safe(segment.text), style)


class Waiting(Screen[None]):
    """What shows until the screen and what it reads are put together."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("q,ctrl+c", "leave", "quit", show=False)]
    DEFAULT_CSS = "Waiting { background: $background; }"

    def compose(self) -> ComposeResult:
        """Say who is there."""
        yield Static("treering  reading …", markup=False)

    def action_leave(self) -> None:
        """Leave before anything was read."""
        self.app.exit(0)


class TreeringApp(CellPainting, App[int]):
    """treering on the screen.

    It opens on a session, or on what makes one: then it paints first and asks after that, since
    looking for sources and importing what reads them takes longer than a person waits for a sign.
    """

    TITLE = "treering"
    ENABLE_COMMAND_PALETTE = False

    def __init__(
        self, session: Session | Callable[[], Session], settings: ScreenConfig = _AS_IT_COMES
    ) -> None:
        super().__init__()
        self.animation_level = "none"
        self.link: Link | None = None
        self.trouble: Exception | None = None
        self._meter = Meter()
        self._ascii = False
        self._mouse = settings.mouse
        self._desk: MainScreen | None = None
        self.commands: Sequence[Command] = COMMANDS
        self._settings = settings
        if callable(session):
            self._make: Callable[[], Session] | None = session
            self._suit(settings)
        else:
            self._make = None
            self._take(session)

    def _take(self, session: Session) -> None:
        """Take a session and make its screen."""
        from treering.tui.screen import MainScreen  # noqa: PLC0415 -- after the first paint

        if self._make is None:
            self._suit(session.screen)
        self._desk = MainScreen(session)
        self._desk.commands = self.commands

    def _suit(self, settings: ScreenConfig) -> None:
        """Look and listen as the settings say."""
        self._settings = settings
        # While it runs the application captures sys.stdout; this is the terminal's own.
        encoding = getattr(sys.__stdout__, "encoding", None)
        glyphs = deciding.glyphs(os.environ, settings.glyphs, encoding or "utf-8")
        self._ascii = glyphs.value == "ascii"
        if settings.painting == "stock":
            self.painting = False
        self.link = self.link or decided(os.environ, settings.link)
        self.commands = keyed(settings.keys, dict(settings.remap))
        self.set_keymap(keymap(self.commands))
        self._dress()

    def _dress(self) -> None:
        slow = self.link is not None and self.link.slow
        chosen = deciding.theme(os.environ, self._settings.theme, slow=slow)
        themes.plug(self, self._settings.themes, chosen.value)

    def get_default_screen(self) -> Screen[Any]:
        """Open on the one screen, or on a sign that it comes."""
        return self._desk or Waiting()

    @property
    def desk(self) -> MainScreen:
        """The one screen, whatever stands over it."""
        if self._desk is None:
            raise RuntimeError("there is no session yet")
        return self._desk

    async def on_mount(self) -> None:
        """Take charge of the terminal, and find out how far away it is."""
        signals.install(self)
        if self.link is None:
            self.run_worker(self._measure(), exit_on_error=False)
        else:
            self._linked(self.link)
        if self._make is not None:
            self.call_after_refresh(self._prepare)

    async def _prepare(self) -> None:
        """Make the session and show its screen; what is wrong with it ends the application."""
        if self._make is None:
            return
        try:
            self._take(self._make())
        except (TreeringError, OSError) as error:
            self.trouble = error
            self.exit(0)
            return
        if self.link is not None:
            self._linked(self.link)
        await self.push_screen(self.desk)

    async def _measure(self) -> None:
        self._linked(await self._meter.measure(self))

    def on_cursor_position(self, event: CursorPosition) -> None:
        """Take the terminal's answer to the question how far away it is."""
        self._meter.answered(event)

    def _linked(self, link: Link) -> None:
        self.link = link
        if self._desk is not None:
            self._desk.debounce = link.debounce
            self._desk.gatherer.every = link.publish_every
        if link.slow:
            self._dress()

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Give themes that are not treering's the colours of rows."""
        return themes.variable_defaults()

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Add the last line of defence to Textual's own filters."""
        mono = self.theme == "mono"
        found = filters.line_filters(
            super().get_line_filters(), ascii_glyphs=self._ascii, mono=mono
        )
        return [*found, VisibleControls()]

    def copy_to_clipboard(self, text: str) -> None:
        """Copy what was selected in a field, by the same rules as anything else."""
        clipboard.copy(self, text, os.environ)

    def _fatal_error(self) -> None:
        """Say what crashed, without what the variables held."""
        crashes.report(self)

    # -- what the screen asks of the application -----------------------------------------

    def put_on_clipboard(self, text: str) -> str:
        """Copy a text; return why that is impossible, or "" when it was sent."""
        done = clipboard.copy(self, text, os.environ)
        return "" if done.ok else done.why

    def configure(self, word: str, value: str) -> str:
        """Change a setting until the end; return what came of it, in words."""
        if word == "theme" and value in self.available_themes:
            self.theme = value
        elif word == "keys" and value in PRESETS:
            try:
                self.commands = keyed(value, dict(self._settings.remap))
            except ConfigError as error:
                return str(error)
            self.set_keymap(keymap(self.commands))
            self.desk.commands = self.commands
            self.desk.draw_frame()
        elif word == "mouse" and value in {"on", "off"}:
            self._mouse = value == "on"
            driver.set_mouse(self, on=self._mouse)
        else:
            return f"there is no {safe(word, 40)} {safe(value, 40)}"
        return f"{word} {value}"

    def switch_mouse(self) -> str:
        """Let the mouse choose, or let the terminal select text; return which it is now."""
        return self.configure("mouse", "off" if self._mouse else "on")

    def action_redraw(self) -> None:
        """Draw everything again: something else has written on the terminal."""
        self.forget_terminal()
        self.screen.refresh(layout=True)

    def action_screenshot(self, filename: str | None = None, path: str | None = None) -> None:
        """Write nothing."""

    async def action_simulate_key(self, key: str) -> None:
        """Press nothing."""


def open_app(session: Callable[[], Session], settings: ScreenConfig) -> int:
    """Run the screen and return the exit code. Raises what went wrong with the session."""
    with signals.guarded():
        app = TreeringApp(session, settings)
        result = app.run(mouse=settings.mouse)
    if app.trouble is not None:
        raise app.trouble
    return int(app.return_code or 0) if result is None else result
