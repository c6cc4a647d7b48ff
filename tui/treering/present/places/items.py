"""Items: the rows of a place, and which of them show.

Owns what an item is, how it looks, how folding and filtering choose among a hundred thousand of
them. Items stand in preorder: what hangs on an item follows it, `size` items long.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Sequence

import msgspec

from treering.core.ids import Kind, NodeId
from treering.core.text import Safe, safe
from treering.present.lines import Line, Span, cut_end, cut_line, cut_middle
from treering.present.lines import width as cells

_NOTHING = Safe("")

MANY = 20
"""A group of more items than this is closed until somebody opens it."""


class Item(msgspec.Struct, frozen=True, gc=False):
    """A row of a place.

    `size` is the number of items below it, `closed` whether they are hidden until somebody opens
    them. `above` is the key of the item it hangs on. `words` say what state it is in, `count`
    stands at the right end, `note` is dim beside the name (a content-addressed node shows its
    digest there by itself), `glyph` before the name. `odd` items need
    looking at.
    """

    name: Safe
    depth: int = 0
    size: int = 0
    node: NodeId | None = None
    kind: Kind | None = None
    above: str = ""
    words: tuple[str, ...] = ()
    note: Safe = _NOTHING
    count: Safe = _NOTHING
    glyph: Safe = _NOTHING
    odd: bool = False
    closed: bool = False

    @property
    def key(self) -> str:
        """What tells the item from all others of its place, and stays when facts come and go."""
        # No name holds a line break: names are safe text.
        return f"{self.above}\n{self.node or self.name}"

    @property
    def search(self) -> str:
        """The text patterns look at, in lower case, a line each: name, id, kind, note, words."""
        text = f"{self.name}\n{self.node or ''}\n{self.kind or ''}\n{self.note}"
        return "\n".join((text, *self.words)).lower()


def branch(item: Item, below: Sequence[Item]) -> list[Item]:
    """Return an item with what hangs on it, which stands one deeper and names it in `above`."""
    return [msgspec.structs.replace(item, size=len(below)), *below]


_STYLES = {
    **dict.fromkeys(("booted", "running", "ok", "live"), "good"),
    **dict.fromkeys(("exited", "created", "alias", "not seen", "foreign", "recorded"), "dim"),
    **dict.fromkeys(("waiting", "rollback", "Succeeded", "internal"), "dim"),
    **dict.fromkeys(("damaged", "deleted", "gone", "unreachable", "failed", "dead"), "bad"),
    **dict.fromkeys(("drifted", "unlocked", "Failed"), "bad"),
    "reading": "busy",
}
_GLYPHS = {"✓": "good", "!": "warn", "✗": "bad", "…": "busy", "·": "dim"}
_LEAST_NAME = 8
_LEAST_NOTE = 6


def style_of(word: str) -> str:
    """Return the style of a state word; what is not known by name is worth a look."""
    return _STYLES.get(word, "warn")


def item_line(
    item: Item, width: int, *, folded: bool, marked: bool = False, base: bool = False
) -> Line:
    """Return an item as a line of at most `width` cells.

    `folded` is whether what is below it is hidden, `marked` whether it is chosen for an act,
    `base` whether it is the base of the next diff.
    """
    spans = _front(item, folded=folded, marked=marked, base=base)
    used = _cells(spans)
    end = _end(item, width - used - _LEAST_NAME)
    room = width - used - _cells(end)
    if item.count and item.words and room < cells(item.name):
        end = end[: len(item.words)]
        room = width - used - _cells(end)
    name = cut_middle(item.name, max(1, room))
    spans.append((name, "" if item.node else "head"))
    room -= _cells(spans[-1:])
    note = _note(item)
    if note and room > _LEAST_NOTE:
        spans.append((cut_end(f" {note}", room), "dim"))
        room -= _cells(spans[-1:])
    if end and room > 0:
        spans.append((safe(" " * room), ""))
    return cut_line((*spans, *end), width)


def _front(item: Item, *, folded: bool, marked: bool, base: bool) -> list[Span]:
    """Return the mark, the indent, the fold and the glyph of an item."""
    mark = "◆" if base else "*" if marked else " "
    fold = ("▸ " if folded else "▾ ") if item.size else "  "
    spans: list[Span] = [(safe(mark), "accent"), (safe("  " * item.depth), ""), (safe(fold), "dim")]
    if item.glyph:
        spans.append((safe(f"{item.glyph} "), _GLYPHS.get(item.glyph, "")))
    return spans


def _note(item: Item) -> str:
    """Return what is told beside the name: the digest where the name has none, and the note."""
    if item.node is None or item.kind not in _HASHED:
        return item.note
    number = item.node.rpartition(":")[2][:12]
    told = number in item.name or item.name.startswith(number[:7])
    return item.note if told else f"{number} {item.note}".rstrip()


_HASHED = frozenset(
    {Kind.LAYER, Kind.IMAGE, Kind.INDEX, Kind.ATTESTATION, Kind.COMMIT, Kind.SOURCE, Kind.ACI}
)


def _end(item: Item, room: int) -> list[Span]:
    """Return the words and the count of an item, as many as fit; the first words matter most."""
    spans: list[Span] = []
    for word in item.words:
        span = (safe(f" {word}"), style_of(word))
        if _cells([*spans, span]) > room:
            break
        spans.append(span)
    count = (safe(f" {item.count}"), "dim")
    if item.count and _cells([*spans, count]) <= room:
        spans.append(count)
    return spans


def _cells(spans: Sequence[Span]) -> int:
    return sum(cells(text) for text, _ in spans)


def is_folded(item: Item, toggled: Collection[str]) -> bool:
    """Tell whether what is below an item is hidden; `toggled` are keys folded against default."""
    if not item.size:
        return False
    return item.closed != (bool(toggled) and item.key in toggled)


def matching(items: Sequence[Item], text: str, within: Sequence[int] | None = None) -> list[int]:
    """Return the indices of items that contain every word of `text`, in order.

    Upper and lower case are one. `within` are the matches of a shorter text that this one
    continues: only those are looked at.
    """
    found: Sequence[int] = range(len(items)) if within is None else within
    for word in text.lower().split():
        kinds = {kind for kind in Kind if word in kind.value}
        # Written out, for a hundred thousand items are looked at while somebody types.
        found = [
            at
            for at in found
            if word in (item := items[at]).name.lower()
            or (item.node is not None and word in item.node.lower())
            or (item.note and word in item.note.lower())
            or (kinds and item.kind in kinds)
            or (item.words and any(word in said.lower() for said in item.words))
        ]
    return list(found)


def visible(
    items: Sequence[Item], toggled: Collection[str], matches: Sequence[int] | None = None
) -> list[int]:
    """Return the indices of the items to draw, in order.

    Without `matches` what hangs on a folded item is left out. With them, ascending, the items
    that match and what they hang on are drawn, folds or not; a matching item under which nothing
    matches shows what is below it once its key is in `toggled`.
    """
    if matches is not None:
        return _visible_matches(items, toggled, matches)
    shown: list[int] = []
    at, count = 0, len(items)
    while at < count:
        item = items[at]
        shown.append(at)
        at += item.size + 1 if item.size and is_folded(item, toggled) else 1
    return shown


def _visible_matches(
    items: Sequence[Item], toggled: Collection[str], matches: Sequence[int]
) -> list[int]:
    shown: list[int] = []
    at = following = 0
    while at < len(items) and following < len(matches):
        item, match = items[at], matches[following]
        end = at + item.size
        if match > end:
            at = end + 1
            continue
        shown.append(at)
        if match == at:
            following += 1
            if item.size and item.key in toggled and not _any_in(matches, following, end):
                shown += [at + 1 + place for place in visible(items[at + 1 : end + 1], toggled)]
                at = end
            elif item.size and not _any_in(matches, following, end):
                at = end
        at += 1
    return shown


def _any_in(matches: Sequence[int], following: int, end: int) -> bool:
    return following < len(matches) and matches[following] <= end


def shows_below(
    items: Sequence[Item], at: int, toggled: Collection[str], matches: Sequence[int] | None
) -> bool:
    """Tell whether `visible` shows anything below the item at an index: what its fold mark says."""
    item = items[at]
    if not item.size:
        return False
    if matches is None:
        return not is_folded(item, toggled)
    return item.key in toggled or _any_in(matches, bisect_left(matches, at + 1), at + item.size)
