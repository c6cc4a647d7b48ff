"""Diffs of images beside the truth: both unpacked by umoci and compared byte by byte."""

from __future__ import annotations

import os
import random
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from adapters.test_oci_trees import DIR, image_of, member, tar
from real.test_trees_real import IMAGES, Maker, described, unpacked
from support.oci_layout import Layout
from support.tools import need_root

from treering.adapters.oci.reader import OciReader
from treering.core.diff.model import Change, ChangeType, Field
from treering.core.diff.trees import diff_trees
from treering.core.layerindex import LayerIndex
from treering.core.ports import ReadContext
from treering.core.trees import EntryType

pytestmark = pytest.mark.real

Told = dict[str, tuple[str, frozenset[str]]]
_NAMED = [Field.TYPE, Field.MODE, Field.UID, Field.GID, Field.SIZE, Field.LINK, Field.DEVICE]


def truth(a: Path, b: Path) -> Told:
    """What differs between two directories."""
    one, other = described(a), described(b)
    found: Told = {}
    for path in {*one, *other} - {"/", "hard links"}:
        was, now = one.get(path), other.get(path)
        if was is None or now is None:
            found[path] = ("added" if was is None else "removed", frozenset())
            continue
        fields = {name.value for name, x, y in zip(_NAMED, was, now, strict=False) if x != y}
        if was[0] is not now[0]:
            fields -= {"size", "link", "device"}
            if EntryType.LINK in {was[0], now[0]}:
                fields.discard("mode")
        elif was[7] != now[7]:
            fields.add("content")
        if attributes(a, path) != attributes(b, path):
            fields.add("xattrs")
        if fields:
            found[path] = ("modified", frozenset(fields))
    return found


def attributes(root: Path, path: str) -> list[tuple[str, bytes]]:
    place = root / path.lstrip("/")
    names = [n for n in os.listxattr(place, follow_symlinks=False) if n.startswith("user.")]
    return sorted((n, os.getxattr(place, n, follow_symlinks=False)) for n in names)


def told(changes: Sequence[Change]) -> Told:
    return {
        os.fsdecode(c.path): (c.change.value, frozenset(f.value for f in c.fields)) for c in changes
    }


def compare(place: Path, one: Sequence[bytes], other: Sequence[bytes]) -> Told:
    """Diff two images both ways, cold and warm; check each against the truth."""
    layout = Layout()
    layout.tag(layout.image(list(one), "gzip"), "one")
    layout.tag(layout.image(list(other), "zstd"), "other")
    where = layout.write(place / "layout")
    # umoci reads gzip only: its copy has the same layers, stored otherwise.
    for name, tars in (("one", one), ("other", other)):
        copy = Layout()
        copy.tag(copy.image(list(tars), "gzip"), "app")
        unpacked(copy.write(place / name), "app", place / f"{name}-bundle")
    roots = [place / f"{name}-bundle" / "rootfs" for name in ("one", "other")]
    found: Told = {}
    for _ in range(2):
        reader = OciReader("oci-layout", str(where), "src", index=LayerIndex(place / "index"))
        a, b = (reader.open_tree(image_of(t), ReadContext()) for t in (one, other))
        context = ReadContext()
        changes = list(diff_trees(a, b, context))
        assert context.problems == []
        assert [c.path for c in changes] == sorted(c.path for c in changes)
        found = told(changes)
        assert found == truth(*roots)
        back = told(list(diff_trees(b, a, ReadContext())))
        turn = {"added": "removed", "removed": "added", "modified": "modified"}
        assert back == {path: (turn[how], fields) for path, (how, fields) in found.items()}
    return found


def user(value: str) -> dict[str, Any]:
    return {"pax_headers": {"SCHILY.xattr.user.note": value}}


LOWER = tar(
    member("d", **DIR),
    member("d/old", b"old"),
    member("d/sub/deep", b"deep"),
    member("same-size", b"content one"),
    member("link", type=tarfile.SYMTYPE, linkname="aaa"),
    member("attribute", b"x", **user("1")),
    member("mode", b"x", mode=0o644),
    member("owner", b"x"),
    member("hard-a", b"shared"),
    member("hard-b", type=tarfile.LNKTYPE, linkname="hard-a"),
    member("turns/into/file", b"below"),
    member("d.txt", b"beside"),
)
CASES: dict[str, tuple[list[bytes], dict[str, Any]]] = {
    "opaque": (
        [member("d/new", b"new"), member("d/.wh..wh..opq")],
        {"/d/new": "added", "/d/old": "removed", "/d/sub": "removed", "/d/sub/deep": "removed"},
    ),
    "same size": ([member("same-size", b"content two")], {"/same-size": "content"}),
    "link": ([member("link", type=tarfile.SYMTYPE, linkname="bbb")], {"/link": "link"}),
    "attribute": ([member("attribute", b"x", **user("2"))], {"/attribute": "xattrs"}),
    "mode": ([member("mode", b"x", mode=0o600)], {"/mode": "mode"}),
    "owner": ([member("owner", b"x", uid=7)], {"/owner": "uid"}),
    "hard link": ([member("hard-a", b"other!")], {"/hard-a": "content"}),
    "type": (
        [member(".wh.turns"), member("turns", b"a file", mode=0o755)],
        {"/turns": "type", "/turns/into": "removed", "/turns/into/file": "removed"},
    ),
    "whiteout of nothing": ([member(".wh.absent")], {}),
    "whiteout and new": ([member(".wh.same-size"), member("same-size", b"new")], {
        "/same-size": "content"
    }),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_edge_cases(tmp_path: Path, case: str) -> None:
    need_root()
    members, expected = CASES[case]
    found = compare(tmp_path, [LOWER], [LOWER, tar(*members)])  # type: ignore[arg-type]
    assert set(found) == set(expected)
    for path, what in expected.items():
        how, fields = found[path]
        assert how == what or (how == ChangeType.MODIFIED and what in fields)


@pytest.mark.parametrize("seed", range(IMAGES))
def test_random_images(tmp_path: Path, seed: int) -> None:
    """Two images that share some of their layers."""
    need_root()
    chance = random.Random(seed)  # noqa: S311 -- the same images each time
    maker = Maker(chance)
    shared = [maker.layer() for _ in range(chance.randrange(3))]
    types = dict(maker.types)
    one = [maker.layer() for _ in range(chance.randrange(1, 3))]
    maker.types = types
    other = [maker.layer() for _ in range(chance.randrange(1, 3))]
    compare(tmp_path, [*shared, *one], [*shared, *other])
