"""A reader whose trees and documents a test gives it, and shelves of such readers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from treering.core.errors import NotRecognised
from treering.core.facts import Fact
from treering.core.ids import NodeId
from treering.core.ports import Capability, Document, ReadContext, Tree
from treering.core.shelf import Shelf
from treering.core.text import Safe, safe

_NAME = Safe("registry")


@dataclass
class OpeningReader:
    """Opens the trees it was given; `asked` lists the nodes whose files were wanted."""

    trees: Mapping[NodeId, Tree | Exception]
    papers: Mapping[NodeId, Mapping[str, Any] | Exception] = field(default_factory=dict)
    name: Safe = _NAME
    kind: str = "oci-layout"
    location: Safe = _NAME
    capabilities: Capability = Capability.TREES
    asked: list[NodeId] = field(default_factory=list)
    facts: Callable[[], Iterator[Fact]] = lambda: iter(())

    def read(self, _context: ReadContext) -> Iterator[Fact]:
        return self.facts()

    def close(self) -> None:
        return

    def open_tree(self, node: NodeId, context: ReadContext) -> Tree:
        self.asked.append(node)
        context.check()
        found = self.trees.get(node, NotRecognised("no such tree here"))
        if isinstance(found, Exception):
            raise found
        return found

    def documents(self, node: NodeId, _context: ReadContext) -> Sequence[Document]:
        found = self.papers.get(node, {})
        if isinstance(found, Exception):
            raise found
        json_type = safe("application/json")
        return [Document(safe("config"), json_type, json.dumps(found).encode())] if found else []


def shelf(
    trees: Mapping[NodeId, Tree | Exception],
    papers: Mapping[NodeId, Mapping[str, Any] | Exception] | None = None,
) -> Shelf:
    return Shelf([OpeningReader(trees, papers or {})])
