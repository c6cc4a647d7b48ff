"""What reaches the terminal: the difference of cells, not repainted widgets.

Owns the picture of what the terminal shows, and the bytes that turn one picture into the next:
a scroll where one explains more than it costs, then only the runs of cells that differ. The
application takes it by one base class, `treering.tui.painting.hook.CellPainting`. Knows
nothing of treering's graph or screens. All but `hook` and `strips` is pure and knows no Textual.

| module | owns |
|---|---|
| `pens` | the look of a cell, and the shortest change from one look to another |
| `cells` | rows and grids of cells |
| `widths` | the characters of which terminals agree how wide they are |
| `strips` | Textual's strips as cells |
| `moves` | the shortest way to put the cursor somewhere |
| `runs` | one row turned into another |
| `shifts` | finding what scrolled |
| `frames` | one grid turned into another |
| `terminal` | what the terminal can do, by its terminfo entry |
| `hook` | where all this meets Textual; every private name used is listed there |
"""
