"""Taking: marks, the diff base, copies, exports.

Owns what is marked and what leaves the screen for a clipboard or a file. Nothing else here
writes, and an export never overwrites a file.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from treering.core import opening
from treering.core.errors import SourceError
from treering.core.files import from_os_error
from treering.core.ids import NodeId
from treering.present import copying, viewing
from treering.present.copying import Copyable
from treering.present.lines import Row, pad, span
from treering.tui.asking import Asking
from treering.tui.gatherer import Answer, World
from treering.tui.screens import Choice, Chooser


class Taking(Asking):
    """The verbs that take something along."""

    _anchor: int | None = None
    _copied: tuple[int, str] = (0, "")

    # -- marks ---------------------------------------------------------------------------

    def set_marks(self, marks: frozenset[NodeId]) -> None:
        """Mark exactly these nodes."""
        changed, self.marks = marks ^ self.marks, marks
        self.places.marked = marks
        self.places.refresh_nodes(changed)
        self.map.mark(marks)
        self.detail.lines.mark(marks)
        self.draw_top()

    def action_mark(self) -> None:
        """Mark what is under the cursor, or take its mark off; in a list go on to the next."""
        node = self.here()
        if node is None:
            self.say("only a thing can be marked, not a heading")
            return
        self.set_marks(self.marks ^ {node})
        if self.focused is self.places:
            self.places.action_move(1)

    def action_mark_range(self) -> None:
        """Begin a range, or mark everything from its beginning to here."""
        if self.focused is not self.places:
            self.focus_pane("places")
        if self._anchor is None:
            self._anchor = self.places.cursor
            self.say("v again marks from here to there, esc forgets it")
            return
        first, last = sorted((self._anchor, self.places.cursor))
        self._anchor = None
        self.set_marks(self.marks | frozenset(self.places.nodes_between(first, last)))
        self.say(f"{len(self.marks)} marked")

    def action_mark_all(self) -> None:
        """Mark everything that shows."""
        self.set_marks(self.marks | frozenset(self.places.shown_nodes()))
        self.say(f"{len(self.marks)} marked")

    def action_mark_none(self) -> None:
        """Take every mark off."""
        self.set_marks(frozenset())

    def action_escape(self) -> None:
        """Forget a range that was begun, or leave the nearest thing."""
        if self._anchor is not None:
            self._anchor = None
            self.hush()
            return
        super().action_escape()

    # -- the base of a diff --------------------------------------------------------------

    def action_base(self) -> None:
        """Make what is under the cursor the diff base; once more takes it back."""
        node = self.here()
        self.set_base(None if node == self.base else node)

    def set_base(self, node: NodeId | None) -> None:
        """Make a node the base of the next diff, and show it in the top line."""
        old, self.base = self.base, node
        self.places.base = node
        self.places.refresh_nodes(frozenset(n for n in (old, node) if n is not None))
        self.base_name = ""
        if node is not None:
            self._base_request = self.gatherer.ask("base", partial(_name, node))
        self.draw_top()

    _base_request = 0

    def base_named(self, answer: Answer) -> None:
        """Show what the base is called."""
        if answer.request == self._base_request and answer.value:
            self.base_name = answer.value
            self.draw_top()

    def action_diff(self) -> None:
        """Show what differs between two marked things, or the base and what is under the cursor."""
        if len(self.marks) == 2:  # noqa: PLR2004 -- a pair
            first, second = sorted(self.marks)
            pair = (first, second)
        else:
            node = self.here()
            if self.base is None or node is None or node == self.base:
                self.say("mark two things with space, or set a base with W; then d shows the diff")
                return
            pair = (self.base, node)
        self._pair = self.gatherer.ask("pair", partial(_paired, pair, self.base))

    _pair = 0

    def show_diff(self, answer: Answer) -> None:
        """Open the screen of a diff."""
        if answer.request != self._pair or answer.value is None:
            return
        from treering.tui.comparing import DiffScreen  # noqa: PLC0415 -- when first used

        pair, lent = answer.value
        self.app.push_screen(DiffScreen(pair, lent, self.shelf, self._publish), self._go_if)

    # -- copying -------------------------------------------------------------------------

    def action_copy(self) -> None:
        """Ask which of its names, digests, commands or links to copy."""
        self._copy_what("menu")

    def action_copy_name(self) -> None:
        """Copy its name."""
        self._copy_what("name")

    def _copy_what(self, how: str) -> None:
        node = self.here()
        if node is None:
            self.say("nothing is under the cursor")
            return
        question = partial(_copyables, self.view, node, self.base)
        self._copied = (self.gatherer.ask("copy", question), how)

    def show_copies(self, answer: Answer) -> None:
        """Offer what can be copied, or copy the name."""
        request, how = self._copied
        found: tuple[Copyable, ...] | None = answer.value
        if answer.request != request or not found:
            return
        if how == "name":
            self._copy(found[0].text)
            return
        choices = [
            Choice(
                Row(
                    one.name,
                    (
                        span(f"{one.key or ' '} ", "accent"),
                        span(pad(one.name, 20)),
                        span(one.text, "dim"),
                    ),
                ),
                one.text,
                key=one.key,
            )
            for one in found
        ]
        self.app.push_screen(Chooser("copy", choices), self._copy)

    def _copy(self, text: str | None) -> None:
        if text is None:
            return
        why = self.app.put_on_clipboard(text)  # type: ignore[attr-defined]
        if why:
            shown = [
                Choice(Row(str(n), (span(line),)), None) for n, line in enumerate(_wrapped(text))
            ]
            self.app.push_screen(Chooser(f"not copied, {why}; select it here", shown))
        else:
            self.say(f"copied {text}")

    def action_mouse(self) -> None:
        """Let the mouse choose, or let the terminal select text."""
        self.say(self.app.switch_mouse())  # type: ignore[attr-defined]

    # -- exporting -----------------------------------------------------------------------

    def action_export(self) -> None:
        """Ask for the name of the file."""
        self.action_palette("export text treering-view.txt")

    def give_more(self, word: str, rest: str) -> None:
        """Export, or what the application understands."""
        if word == "export":
            form, _, name = rest.partition(" ")
            self._export(form, name.strip())
        else:
            self.say(self.app.configure(word, rest))  # type: ignore[attr-defined]

    def _export(self, form: str, name: str) -> None:
        if form not in viewing.FORMS:
            self.say(f"export as one of {', '.join(viewing.FORMS)}")
            return
        path = Path(name or f"treering-view.{viewing.FORMS[form]}").expanduser()
        shown = viewing.Viewed(
            self.view, self.base, tuple(self.map.rows), tuple(self.detail.lines.rows)
        )
        data = self.app.export_screenshot() if form == "svg" else viewing.FORMATS[form](shown)
        try:
            write_new(path, data)
        except SourceError as error:
            self.say(f"not written: {error}")
        else:
            self.say(f"wrote {path}")


def write_new(path: Path, text: str) -> None:
    """Write a file that is not there yet. Raises a `SourceError`."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise from_os_error(error, str(path)) from error


def _name(node: NodeId, world: World) -> str:
    return copying.name_of(world.graph, node)


def _paired(pair: tuple[NodeId, NodeId], base: NodeId | None, world: World) -> object:
    """Return the pair to compare: the base first, or else the older one, and the graph to ask."""
    from treering.tui.comparing import Pair  # noqa: PLC0415 -- when first used

    a, b = pair
    if a != base and _made(world, b) < _made(world, a):
        a, b = b, a
    names = [copying.name_of(world.graph, node) for node in (a, b)]
    return Pair(a, b, " → ".join(names)), world.lent


def _made(world: World, node: NodeId) -> str:
    """Return when the first thing with a time that a node stands for was made."""
    for candidate in opening.candidates(world.graph, node):
        attrs = world.graph.attrs(candidate.node)
        made = attrs.get("created") or attrs.get("timestamp")
        if made:
            return str(made)
    return ""


def _copyables(view: object, node: NodeId, base: NodeId | None, world: World) -> object:
    return copying.texts(world.graph, view, node, base)  # type: ignore[arg-type]


def _wrapped(text: str, width: int = 70) -> list[str]:
    return [text[at : at + width] for at in range(0, len(text), width)] or [""]
