"""What the composition root hands to the front ends.

Owns one record and no behaviour.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from treering.core.catalogue import Catalogue
from treering.core.session import Session


@dataclass(frozen=True, slots=True)
class Wiring:
    """What the commands may use. `build_demo` is absent where nothing may be written."""

    catalogue: Catalogue
    open_screen: Callable[[Session], int]
    build_demo: Callable[[Path], Path] | None
    audit: bool = False
