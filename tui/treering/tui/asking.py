"""Asking: filter and search, what uses a thing, the palette, help, what went wrong.

Owns the boxes that answer. Whatever they offer was asked of the gatherer; late answers are
dropped.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import partial
from itertools import islice
from typing import Any

from treering.core.errors import TreeringError, UnknownName, UsageError
from treering.core.gates import LEDGER
from treering.core.ids import NodeId
from treering.core.text import safe
from treering.present import links, nodes, reach
from treering.present.commands import (
    BY_ID,
    MENU,
    PRESETS,
    Command,
    Group,
    keys_of,
    refusal,
)
from treering.present.detail import Tab
from treering.present.filtering import parse
from treering.present.lines import Row, pad, span
from treering.present.links import Target
from treering.present.places import Item, Place
from treering.tui.gatherer import Answer, World
from treering.tui.screens import Choice, Chooser
from treering.tui.walking import Walking
from treering.tui.widgets.bar import Bar
from treering.tui.widgets.filter import FilterLine
from treering.tui.widgets.places import matches_of

_MANY = 5000
"""Items beyond which a filter runs in a thread of its own."""

_OFFERED = 40


class Asking(Walking):
    """The verbs that ask."""

    _filter_epoch = 0
    _chooser: tuple[str, int, Chooser] | None = None

    # -- filter and search ---------------------------------------------------------------

    def action_filter(self) -> None:
        """Open the filter of the places, or the search of the pane with the focus."""
        self.hush()
        self._searched = None if self.focused is self.places else self.focused
        field = self.query_one(FilterLine)
        field.value = self.places.filter.typed if self._searched is None else ""
        field.display = True
        self.query_one("#crumbs", Bar).display = False
        self.set_focus(field)

    _searched: Any = None

    def on_input_changed(self) -> None:
        """Filter while typing."""
        chosen = parse(self.query_one(FilterLine).value)
        if self._searched is None:
            self.apply_filter()
        else:
            self._searched.search(chosen.pattern)

    def apply_filter(self) -> None:
        """Show what the filter lets through; a long list is searched in a thread of its own."""
        chosen = parse(self.query_one(FilterLine).value)
        items = self.places.items
        self._filter_epoch += 1
        if len(items) <= _MANY:
            self._filtered(self._filter_epoch, items, chosen, matches_of(items, chosen))
        else:
            epoch = self._filter_epoch

            def search() -> None:
                found = matches_of(items, chosen)
                self.app.call_from_thread(self._filtered, epoch, items, chosen, found)

            threading.Thread(target=search, name="filter", daemon=True).start()

    def _filtered(
        self, epoch: int, items: Sequence[Item], chosen: Any, found: Sequence[int] | None
    ) -> None:
        if epoch == self._filter_epoch and items is self.places.items:
            self.places.filtered(chosen, found)
            self.draw_places_title()
            self.follow_places()
            if chosen.error:
                self.say(chosen.error)

    def follow_places(self) -> None:
        """Look at what is under the cursor of the places."""
        item = self.places.item
        if item is not None and item.node is not None and item.node != self.view.node:
            self.look_at(self.view.on(item.node))

    def action_keep_filter(self) -> None:
        """Keep the filter and go back to the list; a search goes to its first match."""
        searched = self._searched
        self._close_filter()
        self.set_focus(searched or self.places)
        if searched is not None and not searched.next_match(1):
            self.say("nothing here matches")

    def _close_filter(self) -> None:
        self.query_one(FilterLine).display = False
        self.query_one("#crumbs", Bar).display = True

    def clear_filter(self) -> bool:
        """Take the filter or search away; tell whether there was one."""
        field = self.query_one(FilterLine)
        was_open = bool(field.display)
        if was_open:
            self._close_filter()
            self.set_focus(self._searched or self.places)
        cleared = False
        for rows in (self.map, self.detail.lines):
            cleared |= rows.searching
            rows.search(None)
        if self.places.filter.typed:
            field.value = ""
            self.apply_filter()
            cleared = True
        return cleared or was_open

    def action_match(self, step: int) -> None:
        """Go to the next match, or the one before."""
        pane = self.focused
        found = pane.match(step) if pane is self.places else pane.next_match(step)  # type: ignore[union-attr]
        if not found:
            self.say("nothing is searched for, or nothing matches: / searches")

    # -- boxes ---------------------------------------------------------------------------

    def open_box(self, slot: str, box: Chooser, request: int, take: Any) -> None:
        """Open a box whose rows the gatherer is asked for."""
        self._chooser = (slot, request, box)

        def taken(value: Any) -> None:
            self._chooser = None
            if value is not None:
                take(value)

        self.app.push_screen(box, taken)

    def box_answered(self, answer: Answer) -> bool:
        """Give an answer to the box that waits for it; tell whether there was one."""
        waits = self._chooser
        if waits is None or waits[0] != answer.slot:
            return False
        if answer.request == waits[1] and answer.value is not None:
            waits[2].offer(answer.value)
        return True

    # -- what uses it, what it came from -------------------------------------------------

    def action_used_by(self) -> None:
        """List everything that uses what is under the cursor."""
        self._list_reach(reach.users, always=True)

    def action_came_from(self) -> None:
        """Go to what it came from; where that is several things, list them."""
        self._list_reach(reach.origins, always=False)

    def _list_reach(self, question: Any, *, always: bool) -> None:
        node = self.here()
        if node is None:
            self.say("nothing is under the cursor")
            return
        self._reach = (
            self.gatherer.ask("reach", lambda world: question(world.graph, node)),
            always,
        )

    _reach: tuple[int, bool] = (0, False)

    def show_reach(self, answer: Answer) -> None:
        """Show the answer as a list to choose from, or go to the only one."""
        request, always = self._reach
        found: reach.Reach | None = answer.value
        if answer.request != request or found is None:
            return
        if not found.rows:
            self.say(found.title if always else "nothing is known of where it came from")
        elif len(found.rows) == 1 and not always and found.rows[0].node is not None:
            self.go_to(found.rows[0].node)
        else:
            choices = [Choice(row, row.node) for row in found.rows]
            self.app.push_screen(Chooser(found.title, choices), self._go_if)

    def _go_if(self, node: NodeId | None) -> None:
        if node is not None:
            self.go_to(node)

    # -- palette -------------------------------------------------------------------------

    def action_palette(self, text: str = "") -> None:
        """Open the palette: names to go to, and every command."""
        choices = [
            Choice(_command_row(c), c, refusal(c, audit=self.audit))
            for c in self.commands
            if not c.lists
        ]
        choices += [Choice(_word_row(w, d), w) for w, d in _WORDS]
        box = Chooser(
            "go to a name or link, or give a command",
            choices,
            typing=True,
            text=text,
            ask=self._ask_names,
            take_typed=_typed,
        )
        self.open_box("names", box, 0, self._take_palette)

    def _ask_names(self, text: str) -> None:
        if self._chooser is not None and self._chooser[0] == "names":
            request = self.gatherer.ask("names", partial(_names, text.strip()))
            self._chooser = ("names", request, self._chooser[2])

    def _take_palette(self, value: Any) -> None:
        if isinstance(value, Command):
            self.call_later(self.run_command, value)
        elif isinstance(value, Target):
            self._look_up(value)
        else:
            self.call_later(self.give, str(value))

    async def run_command(self, command: Command) -> None:
        """Do what a command does."""
        refused = refusal(command, audit=self.audit)
        if refused:
            self.say(f"{command.words}: {refused}")
        else:
            await self.run_action(command.action)

    def give(self, text: str) -> None:
        """Do what was typed into the palette."""
        word, _, rest = text.strip().partition(" ")
        if word in set(Place):
            self.action_place(word)
        elif word in set(Tab):
            self.show_tab(Tab(word))
        elif word in {"q", "quit"}:
            self.action_quit_now()
        elif word == "go":
            self._go(rest)
        else:
            self.give_more(word, rest.strip())

    def _go(self, text: str) -> None:
        try:
            target = links.parse(text)
        except UsageError as error:
            self.say(str(error))
        else:
            self._look_up(target)

    def action_quit_now(self) -> None:
        """Leave at once."""

    def give_more(self, word: str, rest: str) -> None:
        """Do what the rest of the screen understands."""
        self.say(f"there is no command {safe(word, 40)} {safe(rest, 40)}")

    def _look_up(self, target: Target) -> None:
        self._target = (self.gatherer.ask("target", partial(_resolve, target)), target)

    _target: tuple[int, Target] | None = None

    def show_target(self, answer: Answer) -> None:
        """Go where a link or a typed name leads."""
        if self._target is None or answer.request != self._target[0]:
            return
        target = self._target[1]
        if isinstance(answer.value, str) or answer.value is None:
            self.say(answer.value or "that is not here")
            return
        node, base = answer.value
        if target.place is not None and target.place is not self.view.place:
            self.remember()
            self.show_place(target.place)
        if base is not None:
            self.set_base(base)
        if node is not None:
            self.go_to(node, tab=target.tab, path=target.path)

    def set_base(self, node: NodeId | None) -> None:
        """Make a node the base of the next diff."""
        self.base = node

    # -- menu, help, what happened -------------------------------------------------------

    def action_menu(self) -> None:
        """List every action on what is under the cursor; what is impossible says why."""
        node = self.here()
        choices = []
        for command in self.commands:
            if BY_ID[command.id] in MENU:
                refused = refusal(command, audit=self.audit)
                if node is None and not refused:
                    refused = "nothing is under the cursor"
                key = command.keys[0] if command.keys else ""
                choices.append(Choice(_command_row(command, refused), command, refused, key))
        self.app.push_screen(Chooser("actions", choices), self._take_menu)

    def _take_menu(self, command: Command | None) -> None:
        if command is not None:
            self.call_later(self.run_command, command)

    def action_help(self) -> None:
        """Show every key and what it does; typing searches."""
        choices = []
        for group in Group:
            choices.append(Choice(Row(group, (span(group.value, "head"),)), None))
            choices += [
                Choice(_command_row(c, refusal(c, audit=self.audit)), None)
                for c in self.commands
                if c.group is group
            ]
        choices += [Choice(Row(text, (span(text, "dim"),)), None) for text in _LEGEND]
        self.app.push_screen(Chooser("help: / searches, q closes", choices))

    def action_log(self) -> None:
        """Show what was asked of systems and what was done: in this version, nothing but asking."""
        entries = LEDGER.entries[-_LOGGED:]
        choices = [
            Choice(
                Row(
                    str(n),
                    (
                        span(f"{e.gate} ", "kind"),
                        span(e.what),
                        span("" if e.allowed else "  refused", "bad"),
                    ),
                ),
                None,
            )
            for n, e in enumerate(entries)
        ]
        title = f"asked: {len(LEDGER.entries)} requests and processes; changed: nothing"
        self.app.push_screen(Chooser(title, choices or [_nothing("nothing was asked yet")]))

    def action_faults(self) -> None:
        """Show every source that could not be read, and every object."""
        choices = []
        for status in self.session.reading.status.values():
            row = Row(status.name, nodes.source_line(status))
            hint = f" ({status.hint})" if status.hint else ""
            choices.append(Choice(row, None))
            if status.error:
                choices.append(_nothing(f"  {status.error}{hint}", "bad"))
            choices += [_nothing(f"  {p.subject}: {p.why}", "warn") for p in status.problems]
            choices += [_nothing(f"  {note}") for note in status.notes]
        self.app.push_screen(
            Chooser("sources, and what could not be read", choices or [_nothing("no source")])
        )

    def action_absent(self, name: str) -> None:
        """Say why a command cannot be given."""
        command = BY_ID[name]
        self.say(f"{command.words}: {refusal(command, audit=self.audit)}")


_LOGGED = 2000
_LEGEND = (
    "evidence: exact (content proves it), attested (a verified signature says so),",
    "declared (a label claims it), inferred (names or times suggest it)",
)
_WORDS = (
    ("export text", "write the view to a file: export text|json|svg [FILE]"),
    ("export svg", "write a picture of the screen to a file"),
    ("export json", "write the view as JSON to a file"),
    *((f"theme {name}", "change the colours") for name in (
        "treering-dark", "treering-light", "ansi", "colourblind", "mono",
    )),
    *((f"keys {name}", "change the keys to a preset") for name in PRESETS),
    ("mouse off", "let the terminal select text"),
    ("mouse on", "let the mouse choose"),
)  # fmt: skip


_TAKING = frozenset({"go", "export", "theme", "keys", "mouse"})


def _command_row(command: Command, refused: str = "") -> Row:
    style = "dim" if refused else ""
    why = span(f"  {refused}", "warn") if refused else span("")
    return Row(
        command.id,
        (span(pad(keys_of(command), 16), "accent"), span(command.words, style), why),
    )


def _word_row(word: str, words: str) -> Row:
    return Row(word, (span(pad(f":{word}", 22), "accent"), span(words)))


def _nothing(text: str, style: str = "dim") -> Choice:
    return Choice(Row(text, (span(text, style),)), None)


def _typed(text: str) -> str | None:
    """Return what was typed if it is a command as it stands."""
    word, _, rest = text.strip().partition(" ")
    alone = word in set(Place) | set(Tab) | {"q", "quit"} and not rest
    return text if alone or (word in _TAKING and rest) else None


def _names(text: str, world: World) -> list[Choice]:
    """Return the nodes that may be meant by what was typed."""
    if not text:
        return []
    target = text.partition("?")[0]
    found = dict.fromkeys(world.names.matches(target))
    for node in islice(world.names.find(target), _OFFERED):
        found.setdefault(world.graph.canonical(node))
    return [
        Choice(Row(n, tuple(nodes.node_spans(world.graph.node(n)))), Target(n))
        for n in islice(found, _OFFERED)
    ]


def _resolve(target: Target, world: World) -> tuple[NodeId | None, NodeId | None] | str:
    """Return the nodes a target names, or why they are not found."""
    try:
        node = world.names.resolve(target.name) if target.name else None
        base = world.names.resolve(target.base) if target.base else None
    except UnknownName as error:
        near = f"; did you mean {', '.join(error.candidates[:3])}?" if error.candidates else ""
        return f"{error.message}{near}"
    except TreeringError as error:
        return str(error)
    return node, base
