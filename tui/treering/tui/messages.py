"""Messages between threads and the screen."""

from __future__ import annotations

from textual.message import Message

from treering.tui import gatherer
from treering.tui.loader import Loaded, Loading


class Published(Message):
    """A thread made something to draw; None when only the states of sources changed."""

    def __init__(self, what: gatherer.Published | Loaded | Loading) -> None:
        super().__init__()
        self.what = what
