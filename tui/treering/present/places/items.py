"""Items: the rows of a place, and which of them show.

Owns what an item is, how it looks, how folding and filtering choose among a hundred thousand of
them. Items stand in preorder: what hangs on an item follows it, `size` items long.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from treering.core.ids import Kind, NodeId
from treering.core.text import Safe
from treering.present.lines import Line

_NOTHING = Safe("")


class Item(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A row of a place.

    `size` is the number of items below it, `closed` whether they are hidden until somebody opens
    them. `above` is the key of the item it hangs on. `words` say what state it is in, `count`
    stands at the right end, `note` is dim beside the name. `odd` items need looking at.
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
        raise NotImplementedError

    @property
    def search(self) -> str:
        """The text filters look at, in lower case: name, id, kind, words."""
        raise NotImplementedError


def item_line(
    item: Item, width: int, *, folded: bool, marked: bool = False, base: bool = False
) -> Line:
    """Return an item as a line of at most `width` cells.

    `folded` is whether what is below it is hidden, `marked` whether it is chosen for an act,
    `base` whether it is the base of the next diff.
    """
    raise NotImplementedError


def is_folded(item: Item, toggled: Collection[str]) -> bool:
    """Tell whether what is below an item is hidden; `toggled` are keys folded against default."""
    raise NotImplementedError


def matching(items: Sequence[Item], text: str, within: Sequence[int] | None = None) -> list[int]:
    """Return the indices of items that contain every word of `text`, in lower case, in order.

    `within` are the matches of a shorter text that this one continues: only those are looked at.
    """
    raise NotImplementedError


def visible(
    items: Sequence[Item], toggled: Collection[str], matches: Sequence[int] | None = None
) -> list[int]:
    """Return the indices of the items to draw, in order.

    Without `matches` what hangs on a folded item is left out. With them, ascending, the items
    that match and what they hang on are drawn, folds or not; a matching item under which nothing
    matches shows what is below it once its key is in `toggled`.
    """
    raise NotImplementedError
