"""A terminal of the tests' own: obeys what treering may write, and nothing else.

It is strict where terminals differ: relative moves from an unknown place, from the last cell of a
line or after a character of unsure width are errors, and half a wide character is garbage.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from rich.cells import cell_len

GARBAGE = "\ufffd"
_TOKEN = re.compile(
    r"\x1b\[(?P<private>[?>]?)(?P<parameters>[\d;]*)(?P<final>[A-Za-z])"
    r"|\x1b\]8;(?P<link>[^\x1b]*)\x1b\\|(?P<text>[^\x1b])",
    re.DOTALL,
)
_RESETS = {
    "22": {"1", "2"},
    "23": {"3"},
    "24": {"4", "21"},
    "25": {"5", "6"},
    "27": {"7"},
    "28": {"8"},
    "29": {"9"},
    "54": {"51", "52"},
    "55": {"53"},
}
_SEEN_ON_A_BLANK = {"4", "5", "6", "7", "9", "21", "51", "52", "53"}


class Look(NamedTuple):
    attributes: frozenset[str] = frozenset()
    foreground: str = ""
    background: str = ""
    link: str = ""


class Shown(NamedTuple):
    """A cell as an eye sees it."""

    character: str = " "
    look: Look = Look()

    def seen(self) -> Shown:
        """The cell without what cannot be seen: of most blanks only the background can."""
        if self.character != " " or self.look.link:
            return self
        if not _SEEN_ON_A_BLANK.isdisjoint(self.look.attributes):
            return self
        return Shown(" ", Look(background=self.look.background))


@dataclass
class Emulator:
    """Cells, a cursor that may be nowhere, a pen and a scroll region."""

    width: int
    height: int
    erases_in_colour: bool = True
    measure: Callable[[str], int] = cell_len

    def __post_init__(self) -> None:
        self.rows = [[Shown() for _ in range(self.width)] for _ in range(self.height)]
        self.look = Look()
        self.x: int | None = None
        self.y: int | None = None
        self.after_last = False
        self.top, self.bottom = 0, self.height

    def feed(self, text: str) -> None:
        at = 0
        while at < len(text):
            token = _TOKEN.match(text, at)
            assert token, f"not understood: {text[at : at + 20]!r}"
            at = token.end()
            if token["final"]:
                self._control(token["private"], token["parameters"], token["final"])
            elif token["link"] is not None:
                self.look = self.look._replace(link="" if token["link"] == ";" else token[0])
            else:
                self._character(token["text"])

    def seen(self) -> list[list[Shown]]:
        return [[cell.seen() for cell in row] for row in self.rows]

    def _control(self, private: str, parameters: str, final: str) -> None:  # noqa: C901 -- a table
        assert not private, f"mode {parameters}{final}"
        numbers = [int(p) if p else None for p in parameters.split(";")]
        first = numbers[0] or 1
        match final:
            case "m":
                self._sgr(parameters)
            case "H":
                self._place((numbers[1] or 1) - 1 if len(numbers) > 1 else 0, first - 1)
            case "G":
                self._place(first - 1, self._row())
            case "d":
                self._place(self._column(), first - 1)
            case "C":
                self._place(self._column() + first, self._row())
            case "D":
                self._place(self._column() - first, self._row())
            case "r":
                last = numbers[1] if len(numbers) > 1 else None
                self.top, self.bottom = first - 1, last or self.height
                self.x = self.y = None
            case "S" | "T":
                self._scroll(first if final == "S" else -first)
            case "X":
                self._erase(self._column(), min(self.width, self._column() + first))
            case "K":
                assert not parameters
                self._erase(self._column(), self.width)
            case _:
                raise AssertionError(f"not understood: CSI {parameters}{final}")

    def _column(self) -> int:
        assert self.x is not None
        assert not self.after_last
        return self.x

    def _row(self) -> int:
        assert self.y is not None
        return self.y

    def _place(self, x: int, y: int) -> None:
        assert 0 <= x < self.width
        assert 0 <= y < self.height
        self.x, self.y, self.after_last = x, y, False

    def _blank(self) -> Shown:
        look = Look(background=self.look.background) if self.erases_in_colour else Look()
        return Shown(" ", look)

    def _scroll(self, lines: int) -> None:
        for _ in range(abs(lines)):
            empty = [self._blank() for _ in range(self.width)]
            if lines > 0:
                del self.rows[self.top]
                self.rows.insert(self.bottom - 1, empty)
            else:
                del self.rows[self.bottom - 1]
                self.rows.insert(self.top, empty)

    def _erase(self, start: int, stop: int) -> None:
        row = self.rows[self._row()]
        # As in tmux: a half that is left behind takes its neighbour with it when written over.
        if row[start].character == "":
            row[start - 1] = Shown(GARBAGE)
        row[start:stop] = [self._blank()] * (stop - start)

    @staticmethod
    def _halve(row: list[Shown], start: int, stop: int) -> None:
        if row[start].character == "":
            row[start - 1] = Shown(GARBAGE)
        if stop < len(row) and row[stop].character == "":
            row[stop] = Shown(GARBAGE)

    def _character(self, character: str) -> None:
        if character == "\r":
            self._place(0, self._row())
        elif character == "\n":
            assert self.x == 0, "a line feed that no carriage return went before"
            self._place(0, self._row() + 1)
        elif character == "\b":
            self._place(self._column() - 1, self._row())
        else:
            self._put(character, self.measure(character))

    def _put(self, character: str, width: int) -> None:
        row = self.rows[self._row()]
        if not width:
            at = self.width - 1 if self.after_last else self._column() - 1
            while row[at].character == "":
                at -= 1
            row[at] = Shown(row[at].character + character, row[at].look)
            return
        # Some character was wider here than its writer thought, if that is allowed.
        over = self.after_last and self.measure is not cell_len
        x = self.width - 1 if over else self._column()
        stop = min(self.width, x + width)
        self._halve(row, x, stop)
        row[x] = Shown(character, self.look)
        row[x + 1 : stop] = [Shown("", self.look)] * (stop - x - 1)
        self.x, self.after_last = (stop, False) if stop < self.width else (self.width - 1, True)

    def _sgr(self, parameters: str) -> None:
        codes = (parameters or "0").split(";")
        while codes:
            code = codes.pop(0)
            if code in {"38", "48"}:
                for _ in range(2 if codes[0] == "5" else 4):
                    code += ";" + codes.pop(0)
            self._sgr_code(code)

    def _sgr_code(self, code: str) -> None:
        attributes, foreground, background, link = self.look
        kind = code.split(";", maxsplit=1)[0]
        if kind == "0":
            attributes, foreground, background = frozenset(), "", ""
        elif kind in _RESETS:
            attributes -= _RESETS[kind]
        elif kind in {"39", "49"}:
            foreground = "" if kind == "39" else foreground
            background = "" if kind == "49" else background
        elif 30 <= int(kind) <= 38 or 90 <= int(kind) <= 97:
            foreground = code
        elif 40 <= int(kind) <= 48 or 100 <= int(kind) <= 107:
            background = code
        else:
            attributes |= {code}
        self.look = Look(attributes, foreground, background, link)
