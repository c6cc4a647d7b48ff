"""The demo world: the same bytes every time, all of it or nothing, and the story it tells."""

from __future__ import annotations

import errno
import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest

from treering.adapters.demo import build as build_module
from treering.adapters.demo.build import MARKER, VERSION, build
from treering.adapters.demo.edge_hosts import IMAGE_REF
from treering.adapters.demo.guide import GUIDE
from treering.adapters.demo.shop_images import STRANGER
from treering.adapters.demo.store import Store
from treering.adapters.git.adapter import ADAPTERS as GIT
from treering.adapters.oci.adapter import ADAPTERS as OCI
from treering.adapters.ostree.adapter import ADAPTERS as OSTREE
from treering.core import config, ids
from treering.core.errors import InputError
from treering.core.facts import EdgeKind, Level
from treering.core.graph import Edge, Graph
from treering.core.names import Names
from treering.core.reading import Reading, State, read_all

WORLD = "d6807cf2848430c1d3e16367b3e5ad4c8aeea8b2e411b8f1574aae6daf49e79e"
"""The digest of every path, mode and byte of version 1 of the world. When it changes, screenshots
and guides that quote digests change too: raise `build.VERSION` and put the new one here."""


def fingerprint(directory: Path) -> str:
    """Return a digest of all paths, modes, link targets and bytes below `directory`."""
    found = sha256()
    for path in sorted(directory.rglob("*")):
        info = path.lstat()
        found.update(f"{path.relative_to(directory)} {info.st_mode:o}\n".encode())
        if path.is_symlink():
            found.update(os.fsencode(path.readlink()))
        elif path.is_file():
            found.update(path.read_bytes())
    return found.hexdigest()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("world") / "demo").parent


@contextmanager
def in_other_circumstances(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = os.umask(0o077)
    try:
        with monkeypatch.context() as patched:
            patched.setenv("TZ", "Pacific/Chatham")
            patched.setenv("LC_ALL", "tr_TR.UTF-8")
            time.tzset()
            yield
    finally:
        os.umask(before)
        time.tzset()


def test_every_byte_and_mode_is_always_the_same(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fingerprint(world) == WORLD
    with in_other_circumstances(monkeypatch):
        again = build(tmp_path / "elsewhere").parent
    assert fingerprint(again) == WORLD
    assert again.stat().st_mode & 0o777 == 0o755


def test_it_is_small_and_quick(tmp_path: Path) -> None:
    began = time.perf_counter()
    path = build(tmp_path / "demo").parent
    assert time.perf_counter() - began < 2
    files = [p for p in path.rglob("*") if p.is_file()]
    assert sum(p.stat().st_size for p in files) < 1024 * 1024


def test_a_world_that_is_there_is_left_alone(tmp_path: Path) -> None:
    path = build(tmp_path / "demo")
    (path.parent / "notes.txt").write_text("mine")
    before = path.stat().st_ino
    assert build(tmp_path / "demo") == path
    assert path.stat().st_ino == before
    assert (path.parent / "notes.txt").read_text() == "mine"


def test_a_world_of_another_version_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = build(tmp_path / "demo")
    monkeypatch.setattr(build_module, "VERSION", VERSION + 1)
    (path.parent / "registry/index.json").write_text("old")
    build(tmp_path / "demo")
    assert json.loads((path.parent / MARKER).read_text())["version"] == VERSION + 1
    assert (path.parent / "registry/index.json").read_text() != "old"
    assert [p.name for p in tmp_path.iterdir()] == ["demo"]
    monkeypatch.setattr(build_module, "VERSION", VERSION + 2)
    (path.parent / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"notes\.txt"):
        build(tmp_path / "demo")
    assert (path.parent / "notes.txt").read_text() == "mine"


def test_a_world_with_parts_missing_is_made_whole(tmp_path: Path) -> None:
    path = build(tmp_path / "demo")
    path.unlink()
    assert build(tmp_path / "demo").is_file()


def test_an_empty_directory_is_filled(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    assert build(tmp_path / "demo").is_file()


@pytest.mark.parametrize("content", ["foreign", "marker", "file", "link"])
def test_anything_else_is_refused_and_left_alone(tmp_path: Path, content: str) -> None:
    target = tmp_path / "demo"
    if content == "file":
        target.write_text("mine")
    elif content == "link":
        (tmp_path / "real").mkdir()
        target.symlink_to(tmp_path / "real")
    else:
        target.mkdir()
        (target / "precious").write_text("mine")
        if content == "marker":
            (target / MARKER).write_text("{}")
    before = fingerprint(tmp_path)
    with pytest.raises(InputError, match="demo"):
        build(target)
    assert fingerprint(tmp_path) == before


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("kind", [OSError, KeyboardInterrupt])
@pytest.mark.parametrize("at", [0, 40, 270])
def test_a_full_disk_or_an_interruption_leaves_nothing_behind(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    at: int,
    kind: type[BaseException],
    old: bool,
) -> None:
    if old:
        build(tmp_path / "demo")
        monkeypatch.setattr(build_module, "VERSION", VERSION + 1)
    before = fingerprint(tmp_path)
    put, count = Store.put, iter(range(10_000))

    def fail(store: Store, *arguments: object) -> None:
        if next(count) >= at:
            raise kind(errno.ENOSPC, "No space left on device")
        put(store, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Store, "put", fail)
    with pytest.raises(InputError if kind is OSError else kind) as caught:
        build(tmp_path / "demo")
    if kind is OSError:
        assert "No space left" in str(caught.value)
    assert fingerprint(tmp_path) == before
    monkeypatch.setattr(Store, "put", put)
    assert build(tmp_path / "demo").is_file()


def test_an_old_world_comes_back_when_renaming_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(tmp_path / "demo")
    before = fingerprint(tmp_path)
    monkeypatch.setattr(build_module, "VERSION", VERSION + 1)
    rename = Path.rename

    def fail(path: Path, target: Path) -> Path:
        if path.name == "new":
            raise OSError(errno.EIO, "Input/output error")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(InputError, match="Input/output"):
        build(tmp_path / "demo")
    monkeypatch.undo()
    assert fingerprint(tmp_path) == before


# -- the story -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def reading(world: Path) -> tuple[Reading, Graph]:
    adapters = {a.kind: a for a in (*GIT, *OCI, *OSTREE)}
    specs = config.name_sources(config.load(world / "treering.toml").sources)
    made = Reading([adapters[s.kind].open(s, True) for s in specs])
    return made, read_all(made)


@pytest.fixture
def graph(reading: tuple[Reading, Graph]) -> Graph:
    return reading[1]


def out(graph: Graph, name: str, kind: EdgeKind) -> list[Edge]:
    """Return the edges of one kind from a node, or from what a tag or ref points at."""
    node = Names(graph).resolve(name)
    while node.startswith(("tag:", "ref:")):
        node = next(e.end for e in graph.edges_from(node) if e.kind is EdgeKind.POINTS_AT)
    return [e for e in graph.edges_from(node) if e.kind is kind]


def target(graph: Graph, name: str) -> str:
    node = Names(graph).resolve(name)
    while node.startswith(("tag:", "ref:")):
        node = next(e.end for e in graph.edges_from(node) if e.kind is EdgeKind.POINTS_AT)
    return node


def test_every_source_reads_without_a_problem(reading: tuple[Reading, Graph]) -> None:
    made, graph = reading
    for status in made.status.values():
        assert (status.state, status.problems) == (State.OK, []), status.name
    assert len(graph) > 90


def test_every_name_in_the_guide_is_there(graph: Graph, world: Path) -> None:
    assert (world / "README.md").read_text() == GUIDE
    asked = re.findall(r"treering \w+(?: --down)? (\S+)(?: (\S+))?", GUIDE)
    names = [name for pair in asked for name in pair if "/" in name]
    assert len(names) >= 9
    for name in names:
        assert graph.knows(Names(graph).resolve(name)), name


@pytest.mark.parametrize(
    ("name", "base", "tag"),
    [("1.0", "12.0", "v1.0"), ("1.1", "12.0", "v1.1"), ("1.2", "12.1", "v1.2")],
)
def test_the_web_shop_joins_base_and_commit(graph: Graph, name: str, base: str, tag: str) -> None:
    (based,) = out(graph, f"registry/shop/web:{name}", EdgeKind.BASED_ON)
    assert based.level is Level.EXACT
    assert based.end == target(graph, f"registry/base/debian:{base}")
    (built,) = out(graph, f"registry/shop/web:{name}", EdgeKind.BUILT_FROM)
    assert graph.attrs(built.end)["tags"] == [tag]
    assert graph.attrs(built.end)["describe"] == tag


def test_tags_that_moved(graph: Graph) -> None:
    assert target(graph, "registry/shop/web:latest") == target(graph, "registry/shop/web:1.2")
    assert target(graph, "registry/shop/web:stable") == target(graph, "registry/shop/web:1.1")
    assert target(graph, "staging/shop/web:stable") == target(graph, "registry/shop/web:1.2")
    assert target(graph, "registry/base/debian:12") == target(graph, "registry/base/debian:12.1")


def test_the_worker_does_not_inherit_a_commit(graph: Graph) -> None:
    assert out(graph, "registry/shop/worker:0.9", EdgeKind.BUILT_FROM) == []
    (based,) = out(graph, "registry/shop/worker:0.9", EdgeKind.BASED_ON)
    assert based.end == target(graph, "registry/shop/web:1.1")


def test_a_shortened_commit_is_found(graph: Graph) -> None:
    (built,) = out(graph, "staging/shop/web:1.3-rc1", EdgeKind.BUILT_FROM)
    assert graph.attrs(built.end)["branches"] == ["main"]


def test_the_api_has_two_platforms_and_provenance(graph: Graph) -> None:
    listed = out(graph, "registry/shop/api:2.0", EdgeKind.LISTS)
    assert {graph.attrs(e.end)["architecture"] for e in listed} == {"amd64", "arm64"}
    for edge in listed:
        kinds = {e.kind for e in graph.edges_from(edge.end)}
        assert {EdgeKind.BASED_ON, EdgeKind.BUILT_FROM} <= kinds
    (amd64,) = [e.end for e in listed if graph.attrs(e.end)["architecture"] == "amd64"]
    assert EdgeKind.ATTESTS in {e.kind for e in graph.edges_to(amd64)}
    assert EdgeKind.BUILT_BY in {e.kind for e in graph.edges_from(amd64)}


def test_a_signature_and_a_bill_of_materials_attest_the_web_shop(graph: Graph) -> None:
    shop = ids.NodeId(target(graph, "registry/shop/web:1.2"))
    attesting = [e.start for e in graph.edges_to(shop) if e.kind is EdgeKind.ATTESTS]
    assert len(attesting) == 2


def test_only_the_host_image_itself_encapsulates_a_commit(graph: Graph) -> None:
    (edge,) = out(graph, "registry/os/edge:stable", EdgeKind.ENCAPSULATES)
    assert edge.end == target(graph, "os-repo/edge/x86_64/stable")
    assert out(graph, "registry/os/edge-custom:1", EdgeKind.ENCAPSULATES) == []
    (based,) = out(graph, "registry/os/edge-custom:1", EdgeKind.BASED_ON)
    assert based.end == target(graph, "registry/os/edge:stable")


def test_the_import_comes_from_the_image_and_rests_on_its_commit(graph: Graph) -> None:
    (imported,) = out(graph, f"os-repo/{IMAGE_REF}", EdgeKind.IMPORTED_FROM)
    assert imported.end == target(graph, "registry/os/edge:stable")
    (layered,) = out(graph, f"os-repo/{IMAGE_REF}", EdgeKind.LAYERED_ON)
    assert layered.end == target(graph, "os-repo/edge/x86_64/stable")


def test_versions_of_the_host_hang_together(graph: Graph) -> None:
    node = target(graph, "os-repo/edge/x86_64/testing")
    versions = []
    while graph.knows(ids.NodeId(node)):
        versions.append(graph.attrs(ids.NodeId(node))["version"])
        (parent,) = [e for e in graph.edges_from(ids.NodeId(node)) if e.kind is EdgeKind.PARENT]
        node = parent.end
    assert versions == [f"40.{n}" for n in range(11, 0, -1)]
    assert target(graph, "os-repo/edge/current") == target(graph, "os-repo/edge/x86_64/stable")
    revisions = {
        graph.attrs(e.end)["subject"]
        for version in ("stable", "testing", "rebuild")
        for e in out(graph, f"os-repo/edge/x86_64/{version}", EdgeKind.BUILT_FROM)
    }
    assert revisions == {"os: pin the kernel on the edge host"}


def test_the_rebuild_is_the_same_tree_after_a_withdrawn_commit(graph: Graph) -> None:
    (same,) = out(graph, "os-repo/edge/x86_64/rebuild", EdgeKind.SAME_TREE)
    assert same.end == target(graph, "os-repo/edge/x86_64/stable")
    (parent,) = out(graph, "os-repo/edge/x86_64/rebuild", EdgeKind.PARENT)
    assert graph.attrs(parent.end)["tombstone"] is True


def test_the_vendor_names_what_nobody_knows(graph: Graph) -> None:
    (built,) = out(graph, "registry/vendor/agent:7", EdgeKind.BUILT_FROM)
    (based,) = out(graph, "registry/vendor/agent:7", EdgeKind.BASED_ON)
    assert built.end == ids.git(STRANGER)
    assert not graph.knows(built.end)
    assert not graph.knows(based.end)
