"""Views, and the links a colleague can paste.

Owns what makes up what is looked at, and its form as text:
``NODE?place=images&tab=tree&path=/etc&base=NODE``. Reading a link checks its form only; whether
the node exists is a question to the graph.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar
from urllib.parse import parse_qsl, quote, unquote

from treering.core.errors import UsageError
from treering.core.ids import NodeId
from treering.core.text import safe
from treering.present.detail import Tab
from treering.present.places import Place

MAX_LINK = 8192
Chosen = TypeVar("Chosen", Place, Tab)


@dataclass(frozen=True, slots=True)
class View:
    """What is looked at: a place, a node in the middle of the map, a tab, a path in its tree."""

    place: Place = Place.IMAGES
    node: NodeId | None = None
    tab: Tab = Tab.SUMMARY
    path: str = ""

    def on(self, node: NodeId) -> View:
        """Return the view of another node, with the same tab."""
        return replace(self, node=node, path="")


@dataclass(frozen=True, slots=True)
class Target:
    """What a link or a typed name asks for; what it leaves out is None."""

    name: str
    place: Place | None = None
    tab: Tab | None = None
    path: str = ""
    base: str = ""


def link(view: View, base: NodeId | None = None) -> str:
    """Return the link of a view."""
    parts = {"place": view.place.value, "tab": view.tab.value, "path": view.path}
    if base is not None:
        parts["base"] = base
    query = "&".join(f"{key}={quote(value, safe='/:@')}" for key, value in parts.items() if value)
    return f"{quote(view.node or '', safe='/:@')}?{query}"


def parse(text: str) -> Target:
    """Return what a link or a name asks for. Raises `UsageError` for a part nobody knows."""
    if len(text) > MAX_LINK:
        raise UsageError("a link is not that long")
    name, mark, query = text.strip().partition("?")
    if not mark:
        return Target(name)
    parts = dict(parse_qsl(query, max_num_fields=8))
    for key in parts:
        if key not in {"place", "tab", "path", "base"}:
            raise UsageError(f"a link has no {safe(key, 40)}", "it may have place, tab, path, base")
    return Target(
        unquote(name),
        _choice(Place, parts.get("place", "")),
        _choice(Tab, parts.get("tab", "")),
        parts.get("path", ""),
        parts.get("base", ""),
    )


def _choice(kind: type[Chosen], value: str) -> Chosen | None:
    if not value:
        return None
    try:
        return kind(value)
    except ValueError as error:
        what = f"no {kind.__name__.lower()} is called {safe(value, 40)}"
        raise UsageError(what, ", ".join(kind)) from error
