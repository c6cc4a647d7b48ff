"""A view as text or JSON: what the screen shows, for files and for ``treering view``.

Owns the shape ``treering.view/1``: `link`, `node`, `base`, and the rows of `map` and `detail`,
each with `text`, `node` and `why`. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from treering.core.ids import NodeId
from treering.present.lines import Row, cut_end
from treering.present.links import View, link

FORMS: Mapping[str, str] = {"text": "txt", "json": "json", "svg": "svg"}
"""Forms of an export, and the ending of their files."""


@dataclass(frozen=True, slots=True)
class Viewed:
    """What is to be written: where one is, the map and the rows of the chosen tab."""

    view: View
    base: NodeId | None
    map: Sequence[Row]
    detail: Sequence[Row]


def as_lines(viewed: Viewed, width: int | None = None) -> list[str]:
    """Return the view as lines of safe text, cut at so many cells."""
    lines = [row.text for row in viewed.map]
    if viewed.map and viewed.detail:
        lines += ["", f"-- {viewed.view.tab.value} --"]
    lines += [row.text for row in viewed.detail]
    return [line.rstrip() if width is None else cut_end(line.rstrip(), width) for line in lines]


def as_text(viewed: Viewed) -> str:
    """Return the view as text, with the link to it first."""
    return "\n".join([link(viewed.view, viewed.base), "", *as_lines(viewed), ""])


def as_document(viewed: Viewed) -> dict[str, Any]:
    """Return the view as a JSON document."""
    return {
        "schema": "treering.view/1",
        "link": link(viewed.view, viewed.base),
        "node": viewed.view.node,
        "base": viewed.base,
        "tab": viewed.view.tab.value,
        "map": [_row(row) for row in viewed.map],
        "detail": [_row(row) for row in viewed.detail],
    }


def _row(row: Row) -> dict[str, Any]:
    return {"text": row.text, "node": row.node, "why": row.why or None}


def as_json(viewed: Viewed) -> str:
    """Return the view as the text of a JSON document."""
    return msgspec.json.format(msgspec.json.encode(as_document(viewed)), indent=2).decode() + "\n"


FORMATS: Mapping[str, Callable[[Viewed], str]] = {"text": as_text, "json": as_json}
