"""The tab `document`: the documents behind a node, as their system stores them.

Owns showing JSON indented and anything else as it is. What is shown is for reading; the bytes
are in the document.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import islice

import msgspec

from treering.core.documents import parse_json
from treering.core.errors import TreeringError
from treering.core.facts import NodeFact
from treering.core.ports import Document
from treering.core.text import safe
from treering.present.detail.parts import human
from treering.present.detail.text import dump, is_binary, lines_of
from treering.present.lines import Line, Row, span

MAX_LINES = 20_000
"""Longest list of lines drawn."""
_MAX_JSON = 16 * 1024 * 1024
_MAX_LINE = 4000


def rows(
    documents: Sequence[Document], facts: Sequence[NodeFact] = (), *, limit: int = MAX_LINES
) -> tuple[Row, ...]:
    """Return documents as lines, JSON indented; without one, the facts (`Graph.facts_of`)."""
    made: list[Row] = []
    for number, (title, lines) in enumerate(_parts(documents, facts)):
        room = limit - len(made)
        if room <= 0:
            made.append(Row("more", (span("… there is more: the list is full", "dim"),)))
            break
        made.append(Row(f"{number}", title))
        taken = list(islice(lines, room + 1))
        made += [Row(f"{number}/{at}", line) for at, line in enumerate(taken[:room])]
        if len(taken) > room:
            made.append(Row(f"{number}/more", (span(f"… more than {limit} lines", "dim"),)))
    return tuple(made) or (Row("none", (span("no document is stored", "dim"),)),)


def _parts(
    documents: Sequence[Document], facts: Sequence[NodeFact]
) -> Iterator[tuple[Line, Iterator[Line]]]:
    for document in documents:
        note = f"  {document.media_type}  {human(len(document.data))}"
        yield (span(document.name, "head"), span(note, "dim")), _lines(document.data)
    if not documents:
        for fact in facts:
            value = json.loads(msgspec.json.encode(fact))
            title = (span(f"fact of {fact.source}", "head"), span("  as it was told", "dim"))
            yield title, _json_lines(value)


def _lines(data: bytes) -> Iterator[Line]:
    if data.lstrip()[:1] in {b"{", b"["}:
        try:
            value = parse_json(data, "the document", _MAX_JSON)
        except TreeringError as error:
            yield (span(f"shown as it is: {error.message}", "warn"),)
        else:
            yield from _json_lines(value)
            return
    if is_binary(data):
        yield from dump(data)
    else:
        for text in lines_of(data):
            yield ((text, ""),)


def _json_lines(value: object) -> Iterator[Line]:
    """Yield a JSON value indented by two, keys apart from values.

    An encoder writes it in chunks; what is cut off is never made.
    """
    encoder = json.JSONEncoder(indent=2, ensure_ascii=False)
    rest = ""
    for chunk in encoder.iterencode(value):
        if "\n" not in chunk:
            rest += chunk
            continue
        *whole, rest = (rest + chunk).split("\n")
        yield from map(_json_line, whole)
    if rest:
        yield _json_line(rest)


def _json_line(text: str) -> Line:
    """Split one line of indented JSON into its key and the rest."""
    body = text.lstrip(" ")
    indent = safe(" " * (len(text) - len(body)))
    if body.startswith('"'):
        try:
            _, end = json.JSONDecoder().raw_decode(body)
        except json.JSONDecodeError:
            end = 0
        if body[end : end + 2] == ": ":
            key, value = safe(body[: end + 1], _MAX_LINE), safe(body[end + 1 :], _MAX_LINE)
            return ((indent, ""), (key, "kind"), (value, ""))
    return ((indent, ""), (safe(body, _MAX_LINE), ""))
