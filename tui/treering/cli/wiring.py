"""What the composition root hands to the front ends.

Owns one record and no behaviour. Importing it is cheap: the screen's first paint waits for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from treering.core.catalogue import Catalogue
    from treering.core.session import Session
    from treering.core.settings import ScreenConfig


@dataclass(frozen=True)
class Wiring:
    """What the commands may use. `build_demo` is absent where nothing may be written.

    `kinds` are the kinds of sources that the help names; the catalogue knows those of third
    parties too. `open_screen` paints as the settings say before it asks for the session.
    """

    kinds: tuple[str, ...]
    make_catalogue: Callable[[], Catalogue]
    open_screen: Callable[[Callable[[], Session], ScreenConfig], int]
    build_demo: Callable[[Path], Path] | None
    audit: bool = False

    @cached_property
    def catalogue(self) -> Catalogue:
        """Every kind of source that can be read."""
        return self.make_catalogue()
