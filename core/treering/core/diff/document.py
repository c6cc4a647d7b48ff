"""A comparison as JSON: the shape ``treering.diff/1``.

Owns the names of the fields (contract, section 5). `missing` and `notes` say what the rest does
not hold; `versions` are the images or commits the two nodes stand for.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from treering.core.diff.compare import Comparison
from treering.core.diff.model import Change
from treering.core.diff.text import Content, TextDiff
from treering.core.text import safe
from treering.core.trees import Entry, EntryType


def as_json(found: Comparison) -> dict[str, Any]:
    """Return a comparison as ``treering.diff/1``."""
    summary = found.files.summary
    return {
        "schema": "treering.diff/1",
        "a": found.a.asked,
        "b": found.b.asked,
        "versions": {"a": found.a.version, "b": found.b.version},
        "equal": found.equal,
        "summary": {
            "added": summary.added,
            "removed": summary.removed,
            "modified": summary.modified,
        },
        "layers": [row.as_json() for row in found.layers],
        "files": [change_json(change) for change in found.files.changes],
        "packages": [change.as_json() for change in found.packages],
        "config": [change.as_json() for change in found.config],
        "source": None if found.source is None else found.source.as_json(),
        "missing": [{"part": m.part.value, "why": m.why} for m in found.missing],
        "notes": list(found.notes),
    }


def change_json(change: Change) -> dict[str, Any]:
    """Return a change of one path."""
    return {
        "path": safe(change.path),
        "change": change.change.value,
        "fields": [field.value for field in change.fields],
        "a": entry_json(change.a),
        "b": entry_json(change.b),
    }


def entry_json(entry: Entry | None) -> dict[str, Any] | None:
    """Return what stands at a path; the mode in octal digits, as people write it."""
    if entry is None:
        return None
    return {
        "type": entry.type.value,
        "mode": f"{entry.mode & 0o7777:04o}",
        "uid": entry.uid,
        "gid": entry.gid,
        "size": entry.size,
        "link": safe(entry.target) if entry.type is EntryType.LINK else None,
        "device": list(entry.device) if entry.device else None,
        "xattrs": {safe(name): value.hex() for name, value in entry.xattrs},
        "digest": entry.digest,
        "mtime": entry.mtime,
    }


def content_json(diffs: Iterable[TextDiff]) -> list[dict[str, Any]]:
    """Return the content that differs: lines with their mark, or why there are none."""
    return [
        {
            "path": safe(diff.change.path),
            "why": diff.why or None,
            "lines": [f"{line.mark.value}{line.text}" for line in diff.lines],
            "a": _content(diff.a),
            "b": _content(diff.b),
        }
        for diff in diffs
    ]


def _content(content: Content | None) -> dict[str, Any] | None:
    return None if content is None else {"size": content.size, "digest": content.digest}
