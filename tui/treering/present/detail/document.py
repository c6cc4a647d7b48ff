"""The tab `document`: the documents behind a node, as their system stores them."""

from __future__ import annotations

from collections.abc import Sequence

from treering.core.facts import NodeFact
from treering.core.ports import Document
from treering.present.lines import Row

MAX_LINES = 20_000
"""Longest list of lines drawn."""


def rows(
    documents: Sequence[Document], facts: Sequence[NodeFact] = (), *, limit: int = MAX_LINES
) -> tuple[Row, ...]:
    """Return documents as lines, JSON indented; without one, the facts (`Graph.facts_of`)."""
    raise NotImplementedError
