"""A bare git repository, object by object.

Owns the format of loose objects, trees, commits and annotated tags (git-hash-object(1),
gitformat-loose(5)) and of the files around them. Ids depend on what is given alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha1

from treering.adapters.demo import stored
from treering.adapters.demo.store import Store

_CONFIG = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n"
_EXECUTABLE = ("#!", "100755")
_FOLDER = "40000"


@dataclass(frozen=True, slots=True)
class Person:
    """Who wrote a commit."""

    name: str
    email: str

    def at(self, time: int) -> str:
        """Return the person and `time` (seconds, UTC) as commit headers write them."""
        return f"{self.name} <{self.email}> {time} +0000"


class GitRepository:
    """A bare repository being written."""

    def __init__(self, store: Store, description: str) -> None:
        self.store = store
        self._packed: dict[str, tuple[str, str]] = {}
        for name in ("objects/info", "objects/pack", "refs/heads", "refs/tags"):
            store.folder(name)
        store.put("HEAD", "ref: refs/heads/main\n")
        store.put("config", _CONFIG)
        store.put("description", description + "\n")

    def tree(self, files: Mapping[str, str]) -> str:
        """Write a tree of text files by path; those that begin with ``#!`` are executable."""
        entries: dict[str, tuple[str, str]] = {}
        below: dict[str, dict[str, str]] = {}
        for path, text in files.items():
            name, slash, rest = path.partition("/")
            if slash:
                below.setdefault(name, {})[rest] = text
            else:
                mode = _EXECUTABLE[1] if text.startswith(_EXECUTABLE[0]) else "100644"
                entries[name] = (mode, self._write("blob", text.encode("utf-8")))
        for name, inside in below.items():
            entries[name] = (_FOLDER, self.tree(inside))
        ordered = sorted(entries, key=lambda n: n + "/" if entries[n][0] == _FOLDER else n)
        data = b"".join(
            f"{entries[name][0]} {name}\0".encode() + bytes.fromhex(entries[name][1])
            for name in ordered
        )
        return self._write("tree", data)

    def commit(
        self, files: Mapping[str, str], parents: Sequence[str], who: Person, time: int, message: str
    ) -> str:
        """Write a commit of `files` and return its id."""
        lines = [f"tree {self.tree(files)}", *(f"parent {p}" for p in parents)]
        lines += [f"author {who.at(time)}", f"committer {who.at(time)}", "", message]
        return self._write("commit", ("\n".join(lines) + "\n").encode("utf-8"))

    def branch(self, name: str, commit: str) -> None:
        """Put a branch at `commit`."""
        self.store.put(f"refs/heads/{name}", commit + "\n")

    def tag(self, name: str, commit: str, who: Person, time: int, message: str) -> None:
        """Write an annotated tag of `commit`."""
        lines = [f"object {commit}", "type commit", f"tag {name}", f"tagger {who.at(time)}"]
        oid = self._write("tag", ("\n".join([*lines, "", message]) + "\n").encode("utf-8"))
        self._packed[f"refs/tags/{name}"] = (oid, commit)

    def finish(self) -> None:
        """Write the tags."""
        lines = ["# pack-refs with: peeled fully-peeled sorted "]
        for name, (oid, commit) in sorted(self._packed.items()):
            lines += [f"{oid} {name}", f"^{commit}"]
        self.store.put("packed-refs", "\n".join(lines) + "\n")

    def _write(self, kind: str, data: bytes) -> str:
        whole = f"{kind} {len(data)}\0".encode() + data
        oid = sha1(whole, usedforsecurity=False).hexdigest()
        self.store.put(f"objects/{oid[:2]}/{oid[2:]}", stored.zlib_stream(whole), 0o444)
        return oid
