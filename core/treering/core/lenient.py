"""Parts of foreign JSON, taken where they have the right type and left out where they do not.

Owns what "left out" is for each type: an optional field of the wrong type is no reason to give up
the document it is in. What a document must have is checked where it is parsed.
"""

from __future__ import annotations

from typing import Any


def object_of(value: Any) -> dict[str, Any]:
    """Return a JSON object, or an empty one."""
    return value if isinstance(value, dict) else {}


def text_of(value: Any) -> str:
    """Return a text, or ""."""
    return value if isinstance(value, str) else ""


def texts_of(value: Any) -> list[str]:
    """Return the texts in a list; of anything else, an empty list."""
    return [v for v in value if isinstance(v, str)] if isinstance(value, list) else []


def labels_of(value: Any) -> dict[str, str]:
    """Return those members of an object that are texts."""
    return {k: v for k, v in object_of(value).items() if isinstance(v, str)}
