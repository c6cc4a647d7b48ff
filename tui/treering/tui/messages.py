"""Messages between the gatherer's thread and the screen."""

from __future__ import annotations

from textual.message import Message

from treering.tui import gatherer


class Published(Message):
    """The gatherer made something to draw; None when only the states of sources changed."""

    def __init__(self, what: gatherer.Published) -> None:
        super().__init__()
        self.what = what
