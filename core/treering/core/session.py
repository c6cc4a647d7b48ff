"""A session: what a front end opens on.

Owns one record and no behaviour.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from treering.core.reading import Reading
from treering.core.settings import ScreenConfig

_AS_IT_COMES = ScreenConfig()


@dataclass(frozen=True, slots=True)
class Session:
    """A reading not yet started, what it covers in words, and whether anything may change.

    `stages` are the tables of the configuration; `screen` is how the screen should look.
    """

    reading: Reading
    scope: str
    audit: bool
    stages: tuple[Mapping[str, Any], ...] = ()
    screen: ScreenConfig = _AS_IT_COMES
