"""The look of a cell, and the shortest change from one look to another.

Owns SGR and OSC 8 (ECMA-48 8.3.117; the "Hyperlinks in terminal emulators" note). A look is read
from what Textual would have written, so every colour system and filter works unseen.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

CSI = "\x1b["
_LINK_END = "\x1b]8;;\x1b\\"
_LINK = re.compile(r"\x1b\]8;[^\x1b\x07]+\x1b\\")
_SGR = re.compile(r"\x1b\[([\d;]*)m")

_OFF = {"1": "22", "2": "22", "3": "23", "4": "24", "7": "27", "9": "29"}
"""Attributes every terminal switches off alone. The rest go by a full reset."""

_SEEN_ON_A_BLANK = frozenset({"4", "5", "6", "7", "9", "21", "51", "52", "53"})


class Pen(NamedTuple):
    """The look of a cell, as the parameters of SGR; empty is the terminal's default.

    A tuple and no dataclass: rows of pens are compared and hashed many thousand times a second.
    """

    attributes: tuple[str, ...] = ()
    foreground: str = ""
    background: str = ""
    link: str = ""


PLAIN = Pen()


@lru_cache(maxsize=8192)
def one(pen: Pen) -> Pen:
    """Return the one object for a look, so that rows can be compared by identity, which is quick.

    Should two objects ever stand for one look, some cells are written that need not be.
    """
    return pen


@lru_cache(maxsize=4096)
def blank(pen: Pen) -> Pen:
    """Return the look that a space written with `pen` has: of most pens only the background."""
    if pen.link or not _SEEN_ON_A_BLANK.isdisjoint(pen.attributes):
        return pen
    return one(Pen(background=pen.background))


def read(written: str) -> Pen:
    """Return the pen in force where the first character stands, in text Textual has rendered."""
    link = _LINK.match(written)
    sgr = _SGR.match(written, link.end() if link else 0)
    attributes, foreground, background = _parameters(sgr[1] if sgr else "")
    return one(Pen(attributes, foreground, background, link[0] if link else ""))


def _parameters(codes: str) -> tuple[tuple[str, ...], str, str]:
    attributes: list[str] = []
    foreground = background = ""
    rest = codes.split(";") if codes else []
    while rest:
        code, *rest = rest
        if code in {"38", "48"}:
            length = 2 if rest[:1] == ["5"] else 4
            code, rest = ";".join([code, *rest[:length]]), rest[length:]
        ground = code.split(";", 1)[0]
        if len(ground) == 1 or ground in {"21", "51", "52", "53"}:
            attributes.append(code)
        elif ground[0] == "3" or (ground[0] == "9" and len(ground) > 1):
            foreground = "" if code == "39" else code
        else:
            background = "" if code == "49" else code
    return tuple(code for code in attributes if code != "0"), foreground, background


@lru_cache(maxsize=8192)
def change(old: Pen, new: Pen) -> str:
    """Return what turns the terminal's pen from `old` into `new`."""
    link = "" if old.link == new.link else new.link or _LINK_END
    if old[:3] == new[:3]:
        return link
    reset = _sgr([*new.attributes, new.foreground, new.background], "0")
    if not _OFF.keys() >= {*old.attributes, *new.attributes}:
        return link + reset
    return link + min(_sgr(_delta(old, new)), reset, key=len)


def _delta(old: Pen, new: Pen) -> list[str]:
    off = {_OFF[code] for code in old.attributes if code not in new.attributes}
    # Bold and faint go off together; what stays is said again.
    on = [c for c in new.attributes if c not in old.attributes or _OFF[c] in off]
    codes = [*sorted(off), *on]
    if old.foreground != new.foreground:
        codes.append(new.foreground or "39")
    if old.background != new.background:
        codes.append(new.background or "49")
    return codes


def _sgr(codes: list[str], first: str = "") -> str:
    said = [code for code in (first, *codes) if code]
    return f"{CSI}m" if said == ["0"] else f"{CSI}{';'.join(said)}m"
