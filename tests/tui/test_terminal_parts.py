"""Clipboard, filters and link: what they write, and when they do not."""

from __future__ import annotations

import base64
import re
import signal

import pytest
from rich.segment import ControlType, Segment
from rich.style import Style
from textual.app import App, ComposeResult
from textual.color import Color
from textual.events import CursorPosition
from textual.filter import ANSIToTruecolor, LineFilter, Monochrome, NoColor
from textual.widgets import Input

from treering.tui.terminal import clipboard, driver, filters, link, signals
from treering.tui.terminal.clipboard import LIMIT

XTERM = {"TERM": "xterm-256color"}
TMUX = {"TERM": "tmux-256color", "TMUX": "/run/tmux,1,0"}
SCREEN = {"TERM": "screen", "STY": "1.pts-0.host"}
BLACK = Color(0, 0, 0)


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize("text", ["sha256:9f31c2", "", "naïve/界:1", "a b\\u{1b}"])
def test_a_terminal_is_sent_the_exact_text(text: str) -> None:
    found = clipboard.sequence(text, XTERM)
    assert found == clipboard.Copy(f"\x1b]52;c;{encoded(text)}\x07", ok=True)


def test_tmux_gets_it_bare_and_wrapped_with_escapes_doubled() -> None:
    found = clipboard.sequence("x", TMUX)
    plain = f"]52;c;{encoded('x')}\x07"
    assert found.ok
    assert found.sequence == f"\x1b{plain}\x1bPtmux;\x1b\x1b{plain}\x1b\\"
    assert "set-clipboard on" in found.why
    assert "allow-passthrough on" in found.why


@pytest.mark.parametrize("length", [0, 1, 51, 52, 5000])
def test_screen_gets_pieces_that_are_the_whole(length: int) -> None:
    found = clipboard.sequence("x" * length, SCREEN)
    pieces = re.findall("\x1bP(.*?)\x1b\\\\", found.sequence, re.DOTALL)
    assert "".join(f"\x1bP{piece}\x1b\\" for piece in pieces) == found.sequence
    assert "".join(pieces) == f"\x1b]52;c;{encoded('x' * length)}\x07"
    assert max(map(len, pieces)) < 768


@pytest.mark.parametrize(
    ("text", "environ", "tty", "why"),
    [
        ("a\x1b]52;c;eA==\x07", XTERM, True, "control characters"),
        ("rm -rf x\n", XTERM, True, "control characters"),
        ("a\u202eb", XTERM, True, "control characters"),
        ("a\x9bb", XTERM, True, "control characters"),
        ("x", XTERM, False, "no terminal"),
        ("x", {"TERM": "linux"}, True, "knows no clipboard"),
        ("x" * LIMIT, XTERM, True, "too many"),
    ],
)
def test_what_cannot_be_copied_says_why(
    text: str, environ: dict[str, str], tty: bool, why: str
) -> None:
    found = clipboard.sequence(text, environ, tty=tty)
    assert (found.ok, found.sequence) == (False, "")
    assert why in found.why


def test_the_limit_is_of_base64() -> None:
    fits = LIMIT // 4 * 3
    assert clipboard.sequence("x" * fits, XTERM).ok
    assert not clipboard.sequence("x" * (fits + 1), XTERM).ok


async def test_without_a_terminal_nothing_is_written_and_nothing_breaks() -> None:
    app = App[None]()
    assert not driver.write(app, "x")
    async with app.run_test():
        assert not driver.write(app, "x")
        assert not driver.set_mouse(app, on=False)
        assert not clipboard.copy(app, "x", XTERM).ok
        assert (await link.Meter().measure(app)).name == "fast"
        signals.install(app)


def test_a_line_in_ascii_keeps_styles_controls_and_width() -> None:
    style = Style(bold=True)
    control = Segment("é", None, [(ControlType.BELL,)])
    line = [Segment("a"), Segment("├─ 界…", style), control]
    shown = filters.AsciiGlyphs().apply(line, BLACK)
    assert shown == [Segment("a"), Segment("+- ??~", style), control]


def test_no_colour_leaves_the_rest_of_a_style_and_shows_grounds() -> None:
    style = Style(color="red", bgcolor="default", bold=True, underline=True)
    ground = Style(color="red", bgcolor="#123456", dim=True)
    shown = filters.Colourless().apply(
        [Segment("x", style), Segment(" ", ground), Segment("y")], BLACK
    )
    assert shown == [
        Segment("x", Style(bold=True, underline=True)),
        Segment(" ", Style(dim=True, reverse=True)),
        Segment("y"),
    ]


@pytest.mark.parametrize(
    ("ascii_glyphs", "mono", "added"),
    [
        (False, False, []),
        (True, False, [filters.AsciiGlyphs]),
        (True, True, [filters.Colourless, filters.AsciiGlyphs]),
    ],
)
def test_the_filters_of_an_application(
    ascii_glyphs: bool, mono: bool, added: list[type[LineFilter]]
) -> None:
    from rich.terminal_theme import DIMMED_MONOKAI

    own = [ANSIToTruecolor(DIMMED_MONOKAI), Monochrome(), NoColor()]
    found = filters.line_filters(own, ascii_glyphs=ascii_glyphs, mono=mono)
    assert [type(f) for f in found] == [ANSIToTruecolor, *added]
    again = filters.line_filters(own, ascii_glyphs=ascii_glyphs, mono=mono)
    assert all(one is other for one, other in zip(found, again, strict=True))


class Framed(App[None]):
    """Textual's own borders and scroll bars."""

    CSS = "Screen { overflow-y: scroll; } Input { border: tall red; } #b { border: round red; }"

    def get_line_filters(self) -> list[LineFilter]:
        own = super().get_line_filters()
        return filters.line_filters(own, ascii_glyphs=True, mono=False)

    def compose(self) -> ComposeResult:
        for number in range(20):
            yield Input("…", id="b" if number == 1 else None)


async def test_a_whole_screen_is_ascii() -> None:
    app = Framed()
    async with app.run_test():
        lines = app.screen._compositor.render_strips()
        assert all(line.text.isascii() for line in lines)
        assert any("+---" in line.text for line in lines)
        assert len({line.cell_length for line in lines}) == 1


@pytest.mark.parametrize(
    ("round_trip", "name"), [(0.0, "fast"), (0.1, "fast"), (0.101, "slow"), (None, "slow")]
)
def test_a_round_trip_is_judged(round_trip: float | None, name: str) -> None:
    found = link.judge(round_trip)
    assert (found.name, found.round_trip, found.slow) == (name, round_trip, name == "slow")
    assert found.why


def test_a_slow_link_draws_less() -> None:
    fast, slow = link.profile("fast"), link.profile("slow")
    assert slow.debounce > fast.debounce
    assert slow.publish_every >= 2 > fast.publish_every


def test_what_is_known_is_not_measured() -> None:
    remote = {"SSH_CONNECTION": "::1 1 ::1 22"}
    assert link.decided(remote, "auto") is None
    local, asked = link.decided({}, "auto"), link.decided(remote, "slow")
    assert local is not None
    assert asked is not None
    assert (local.name, asked.name) == ("fast", "slow")


def test_an_answer_nobody_waits_for_is_nothing() -> None:
    link.Meter().answered(CursorPosition(0, 0))


def test_signals_do_again_what_they_did_before() -> None:
    before = [signal.getsignal(number) for number in signals.SIGNALS]
    with signals.guarded():
        signal.signal(signal.SIGTERM, lambda _number, _frame: None)
    assert [signal.getsignal(number) for number in signals.SIGNALS] == before


def test_giving_back_what_is_no_terminal_is_no_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    signals.give_back(None)
    monkeypatch.setattr("sys.__stderr__", None)
    monkeypatch.setattr("sys.__stdin__", None)
    signals.give_back([0])
    assert signals.attributes() is None
