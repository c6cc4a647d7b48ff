"""The tab `layers`: the layers of an image with what made each.

Owns laying history, sizes and bases side by side. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from treering.core import ids, steps
from treering.core.facts import EdgeKind
from treering.core.graph import Graph
from treering.core.ids import Digest, NodeId
from treering.core.text import Safe, safe
from treering.present.detail.parts import Page, human, shown
from treering.present.detail.subject import subjects
from treering.present.lines import Row, cut_end, pad, span

_BAR = 8
_WIDE = 64
_SIZE = 8
_EIGHTHS = " ▏▎▍▌▋▊▉"
_FULL = len(_EIGHTHS)
_CHAIN = 50
_SHELL = "RUN /bin/sh -c "


@dataclass(frozen=True, slots=True)
class _Step:
    """A row: a history entry, its layer if it made one, both ways."""

    position: int | None
    layer: NodeId | None
    size: int | None
    words: Safe
    shared: int


def rows(
    graph: Graph, node: NodeId, *, width: int = 80, top_first: bool = False
) -> tuple[Row, ...]:
    """Return the layers of an image, bottom to top unless `top_first`.

    Of what points at, runs or holds one image (a tag, a container), the layers of that image; of
    an index with several, the images to choose from. Sizes are those of the stored blobs.
    """
    page = Page(width)
    images = [found for found in subjects(graph, node) if found.startswith("image:")]
    if len(images) > 1:
        page.heading("one image a platform; enter one to see its layers")
        for image in images:
            page.line(image, shown(graph.node(image)), image)
    elif not images:
        page.field("", "no image is known that this stands for", "dim")
    else:
        _image(page, graph, images[0], top_first=top_first)
    return page.rows()


def layers_of(graph: Graph, image: NodeId) -> list[NodeId]:
    """Return the layers of an image, bottom first."""
    listed = graph.attrs(image).get("layers")
    if isinstance(listed, list) and listed and all(map(_is_digest, listed)):
        return [ids.layer(Digest(diff_id)) for diff_id in listed]
    edges = graph.edges_from(image, frozenset({EdgeKind.CONTAINS}))
    return [edge.end for edge in edges if not edge.gone]


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and ids.is_digest(value)


def _image(page: Page, graph: Graph, image: NodeId, *, top_first: bool) -> None:
    layers = layers_of(graph, image)
    found = _steps(graph, layers, graph.attrs(image).get("history"))
    if not found:
        page.field("", "unknown: no source lists its layers", "dim")
        return
    sizes = [step.size for step in found if step.size is not None]
    total = f"{len(layers)} layers, {human(sum(sizes))}" if sizes else f"{len(layers)} layers"
    if len(sizes) < len(layers):
        total += " or more: not every size is known" if sizes else ", sizes unknown"
    page.heading(total)
    brought = _bringers(graph, image, len(layers))
    largest = max(sizes, default=0)
    owner: NodeId | None = None
    for step in reversed(found) if top_first else found:
        by = brought[step.position] if step.position is not None else owner
        if by is not None and by != owner:
            owner = by
            word = "its own" if by == image else "from"
            page.line(f"from {by}", (span(f"{word} ", "dim"), *shown(graph.node(by))), by)
        _row(page, step, largest)


def _steps(graph: Graph, layers: Sequence[NodeId], history: object) -> list[_Step]:
    """Return the history over the layers, bottom first; layers beyond it follow it."""
    found: list[_Step] = []
    made: set[int] = set()
    for entry in history if isinstance(history, list) else ():
        if isinstance(entry, Mapping):
            at = entry.get("layer")
            position = at if isinstance(at, int) and 0 <= at < len(layers) else None
            if position is not None:
                made.add(position)
            found.append(_step(graph, layers, position, _words(entry)))
    rest = [at for at in range(len(layers)) if at not in made]
    return found + [_step(graph, layers, at, Safe("")) for at in rest]


def _words(entry: Mapping[str, Any]) -> Safe:
    created_by, comment = entry.get("created_by"), entry.get("comment")
    said = steps.words(created_by) if isinstance(created_by, str) else Safe("")
    if said.startswith(_SHELL):
        said = safe(f"RUN {said.removeprefix(_SHELL)}")
    return said or safe(comment if isinstance(comment, str) else "")


def _step(graph: Graph, layers: Sequence[NodeId], position: int | None, words: Safe) -> _Step:
    if position is None:
        return _Step(None, None, None, words, 0)
    layer = layers[position]
    if layer not in graph:
        return _Step(position, None, None, words, 0)
    size = graph.attrs(layer).get("size")
    shared = sum(EdgeKind.CONTAINS in kinds for _, kinds in graph.neighbours(layer, out=False))
    known_size = size if isinstance(size, int) and not isinstance(size, bool) else None
    return _Step(position, layer, known_size, words, max(0, shared - 1))


def _bringers(graph: Graph, image: NodeId, count: int) -> list[NodeId]:
    """Return for each layer the image that brought it: this one, or the base farthest below."""
    brought = [image] * count
    at, seen = image, {image}
    for _ in range(_CHAIN):
        bases = [
            edge.end
            for edge in graph.edges_from(at, frozenset({EdgeKind.BASED_ON}))
            if not edge.gone and edge.end not in seen
        ]
        own = layers_of(graph, image)
        base = next((b for b in bases if _begins(own, layers_of(graph, b))), None)
        if base is None:
            break
        seen.add(base)
        for place in range(len(layers_of(graph, base))):
            brought[place] = base
        at = base
    return brought


def _begins(layers: Sequence[NodeId], base: Sequence[NodeId]) -> bool:
    return bool(base) and list(layers[: len(base)]) == list(base)


def _row(page: Page, step: _Step, largest: int) -> None:
    number = "" if step.position is None else str(step.position + 1)
    size = human(step.size) if step.size is not None else "?" if number else ""
    spans = [span(f"{number:>3} ", "dim"), span(f"{size:>{_SIZE}} ")]
    room = page.width - 4 - _SIZE - 1
    if page.width >= _WIDE:
        spans.append(span(_bar(step.size or 0, largest) + " ", "modified"))
        room -= _BAR + 1
    short = ids.short(step.layer).rpartition(":")[2] if step.layer else ""
    end = f" {short}" if page.width >= _WIDE and short else ""
    if step.shared:
        shared = f"in {step.shared} more" if page.width >= _WIDE else f"+{step.shared}"
        end = f" {shared}{end}"
    words = step.words or Safe("no history entry made it")
    style = "" if step.words and number else "dim"
    text = pad(words, room - len(end)) if end else cut_end(words, room)
    spans += [(text, style), span(end, "dim")]
    why = step.words
    page.line(f"{number or 'step'} {step.layer or why[:40]}", tuple(spans), step.layer, why)


def _bar(size: int, largest: int) -> str:
    """Return a bar as long as a size is of the largest; what is not nothing shows."""
    if not largest or not size:
        return " " * _BAR
    eighths = max(1, round(size / largest * _BAR * _FULL))
    whole, rest = divmod(eighths, _FULL)
    return ("█" * whole + (_EIGHTHS[rest] if rest else "")).ljust(_BAR)
