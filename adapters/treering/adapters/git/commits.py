"""Git commit and tag objects, from their bytes.

Owns the text format of the two (git-hash-object(1) types ``commit`` and ``tag``;
Documentation/user-manual "Object storage format"). Pure: knows of no repository.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from treering.core.errors import Damaged, LimitExceeded
from treering.core.text import Safe, safe

MAX_PARENTS = 1000
MAX_SUBJECT = 1000
_OID = re.compile(rb"[0-9a-f]{40}")
_PERSON = re.compile(rb"(?P<name>[^<\n]*)<(?P<email>[^>\n]*)>")
_TIME = re.compile(rb"> ?(?P<seconds>-?[0-9]{1,18})(?: [+-][0-9]{4})?\Z")


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit: its parents in order, first line, author and commit time.

    `time` is when it was committed, in seconds since the epoch; None when the object does not
    say. `subject` is the first paragraph on one line, as ``git log --format=%s`` shows it.
    """

    oid: str
    parents: tuple[str, ...]
    subject: Safe
    author: Safe
    time: int | None

    @property
    def order(self) -> int:
        """The time to sort by, 0 where there is none."""
        return self.time or 0


@dataclass(frozen=True, slots=True)
class Tag:
    """An annotated tag: the object it points at, that object's type, and when it was made."""

    target: str
    type: str
    time: int


def parse_commit(oid: str, data: bytes) -> Commit:
    """Return the commit in `data`. Raises `Damaged`, or `LimitExceeded` for too many parents."""
    head, _, message = data.partition(b"\n\n")
    fields: dict[bytes, bytes] = {}
    parents = []
    for key, value in _headers(head):
        if key == b"parent":
            parents.append(_oid(value, oid))
        else:
            fields.setdefault(key, value)
    if b"tree" not in fields:
        raise Damaged(f"commit {oid} names no tree")
    if len(parents) > MAX_PARENTS:
        raise LimitExceeded(f"commit {oid} has {len(parents)} parents, more than {MAX_PARENTS}")
    encoding = fields.get(b"encoding", b"utf-8")
    return Commit(
        oid,
        tuple(dict.fromkeys(parents)),
        safe(_text(_subject(message), encoding), MAX_SUBJECT),
        safe(_text(_person(fields.get(b"author", b"")), encoding), MAX_SUBJECT),
        _time(fields.get(b"committer", b"")),
    )


def parse_tag(oid: str, data: bytes) -> Tag:
    """Return the annotated tag in `data`. Raises `Damaged`."""
    fields = dict(reversed(list(_headers(data.partition(b"\n\n")[0]))))
    kind = fields.get(b"type", b"").decode("ascii", "replace")
    return Tag(_oid(fields.get(b"object", b""), oid), kind, _time(fields.get(b"tagger", b"")) or 0)


def _headers(head: bytes) -> list[tuple[bytes, bytes]]:
    """Return the header lines as key and value; continuation lines (signatures) are left out."""
    pairs = []
    for line in head.split(b"\n"):
        if line and not line.startswith(b" "):
            key, _, value = line.partition(b" ")
            pairs.append((key, value))
    return pairs


def _oid(value: bytes, where: str) -> str:
    if not _OID.fullmatch(value):
        raise Damaged(f"object {where} names {safe(value, 100)} where an object id should be")
    return value.decode("ascii")


def _subject(message: bytes) -> bytes:
    """Return the lines before the first blank one, joined."""
    lines = []
    for line in message[: MAX_SUBJECT * 64].split(b"\n"):
        if line.strip():
            lines.append(line.rstrip())
        elif lines:
            break
    return b" ".join(lines)


def _person(value: bytes) -> bytes:
    match = _PERSON.match(value)
    if match is None:
        return value.strip()
    name, email = match["name"].strip(), match["email"].strip()
    return b" ".join(part for part in (name, b"<" + email + b">" if email else b"") if part)


def _time(value: bytes) -> int | None:
    match = _TIME.search(value)
    return int(match["seconds"]) if match else None


def _text(data: bytes, encoding: bytes) -> str:
    """Return text in the encoding the commit names, or as UTF-8 with odd bytes kept visible."""
    try:
        return data.decode(encoding.decode("ascii").strip() or "utf-8")
    except (LookupError, ValueError):
        return data.decode("utf-8", "surrogateescape")
