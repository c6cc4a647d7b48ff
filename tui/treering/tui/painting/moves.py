"""The shortest way to put the cursor somewhere.

Owns cursor addressing (ECMA-48 CUP, CHA, VPA, CUF, CUB). A column of None is one that is not
known: after the last cell of a row, where terminals differ, and after a character of which they
may disagree how wide it is.
"""

from __future__ import annotations

from treering.tui.painting.pens import CSI

_FEW_BACKSPACES = 3


def move(column: int | None, row: int | None, to_column: int, to_row: int) -> str:
    """Return what moves the cursor; positions count from zero."""
    if row != to_row:
        return _to_row(column, row, to_column, to_row)
    if column == to_column:
        return ""
    ways = [f"{CSI}G" if not to_column else f"{CSI}{to_column + 1}G"]
    if not to_column:
        ways.append("\r")
    elif column is not None and to_column > column:
        ways.append(forward(to_column - column))
    elif column is not None:
        back = column - to_column
        ways.append("\b" * back if back <= _FEW_BACKSPACES else f"{CSI}{back}D")
    return min(ways, key=len)


def _to_row(column: int | None, row: int | None, to_column: int, to_row: int) -> str:
    if not to_column and row is not None and to_row == row + 1:
        # Never a lone line feed: whether the tty adds the carriage return is not known here.
        return "\r\n"
    line = to_row + 1 if to_row else ""
    if column == to_column and row is not None:
        return f"{CSI}{line}d"
    return f"{CSI}{line}H" if not to_column else f"{CSI}{line};{to_column + 1}H"


def forward(cells: int) -> str:
    """Return what moves the cursor right."""
    return f"{CSI}C" if cells == 1 else f"{CSI}{cells}C"
