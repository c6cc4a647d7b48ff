"""One grid turned into another.

Owns the choice between scrolling first and not: each way is written out, and the shortest is taken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from treering.tui.painting.cells import Grid
from treering.tui.painting.pens import CSI, PLAIN, Pen, blank
from treering.tui.painting.runs import Writer
from treering.tui.painting.shifts import Band, Shift, guesses, shifted
from treering.tui.painting.terminal import Terminal


def frame(old: Grid, new: Grid, terminal: Terminal, bands: Iterable[Band] = ()) -> str:
    """Return what turns a terminal that shows `old` into one that shows `new`.

    Begins and ends with the terminal's default pen, wherever the cursor is. `bands` are the columns
    in which to look for what scrolled.
    """
    found = guesses(old, new, bands) if terminal.scrolls else []
    best: Writer | None = None
    for shift in (*found, None):
        writer = _by(old, new, terminal, shift, best.size if best else None)
        if best is None or writer.size < best.size:
            best = writer
    return best.text if best else ""


def _by(old: Grid, new: Grid, terminal: Terminal, shift: Shift | None, limit: int | None) -> Writer:
    """Write the frame, after a shift if there is one; stop where it is not below a limit."""
    writer = Writer(terminal)
    if shift is not None:
        fill = _fill(new, shift) if terminal.erases_in_colour else PLAIN
        old = shifted(old, shift, fill)
        writer.take(fill)
        writer.write(_scroll(shift, new.height))
        writer.lost()
    for y, (before, after) in enumerate(zip(old.rows, new.rows, strict=True)):
        if before is not after:
            writer.row(y, before, after)
        if limit is not None and writer.size >= limit:
            return writer
    writer.take(PLAIN)
    return writer


def _fill(new: Grid, shift: Shift) -> Pen:
    """Return the background most blanks have where rows come in."""
    lines = min(abs(shift.lines), shift.bottom - shift.top)
    first = shift.bottom - lines if shift.lines > 0 else shift.top
    blanks: Counter[Pen] = Counter()
    for row in new.rows[first : first + lines]:
        blanks.update(pen for character, pen in zip(*row, strict=True) if character == " ")
    plain = [pen for pen, _ in blanks.most_common() if pen == blank(pen) and not pen.link]
    return blank(Pen(background=plain[0].background)) if plain else PLAIN


def _scroll(shift: Shift, height: int) -> str:
    by = abs(shift.lines)
    scroll = f"{CSI}{'' if by == 1 else by}{'S' if shift.lines > 0 else 'T'}"
    if (shift.top, shift.bottom) == (0, height):
        return scroll
    return f"{CSI}{shift.top + 1 if shift.top else ''};{shift.bottom}r{scroll}{CSI}r"
