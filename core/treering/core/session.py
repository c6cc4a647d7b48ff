"""A session: what a front end opens on.

Owns one record and no behaviour.
"""

from __future__ import annotations

from dataclasses import dataclass

from treering.core.reading import Reading


@dataclass(frozen=True, slots=True)
class Session:
    """A reading not yet started, what it covers in words, and whether anything may change."""

    reading: Reading
    scope: str
    audit: bool
