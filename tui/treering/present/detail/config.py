"""The tab `config`: what a node is configured with, and what is written on it.

Owns which attributes are configuration, and their order. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from treering.core.graph import Graph, Node
from treering.core.ids import Kind, NodeId
from treering.present.detail.parts import LABEL, Page, compact, shown, texts
from treering.present.detail.subject import subjects
from treering.present.lines import Row, pad, span

_RUN = {
    "entrypoint": "entrypoint",
    "cmd": "command",
    "command": "command",
    "user": "user",
    "workdir": "directory",
    "shell": "shell",
    "stop_signal": "stop signal",
    "healthcheck": "health check",
    "kargs": "kernel args",
}
_LISTS = {
    "env": "environment",
    "ports": "ports",
    "volumes": "volumes",
    "exposed_ports": "ports",
    "mounts": "mounts",
}
_MAPS = {"labels": "labels", "annotations": "annotations", "metadata": "metadata"}
_DIRECT = (Kind.IMAGE, Kind.COMMIT, Kind.INDEX)


def has_config(attrs: Mapping[str, object]) -> bool:
    """Tell whether attributes hold any configuration."""
    return any(attrs.get(key) for key in (*_RUN, *_LISTS, *_MAPS))


def rows(graph: Graph, node: NodeId, *, width: int = 80) -> tuple[Row, ...]:
    """Return the configuration of a node, long values wrapped at `width`.

    Of a name or of something that runs, also that of the image or commit behind it.
    """
    found = graph.node(node)
    page = Page(width)
    _node(page, found)
    if found.kind not in _DIRECT:
        for other in subjects(graph, node):
            image = graph.node(other)
            if has_config(image.attrs):
                page.heading("behind it")
                page.line(other, shown(image), other)
                _node(page, image)
    if not len(page):
        page.field("", "no configuration is known", "dim")
    return page.rows()


def _node(page: Page, node: Node) -> None:
    for key, label in _RUN.items():
        value = node.attrs.get(key)
        if value:
            page.field(label, _words(value))
    for key, label in _LISTS.items():
        _entries(page, label, node.attrs.get(key))
    for key, label in _MAPS.items():
        entries = node.attrs.get(key)
        if isinstance(entries, Mapping) and entries:
            page.heading(label)
            for name in sorted(entries):
                _pair(page, name, compact(entries[name]))


def _words(value: object) -> str:
    """Return an argument list as one would type it; words with spaces are quoted."""
    if isinstance(value, str):
        return value
    return " ".join(f'"{w}"' if " " in w or not w else w for w in texts(value)) or compact(value)


def _entries(page: Page, label: str, value: object) -> None:
    entries: Sequence[str] = (
        [compact(value)] if isinstance(value, Mapping) and value else texts(value)
    )
    if not entries:
        return
    page.heading(label)
    for entry in entries:
        name, equals, rest = entry.partition("=")
        if equals:
            _pair(page, name, rest)
        else:
            page.text(entry[:100], entry, indent=0)


def _pair(page: Page, name: str, value: str) -> None:
    """Add a name with its value: in one row where both fit, else the value below the name."""
    if len(name) + len(value) + 1 <= page.width:
        front = pad(name, max(LABEL - 1, len(name)))
        page.line(name, ((front, "kind"), span(" "), span(value)))
        return
    page.text(name, name, "kind", indent=0)
    page.text(name, value)
