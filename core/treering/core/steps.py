"""The history of an image, laid over its layers.

Owns the rule by which history entries consume layers (image-spec, config.md, History). Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from treering.core.text import Safe, one_line, safe


@dataclass(frozen=True, slots=True, order=True)
class Step:
    """One history entry: what created it, when, and the layer it made, if any.

    `layer` counts from 0 at the bottom; None for an entry without a layer, and also for one
    that claims a layer the image does not have (`surplus`).
    """

    created_by: Safe
    created: Safe
    comment: Safe
    author: Safe
    empty: bool
    layer: int | None
    surplus: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the step as the attribute ``history`` of an image holds it."""
        return {
            "created_by": self.created_by,
            "created": self.created,
            "comment": self.comment,
            "author": self.author,
            "empty": self.empty,
            "layer": self.layer,
        }


def assign(history: Sequence[Mapping[str, Any]], layers: int) -> tuple[Step, ...]:
    """Return the steps of a config's ``history`` over `layers` layers.

    Entries with ``empty_layer`` consume none, any other the next. Layers beyond the history
    have no step; entries beyond the layers are marked surplus.
    """
    steps, at = [], 0
    for entry in history:
        empty = bool(entry.get("empty_layer"))
        has = not empty and at < layers
        steps.append(
            Step(
                created_by=safe(str(entry.get("created_by") or ""), 4096),
                created=safe(str(entry.get("created") or ""), 64),
                comment=safe(str(entry.get("comment") or ""), 1024),
                author=safe(str(entry.get("author") or ""), 256),
                empty=empty,
                layer=at if has else None,
                surplus=not empty and not has,
            )
        )
        at += has
    return tuple(steps)


def words(created_by: str) -> Safe:
    """Return a history command as people wrote it: without the shell and BuildKit's marks."""
    text = one_line(created_by)
    for prefix in ("/bin/sh -c #(nop) ", "/bin/sh -c "):
        if text.startswith(prefix):
            rest = text.removeprefix(prefix).strip()
            return safe(rest if "#(nop)" in prefix else f"RUN {rest}")
    return safe(text.removesuffix(" # buildkit"))
