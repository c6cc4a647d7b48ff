"""Images opened with the index of layers: read once, in audit mode not written, never trusted
with content; and the diff of images, which knows no layers."""

from __future__ import annotations

import random
import tarfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from adapters.test_oci_trees import BASE, DIR, UPPER, image_of, layer_of, member, tar
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.diffing import differences, letters
from support.oci_layout import Layout, blob_path, config_of, digest, packed

from treering.adapters.oci import adapter, trees
from treering.adapters.oci.reader import OciReader
from treering.core.errors import Cancelled, Damaged, SourceError
from treering.core.ids import Digest, NodeId
from treering.core.layerindex import LayerIndex
from treering.core.overlay import Overlay
from treering.core.ports import ReadContext, SourceSpec

OTHER = tar(member("etc/passwd", b"other"), member("etc/new", b"new"))


@pytest.fixture
def index(tmp_path: Path) -> LayerIndex:
    return LayerIndex(tmp_path / "cache" / "index")


@pytest.fixture
def scans(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the layers that were read."""
    seen: list[str] = []
    real = trees.scan

    def scan(file: Any, name: str, **limits: Any) -> Any:
        seen.append(name)
        return real(file, name, **limits)

    monkeypatch.setattr(trees, "scan", scan)
    return seen


def layout(path: Path, *images: Sequence[bytes], how: str = "gzip") -> str:
    made = Layout()
    for number, tars in enumerate(images):
        made.tag(made.image(list(tars), how), f"app:{number}")
    return str(made.write(path))


def reader(where: str, index: LayerIndex | None) -> OciReader:
    return OciReader("oci-layout", where, "src", index=index)


def test_each_layer_is_read_once(tmp_path: Path, index: LayerIndex, scans: list[str]) -> None:
    where = layout(tmp_path / "l", [BASE, UPPER], [BASE, OTHER])
    opened = reader(where, index)
    first = [opened.open_tree(image_of(t), ReadContext()) for t in ([BASE, UPPER], [BASE, OTHER])]
    assert len(scans) == 3
    found = differences(*first)
    again = reader(where, index)
    second = [again.open_tree(image_of(t), ReadContext()) for t in ([BASE, UPPER], [BASE, OTHER])]
    assert differences(*second) == found
    assert found
    assert len(scans) == 3


def test_it_does_not_matter_where_a_layer_lies(
    tmp_path: Path, index: LayerIndex, scans: list[str]
) -> None:
    one, other = layout(tmp_path / "a", [BASE]), layout(tmp_path / "b", [BASE, UPPER], how="zstd")
    reader(one, index).open_tree(image_of([BASE]), ReadContext())
    reader(other, index).open_tree(image_of([BASE, UPPER]), ReadContext())
    assert len(scans) == 2


def test_one_layer_twice_in_an_image_is_read_once(tmp_path: Path, scans: list[str]) -> None:
    where = layout(tmp_path / "l", [BASE, BASE, UPPER])
    reader(where, None).open_tree(image_of([BASE, BASE, UPPER]), ReadContext())
    assert len(scans) == 2


def test_notes_are_remembered(tmp_path: Path, index: LayerIndex) -> None:
    odd = tar(member("../../outside", b"x"))
    where = layout(tmp_path / "l", [odd])
    said = []
    for _ in range(2):
        context = ReadContext()
        reader(where, index).open_tree(image_of([odd]), context)
        said.append(context.notes)
    assert said[0] == said[1] != []


class TestContent:
    def test_is_read_from_the_layer(self, tmp_path: Path, index: LayerIndex) -> None:
        where = layout(tmp_path / "l", [BASE, UPPER])
        for _ in range(2):
            tree = reader(where, index).open_tree(image_of([BASE, UPPER]), ReadContext())
            assert tree.read(b"/srv/gone/new", 10) == b"new"
            assert tree.read(b"/etc/passwd", 7) == b"root:x:"

    def test_that_was_changed_since_is_refused(self, tmp_path: Path, index: LayerIndex) -> None:
        where = layout(tmp_path / "l", [BASE], how="none")
        reader(where, index).open_tree(image_of([BASE]), ReadContext())
        Path(where, blob_path(digest(BASE))).write_bytes(BASE.replace(b"root:x", b"toor:x"))
        tree = reader(where, index).open_tree(image_of([BASE]), ReadContext())
        with pytest.raises(Damaged):
            tree.read(b"/etc/passwd", 4)

    def test_a_layer_is_verified_once(
        self, tmp_path: Path, index: LayerIndex, scans: list[str]
    ) -> None:
        where = layout(tmp_path / "l", [BASE])
        reader(where, index).open_tree(image_of([BASE]), ReadContext())
        again = reader(where, index)
        tree = again.open_tree(image_of([BASE]), ReadContext())
        for _ in range(3):
            tree.read(b"/etc/passwd", 4)
            again.open_tree(layer_of(BASE), ReadContext()).read(b"/etc/passwd", 4)
        assert len(scans) == 2


class TestNotKept:
    def test_a_layer_that_is_wrong(self, tmp_path: Path, index: LayerIndex) -> None:
        where = layout(tmp_path / "l", [BASE])
        blob = digest(packed(BASE, "gzip"))
        Path(where, blob_path(blob)).write_bytes(packed(UPPER, "gzip"))
        with pytest.raises(Damaged):
            reader(where, index).open_tree(image_of([BASE]), ReadContext())
        assert index.get(Digest(digest(BASE))) is None
        assert index.get(Digest(digest(UPPER))) is None

    def test_a_layer_whose_diff_id_is_wrong(self, tmp_path: Path, index: LayerIndex) -> None:
        made = Layout()
        config = config_of([UPPER])
        made.tag(made.image([BASE], config=config), "app:1")
        where = str(made.write(tmp_path / "l"))
        with pytest.raises(SourceError):
            reader(where, index).open_tree(image_of([UPPER]), ReadContext())
        assert index.get(Digest(digest(UPPER))) is None

    def test_a_layer_nobody_waits_for(self, tmp_path: Path, index: LayerIndex) -> None:
        where = layout(tmp_path / "l", [BASE])
        left = 12

        def cancelled() -> bool:
            nonlocal left
            left -= 1
            return left < 0

        with pytest.raises(Cancelled):
            reader(where, index).open_tree(image_of([BASE]), ReadContext(cancelled=cancelled))
        assert index.get(Digest(digest(BASE))) is None


class TestAdapter:
    @pytest.fixture
    def cache(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
        return tmp_path / "xdg"

    def opened(self, where: str, *, audit: bool) -> None:
        kind = adapter.ADAPTERS[0]
        one = kind.open(SourceSpec("oci-layout", where, "src"), audit)
        one.open_tree(image_of([BASE]), ReadContext())  # type: ignore[attr-defined]

    def test_the_index_lies_in_the_cache(self, tmp_path: Path, cache: Path) -> None:
        self.opened(layout(tmp_path / "l", [BASE]), audit=False)
        assert [p.name for p in (cache / "treering").iterdir()] == ["layers-1.sqlite3"]

    def test_audit_mode_writes_nothing(self, tmp_path: Path, cache: Path, scans: list[str]) -> None:
        where = layout(tmp_path / "l", [BASE])
        self.opened(where, audit=True)
        assert not cache.exists()
        self.opened(where, audit=False)
        stamp = (cache / "treering" / "layers-1.sqlite3").stat().st_mtime_ns
        self.opened(where, audit=True)
        assert len(scans) == 2
        assert (cache / "treering" / "layers-1.sqlite3").stat().st_mtime_ns == stamp


# -- a diff knows no layers --------------------------------------------------------------

MEMBERS = [
    member("a", **DIR),
    member("a.b", b"dot"),
    member("a/b", b"deep"),
    member("a/c", **DIR | {"mode": 0o700}),
    member("a/c/d", b"x" * 3000, mode=0o755),
    member("l", type=tarfile.SYMTYPE, linkname="a/b"),
    member("n", type=tarfile.CHRTYPE, devmajor=1, devminor=3),
]


def opened(path: Path, tars: Sequence[bytes], how: str) -> Any:
    node: NodeId = image_of(tars)
    return reader(layout(path, tars, how=how), None).open_tree(node, ReadContext())


@given(
    cuts=st.sets(st.integers(1, len(MEMBERS) - 1)),
    seed=st.integers(0, 1000),
    how=st.sampled_from(["none", "gzip", "zstd"]),
)
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None
)
def test_compression_order_and_split_change_nothing(
    tmp_path_factory: pytest.TempPathFactory, cuts: set[int], seed: int, how: str
) -> None:
    path = tmp_path_factory.mktemp("images")
    shuffled = MEMBERS[:]
    random.Random(seed).shuffle(shuffled)  # noqa: S311 -- an example that can be repeated
    starts = [0, *sorted(cuts), len(shuffled)]
    parts = [tar(*shuffled[a:b]) for a, b in pairwise(starts)]
    one, other = opened(path / "one", [tar(*MEMBERS)], "gzip"), opened(path / "other", parts, how)
    assert differences(one, other) == []
    changed = tar(*MEMBERS[:-1], member("a/b", b"DEEP"), member("z", b""))
    third = opened(path / "third", [changed], "gzip")
    assert letters(differences(other, third)) == ["M /a/b content", "D /n", "A /z"]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_where_an_opaque_marker_stands_changes_nothing(tmp_path: Path, place: int) -> None:
    base = tar(member("d", **DIR), member("d/old", b"1"), member("d/sub/deep", b"2"))
    upper = [member("d", **DIR), member("d/new", b"3")]
    upper.insert(place, member("d/.wh..wh..opq"))
    explicit = tar(member("d/.wh.old"), member("d/.wh.sub"), member("d/new", b"3"))
    one = opened(tmp_path / "one", [base, tar(*upper)], "gzip")
    other = opened(tmp_path / "other", [base, explicit], "gzip")
    assert differences(one, other) == []
    before = opened(tmp_path / "base", [base], "gzip")
    expected = ["A /d/new", "D /d/old", "D /d/sub", "D /d/sub/deep"]
    assert letters(differences(before, one)) == expected


# -- a common base -----------------------------------------------------------------------


def test_a_common_base_is_laid_out_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    laid: list[int] = []
    real = Overlay.apply

    def apply(self: Overlay, changes: Any, layer: int) -> None:
        laid.append(layer)
        real(self, changes, layer)

    where = layout(tmp_path / "l", [BASE, UPPER], [BASE, OTHER], [BASE])
    plain = [
        reader(where, None).open_tree(image_of(t), ReadContext())
        for t in ([BASE, UPPER], [BASE, OTHER], [BASE])
    ]
    monkeypatch.setattr(Overlay, "apply", apply)
    one = reader(where, None)
    found = [
        one.open_tree(image_of(t), ReadContext())
        for t in ([BASE, UPPER], [BASE, OTHER], [BASE], [BASE, OTHER])
    ]
    assert laid == [0, 1, 1, 1]
    for tree, alone in zip(found, plain, strict=False):
        assert list(tree.entries()) == list(alone.entries())
    assert letters(differences(found[0], found[1])) == letters(differences(*plain[:2]))
    assert differences(found[1], found[3]) == []


def test_notes_of_a_common_base_are_said_again(tmp_path: Path) -> None:
    odd = tar(member("hard", type=tarfile.LNKTYPE, linkname="nowhere"))
    where = layout(tmp_path / "l", [odd, UPPER], [odd, OTHER])
    one = reader(where, None)
    said = []
    for tars in ([odd, UPPER], [odd, OTHER]):
        context = ReadContext()
        one.open_tree(image_of(tars), context)
        said.append(context.notes)
    assert said[0] == said[1] != []
