"""A small application with everything of `treering.tui.terminal` plugged in.

Started as a program by tests in tests/real; the argument names what should go wrong.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence

from textual.app import App, ComposeResult
from textual.drivers.linux_driver import LinuxDriver
from textual.events import CursorPosition, Key
from textual.filter import LineFilter
from textual.widgets import Input, Static

from treering.present import terminal
from treering.tui.terminal import clipboard, crashes, driver, filters, link, signals, themes


class Plugged(App[int]):
    """Says what it decided, and does what keys ask."""

    CSS = "Input { border: round $border; } #state { color: $tree-good; height: 1; }"
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, trouble: str) -> None:
        super().__init__()
        self.trouble = trouble
        self.animation_level = "none"
        self.meter = link.Meter()
        themes.plug(self, (), terminal.theme(os.environ).value)
        glyphs = terminal.glyphs(os.environ, encoding=sys.__stdout__.encoding)
        self.ascii_glyphs = glyphs.value == "ascii"

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return themes.variable_defaults()

    def get_line_filters(self) -> Sequence[LineFilter]:
        own = super().get_line_filters()
        mono = self.theme == "mono"
        return filters.line_filters(own, ascii_glyphs=self.ascii_glyphs, mono=mono)

    def compose(self) -> ComposeResult:
        yield Static("● started → …", id="state")
        yield Input(id="typed")

    def _fatal_error(self) -> None:
        crashes.report(self)

    async def on_mount(self) -> None:
        signals.install(self)
        self.run_worker(self.measure())

    async def measure(self) -> None:
        found = link.decided(os.environ, "auto") or await self.meter.measure(self)
        if found.slow:
            self.theme = terminal.theme(os.environ, slow=True).value
        self.query_one("#state", Static).update(f"● link-{found.name} theme-{self.theme} →")
        if self.trouble == "hang":
            time.sleep(60)  # noqa: ASYNC251 -- a loop that is stuck is the trouble
        if self.trouble == "raise":
            secret = "pass" + "word"
            raise ValueError(f"a-crash \x1b]0;x\x07 {len(secret)}")

    def on_cursor_position(self, event: CursorPosition) -> None:
        self.meter.answered(event)

    def on_key(self, event: Key) -> None:
        if event.key == "f2":
            driver.set_mouse(self, on=False)
        elif event.key == "f3":
            driver.set_mouse(self, on=True)
        elif event.key == "f4":
            clipboard.copy(self, "sha256:9f31c2", os.environ)
        elif event.key == "ctrl+z":
            self.action_suspend_process()


def main() -> int:
    app = Plugged(sys.argv[1] if len(sys.argv) > 1 else "")
    if app.trouble == "die":

        def die(_driver: LinuxDriver) -> None:
            raise SystemExit(71)

        LinuxDriver.stop_application_mode = die  # type: ignore[method-assign]
    with signals.guarded():
        result = app.run()
    return result or app.return_code or 0


if __name__ == "__main__":
    sys.exit(main())
