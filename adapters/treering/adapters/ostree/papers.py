"""A commit in readable form: as `ostree show` has it, and all its metadata as JSON.

Owns the documents behind a commit. Its metadata is a GVariant, so what is shown is made of it:
values keep their type beside them, bytes are in hex, and what is too long to show is counted.
Documents that other tools embedded as text (image manifest and config) are given as they are.

Source: man ostree-show(1); ostree-core.h; ostree-ext's store.rs.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from treering.adapters.ostree import metadata
from treering.adapters.ostree.objects import Checksum, Commit
from treering.adapters.ostree.repo import Repository
from treering.adapters.ostree.signatures import signatures
from treering.core.documents import MAX_DOCUMENT
from treering.core.errors import SourceError
from treering.core.gvariant import Just, Raw, Variant, decode
from treering.core.ports import Document
from treering.core.text import safe

MAX_VALUE: Final = 1024 * 1024
"""Most bytes of a metadata value that are decoded; of a larger one the size is shown."""
MAX_BYTES: Final = 4096
MAX_ITEMS: Final = 20_000
"""Most members of one value; a host's package list has some thousand entries of five each."""
_MAX_DEPTH: Final = 32
_LAST_YEAR: Final = 253_402_300_799
_EMBEDDED: Final = ("ostree.manifest", "ostree.container.image-config")


def documents(repository: Repository, name: Checksum) -> Sequence[Document]:
    """Return the documents of a commit. Raises `Missing`, `Damaged` and other `SourceError`."""
    commit = repository.commit(name)
    found = [Document(safe("commit"), safe("text/plain"), _shown(commit).encode())]
    if commit.metadata:
        found.append(_json("metadata", _values(commit.metadata)))
    found += _embedded(commit)
    detached = repository.detached(name)
    if detached:
        value = {"signatures": _signatures(detached), "metadata": _values(detached)}
        found.append(_json("detached metadata", value))
    return tuple(found)


def _shown(commit: Commit) -> str:
    """Return a commit as `ostree show` prints it, its own lines in English."""
    lines = [f"commit {commit.checksum}"]
    if commit.parent:
        lines.append(f"Parent:  {commit.parent}")
    lines += [
        f"ContentChecksum:  {commit.content}",
        f"Date:  {_date(commit.timestamp)}",
        f"Tree:  {commit.tree}",
        f"Meta:  {commit.meta}",
    ]
    version = metadata.text(commit, "version")
    if version:
        lines.append(f"Version: {version}")
    for text in (commit.subject or "(no subject)", commit.body):
        if text:
            lines.append("")
            lines += [f"    {line}" for line in text.rstrip("\n").split("\n")]
    return "\n".join(lines) + "\n"


def _date(seconds: int) -> str:
    if seconds > _LAST_YEAR:
        return f"{seconds} seconds, after the year 9999"
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S +0000}"


def _json(name: str, value: object) -> Document:
    data = json.dumps(value, indent=2).encode()
    return Document(safe(name), safe("application/json"), data)


def _embedded(commit: Commit) -> Iterator[Document]:
    """Yield documents that stand in the metadata as text."""
    for key in _EMBEDDED:
        text = metadata.text(commit, key) if _small(commit.metadata.get(key)) else ""
        if text:
            yield Document(safe(key), safe("application/json"), text.encode())


def _small(raw: Raw | None) -> bool:
    return raw is not None and len(raw.data) <= MAX_DOCUMENT


def _signatures(detached: Mapping[str, Raw]) -> object:
    try:
        return signatures(detached)
    except SourceError as error:
        return f"damaged: {error}"


def _values(found: Mapping[str, Raw]) -> dict[str, Any]:
    """Return a dictionary of metadata with the type of each value."""
    budget = _Budget(MAX_ITEMS * 4)
    return {
        key: {"type": raw.type, "value": budget.shown(raw)} for key, raw in sorted(found.items())
    }


class _Budget:
    """Turns values into JSON until so many members were written."""

    def __init__(self, members: int) -> None:
        self._left = members

    def shown(self, raw: Raw) -> Any:
        """Return a metadata value as JSON, or why it is not shown."""
        if len(raw.data) > MAX_VALUE:
            return f"{len(raw.data)} bytes"
        try:
            return self._plain(decode(raw.type, raw.data), 0)
        except SourceError as error:
            return f"damaged: {error}"

    def _plain(self, value: Any, depth: int) -> Any:
        if isinstance(value, (Variant, Just)):
            return self._plain(value.value, depth)
        if isinstance(value, (list, tuple, dict)):
            return self._members(value, depth)
        if isinstance(value, bytes):
            return value.hex() if len(value) <= MAX_BYTES else f"{len(value)} bytes"
        if isinstance(value, float) and not math.isfinite(value):
            return str(value)
        return value

    def _members(self, value: Any, depth: int) -> Any:
        self._left -= len(value)
        if len(value) > MAX_ITEMS or depth >= _MAX_DEPTH or self._left < 0:
            return f"{len(value)} items"
        if isinstance(value, dict):
            return {str(k): self._plain(v, depth + 1) for k, v in value.items()}
        return [self._plain(v, depth + 1) for v in value]
