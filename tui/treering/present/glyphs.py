"""Glyphs in ASCII, for terminals and locales that have nothing else.

Owns one table: every glyph beyond ASCII that treering or Textual draws, and the one cell it
becomes. Marks that tell states apart stay apart. What is not in the table came from outside and
becomes question marks, as many as it had cells, so that no column moves.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from rich.cells import cell_len

_LOOKS_LIKE: Mapping[str, str] = {
    # Frames and branches.
    "-": "─━╌╍┄┅┈┉═╴╶╸╺▔▀—―",
    "|": "│┃╎╏┆┇┊┋║╵╷╹╻▏▎▍▌▋▊▉▐▕",
    "+": "┌┐┏┓├┤┣┫┬┴┳┻┼╋┷╪╫╭╮╔╗╠╣╦╩╬✓✔⊕",
    "`": "└┗╚╰",
    "'": "┘┛╝╯",
    # Blocks: bars, scroll bars, the borders of inputs.
    "_": "▁▂▃",
    "=": "▄▅▆▇≡≈",
    "#": "█▓▒▙▛▜▟■◼◆",
    ":": "░▖▗▘▝⋮",
    # States. Booted and not, half and whole, done and failed must differ.
    "*": "●•★◉⬤",
    "o": "○◦◯⭘◌◇□☐",
    "%": "◐◑◒◓",
    "x": "✗✘×☒✕✖",  # noqa: RUF001 -- a glyph, no letter
    "!": "⚠‼≠",
    "@": "⟳↻",
    # Directions and folds.
    ">": "→▸▶►‣»⇒↳⟶",
    "<": "←◂◀◄«⇐⟵",
    "^": "↑▴▲⇧",
    "v": "↓▾▼⇩",
    # Words.
    "~": "…⋯",
    ".": "·∙⋅",
    "?": "�",
}
ASCII: Mapping[str, str] = {glyph: cell for cell, glyphs in _LOOKS_LIKE.items() for glyph in glyphs}
"""Every glyph that is drawn, and the cell of ASCII it becomes."""


@lru_cache(maxsize=4096)
def ascii_only(text: str) -> str:
    """Return `text` in ASCII and in exactly as many cells.

    A letter with combining marks is one question mark, not the bare letter: two names that differ
    must not be shown as the same name by leaving something out.
    """
    if text.isascii():
        return text
    cells: list[str] = []
    for character in text:
        size = 1 if character in ASCII or character.isascii() else cell_len(character)
        if size == 0 and cells:
            cells[-1] = "?"
        else:
            cells += ASCII.get(character, character if character.isascii() else "?" * size)
    whole = cell_len(text)
    return "".join(cells)[:whole].ljust(whole, "?")
