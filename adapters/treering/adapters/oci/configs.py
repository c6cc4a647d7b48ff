"""Image configs: what an image says about itself.

Owns the way from a config document to attributes (image-spec, config.md; Docker's is the same
with more fields). Builders leave fields out, write null, or write a text where a list belongs;
each field is read on its own and a wrong one is left out. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from treering.core import steps
from treering.core.documents import parse_json
from treering.core.errors import Damaged
from treering.core.ids import Digest, is_digest
from treering.core.lenient import labels_of, text_of, texts_of
from treering.core.steps import Step
from treering.core.text import safe


@dataclass(frozen=True, slots=True)
class Config:
    """An image's config: diff ids bottom first, attributes, and history laid over the layers.

    `trouble` says what is wrong with the list of layers, which is then empty.
    """

    diff_ids: tuple[Digest, ...]
    attrs: dict[str, Any]
    steps: tuple[Step, ...]
    trouble: str = ""


def parse(data: bytes, what: str) -> Config:
    """Return the config in `data`. Raises `Damaged` or `LimitExceeded` for no JSON object."""
    value = parse_json(data, what)
    if not isinstance(value, dict):
        raise Damaged(f"{what} is not an object")
    diff_ids, trouble = _diff_ids(value.get("rootfs"))
    listed = value.get("history")
    entries = [e for e in listed if isinstance(e, dict)] if isinstance(listed, list) else []
    history = steps.assign(entries, len(diff_ids))
    return Config(diff_ids, attrs_of(value), history, trouble)


def attrs_of(value: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes of an image from its config, or from a Docker v1 ``json`` file."""
    inner = value.get("config")
    run = inner if isinstance(inner, dict) else {}
    found: dict[str, Any] = {
        "os": text_of(value.get("os")),
        "architecture": text_of(value.get("architecture")),
        "variant": text_of(value.get("variant")),
        "created": text_of(value.get("created")),
        "author": text_of(value.get("author")),
        "labels": labels_of(run.get("Labels")),
        "env": words(run.get("Env")),
        "cmd": words(run.get("Cmd")),
        "entrypoint": words(run.get("Entrypoint")),
        "user": text_of(run.get("User")),
        "workdir": text_of(run.get("WorkingDir")),
    }
    return {key: entry for key, entry in found.items() if entry}


def words(value: Any) -> list[str]:
    """Return a list of texts; a single text is a list of one, anything else is left out."""
    if isinstance(value, str):
        return [value]
    return texts_of(value)


def _diff_ids(rootfs: Any) -> tuple[tuple[Digest, ...], str]:
    if rootfs is None:
        return (), ""
    listed = rootfs.get("diff_ids") if isinstance(rootfs, dict) else rootfs
    if listed is None:
        return (), ""
    if not isinstance(listed, list):
        return (), "its rootfs is not a list of diff ids"
    for entry in listed:
        if not isinstance(entry, str) or not is_digest(entry):
            return (), f"its rootfs lists {safe(str(entry), 100)}, which is no digest"
    return tuple(Digest(entry) for entry in listed), ""
