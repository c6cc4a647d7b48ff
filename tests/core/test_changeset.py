"""Members of a tar as changes of a layer: names, whiteouts, and anything else a tar may hold."""

from __future__ import annotations

import io
import posixpath
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treering.core import changeset
from treering.core.changeset import absolute, changes
from treering.core.errors import LimitExceeded, SourceError
from treering.core.overlay import flatten
from treering.core.tar import Scanner
from treering.core.trees import Entry, EntryType, MemoryTree

names = st.lists(
    st.sampled_from([b"a", b"b.c", b"..", b".", b"", b"...", b".x", b"\xff"]), max_size=7
).map(b"/".join)


def read(data: bytes, *, whiteouts: bool = True) -> list[Entry]:
    scanner = Scanner(io.BytesIO(data), seek=False, use_globals=False)
    return list(changes(scanner, whiteouts=whiteouts))


def tar(*members: tuple[str, bytes, str]) -> bytes:
    """Members as (name, tarfile type, link target)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, kind, target in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            archive.addfile(info)
    return out.getvalue()


@given(names)
def test_a_path_is_what_the_name_is_inside_a_root(name: bytes) -> None:
    path, left = absolute(name)
    assert path == posixpath.normpath(b"/" + name.lstrip(b"/"))
    assert absolute(path) == (path, False)
    depth = lowest = 0
    for part in name.split(b"/"):
        depth += (part not in {b"", b"."}) - 2 * (part == b"..")
        lowest, depth = min(lowest, depth), max(depth, 0)
    assert left == (lowest < 0)


def test_markers_and_what_looks_like_one() -> None:
    data = tar(
        ("d/.wh.gone", tarfile.REGTYPE, ""),
        ("d/.wh..wh..opq", tarfile.REGTYPE, ""),
        (".wh..wh..opq", tarfile.REGTYPE, ""),
        (".wh..wh.plnk", tarfile.DIRTYPE, ""),
        ("d/.whale", tarfile.REGTYPE, ""),
        (".wh.dir/file", tarfile.REGTYPE, ""),
    )
    found = {entry.path: (entry.type, entry.target) for entry in read(data)}
    assert found == {
        b"/d/.wh.gone": (EntryType.WHITEOUT, b"/d/gone"),
        b"/d/.wh..wh..opq": (EntryType.OPAQUE, b"/d"),
        b"/.wh..wh..opq": (EntryType.OPAQUE, b"/"),
        b"/.wh..wh.plnk": (EntryType.DIRECTORY, b""),
        b"/d/.whale": (EntryType.FILE, b""),
        b"/.wh.dir/file": (EntryType.FILE, b""),
    }
    plain = [entry.type for entry in read(data, whiteouts=False)]
    assert plain.count(EntryType.FILE) == 5


def test_hard_links_name_an_absolute_path() -> None:
    (link,) = read(tar(("b", tarfile.LNKTYPE, "./x/../a")))
    assert (link.type, link.same_as, link.held) == (EntryType.FILE, b"/a", None)


def test_texts_of_a_layer_are_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changeset, "MAX_TEXT", 100)
    with pytest.raises(LimitExceeded, match="bytes of names"):
        read(tar(*((f"name{n}", tarfile.SYMTYPE, "t" * 20) for n in range(9))))


SOME = tar(
    ("d", tarfile.DIRTYPE, ""),
    ("d/file", tarfile.REGTYPE, ""),
    ("d/link", tarfile.SYMTYPE, "file"),
    ("d/hard", tarfile.LNKTYPE, "d/file"),
    ("d/.wh.x", tarfile.REGTYPE, ""),
    ("n" * 150, tarfile.CHRTYPE, ""),
)


@settings(max_examples=300)
@given(st.lists(st.tuples(st.integers(0, len(SOME) - 1), st.binary(min_size=1, max_size=12))))
def test_no_header_however_wrong_leads_to_anything_but_a_tree_or_an_error(
    edits: list[tuple[int, bytes]],
) -> None:
    """Each edited header gets a right checksum, so that what is in it counts."""
    data = bytearray(SOME)
    for at, piece in edits:
        data[at : at + len(piece)] = piece
        del data[len(SOME) :]
        start = at - at % 512
        data[start + 148 : start + 156] = b" " * 8
        data[start + 148 : start + 156] = b"%06o\0 " % sum(data[start : start + 512])
    try:
        entries = list(flatten([read(bytes(data))]))
    except SourceError:
        return
    tree = MemoryTree(entries)
    assert list(tree.entries()) == entries
    for entry in entries:
        assert 0 <= entry.mode <= 0o7777
        assert b"/../" not in entry.path + b"/"
