"""Layouts and archives made by buildah, umoci, skopeo and GNU tar, and read as those tools do."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.tools import need, need_root

from treering.adapters.oci.adapter import ADAPTERS
from treering.adapters.oci.reader import OciReader
from treering.core import ids
from treering.core.facts import EdgeFact, EdgeKind, NodeFact
from treering.core.graph import Graph
from treering.core.ids import Digest, Kind
from treering.core.ports import ReadContext
from treering.core.tar import Scanner, Type

pytestmark = pytest.mark.real

REVISION = "0123456789abcdef0123456789abcdef01234567"
Run = Callable[..., str]


def run(*argv: str | Path) -> str:
    done = subprocess.run(
        [need(str(argv[0])), *map(str, argv[1:])],
        check=True,
        capture_output=True,
        timeout=120,
        env={**os.environ, "BUILDAH_ISOLATION": "chroot", "TZ": "UTC"},
    )
    return done.stdout.decode()


def read(path: Path, kind: str = "oci-layout") -> dict[str, NodeFact]:
    context = ReadContext()
    facts = list(OciReader(kind, str(path), "src").read(context))
    assert context.problems == []
    return {fact.id: fact for fact in facts if isinstance(fact, NodeFact)}


def image_of(nodes: dict[str, NodeFact]) -> NodeFact:
    (found,) = [node for node in nodes.values() if node.id.startswith("image:")]
    return found


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image of three layers on a base, built by buildah into a layout."""
    need_root()
    place = tmp_path_factory.mktemp("built")
    buildah = ["buildah", "--storage-driver", "vfs", "--root", place / "root"]
    buildah += ["--runroot", place / "run"]

    def build(*argv: str | Path) -> str:
        return run(*buildah, *argv).strip()

    (place / "one").write_bytes(b"one\n" * 2000)
    (place / "two").write_bytes(os.urandom(200_000))
    base = build("from", "scratch")
    build("copy", base, place / "one", "/etc/one")
    build("config", "--env", "PATH=/bin", "--label", "org.opencontainers.image.title=base", base)
    build("commit", "--format", "oci", base, "localhost/base:1")
    app = build("from", "--pull-never", "localhost/base:1")
    build("copy", app, place / "two", "/usr/bin/two")
    build("config", "--cmd", "two", "--entrypoint", '["/bin/sh","-c"]', "--author", "me", app)
    build("config", "--label", f"org.opencontainers.image.revision={REVISION}", app)
    build("config", "--user", "1000", "--workingdir", "/srv", "--annotation", "made=here", app)
    build("commit", "--format", "oci", app, "localhost/app:1.2")
    for name in ("base:1", "app:1.2"):
        build("push", f"localhost/{name}", f"oci:{place / 'layout'}:{name}")
    return place / "layout"


def same_as_skopeo(where: str, node: NodeFact, nodes: dict[str, NodeFact]) -> None:
    """Compare an image with what skopeo says about it."""
    said = json.loads(run("skopeo", "inspect", where))
    config = json.loads(run("skopeo", "inspect", "--config", where))
    raw = run("skopeo", "inspect", "--raw", where)
    attrs = node.attrs
    assert (attrs["os"], attrs["architecture"]) == (said["Os"], said["Architecture"])
    assert attrs["created"] == said["Created"]
    assert attrs["labels"] == said["Labels"]
    assert attrs["env"] == said["Env"]
    assert attrs["layers"] == config["rootfs"]["diff_ids"]
    assert len(attrs["history"]) == len(config["history"])
    for key, field in (("cmd", "Cmd"), ("entrypoint", "Entrypoint")):
        assert attrs.get(key) == config["config"].get(field)
    assert attrs.get("user", "") == config["config"].get("User", "")
    blobs = {blob for diff_id in attrs["layers"] for blob in _blobs(nodes, diff_id)}
    if node.same:
        assert said["Digest"] in node.same
        assert set(said["Layers"]) <= blobs
        assert attrs.get("annotations") == json.loads(raw).get("annotations")
        assert attrs["size"] == sum(layer["size"] for layer in json.loads(raw)["layers"])


def _blobs(nodes: dict[str, NodeFact], diff_id: str) -> list[str]:
    layer = nodes[f"layer:{diff_id}"]
    assert layer.attrs["verified"] is True
    return list(layer.attrs["blobs"])


def test_a_layout_is_read_as_skopeo_and_umoci_read_it(layout: Path) -> None:
    nodes = read(layout)
    graph = Graph()
    graph.merge(OciReader("oci-layout", str(layout), "src").read(ReadContext()))
    for name in ("base:1", "app:1.2"):
        (edge,) = graph.edges_from(ids.tag("src", *name.split(":")))
        image = nodes[edge.end]
        same_as_skopeo(f"oci:{layout}:{name}", image, nodes)
        told = json.loads(run("umoci", "stat", "--json", "--image", f"{layout}:{name}"))
        layered = [entry for entry in told["history"] if entry.get("layer")]
        steps = [step for step in image.attrs["history"] if step["layer"] is not None]
        assert [e["diff_id"] for e in layered] == image.attrs["layers"]
        assert [e["created_by"] for e in layered] == [s["created_by"] for s in steps]
        for entry in layered:
            layer = nodes[f"layer:{entry['diff_id']}"].attrs
            assert entry["layer"]["digest"] in layer["blobs"]
            assert entry["layer"]["mediaType"] == layer["media_type"]
            assert entry["layer"]["size"] == layer["size"]
    app = graph.node(graph.edges_from(ids.tag("src", "app", "1.2"))[0].end)
    assert app.attrs["labels"]["org.opencontainers.image.revision"] == REVISION
    assert app.attrs["annotations"]["made"] == "here"


def test_copies_in_every_form_are_one_image(layout: Path, tmp_path: Path) -> None:
    """skopeo copies: an OCI archive, a Docker archive, both also compressed as a whole."""
    made = {"oci-archive": tmp_path / "oci.tar", "docker-archive": tmp_path / "docker.tar"}
    for kind, path in made.items():
        run("skopeo", "copy", f"oci:{layout}:app:1.2", f"{kind}:{path}:registry.example/app:1.2")
    graph = Graph()
    graph.merge(OciReader("oci-layout", str(layout), "layout").read(ReadContext()))
    (tagged,) = graph.edges_from(ids.tag("layout", "app", "1.2"))
    recognised = {adapter.kind: adapter.recognise for adapter in ADAPTERS}
    for kind, path in made.items():
        packed = path.with_suffix(".tar.gz")
        packed.write_bytes(gzip.compress(path.read_bytes(), 1))
        for place in (path, packed):
            assert [k for k, known in recognised.items() if known(place)] == [kind]
            nodes = read(place, kind)
            image = image_of(nodes)
            assert image.id == tagged.end
            assert "tag:src/registry.example/app:1.2" in nodes
            if place == path:
                reference = "" if kind == "docker-archive" else ":registry.example/app:1.2"
                same_as_skopeo(f"{kind}:{path}{reference}", image, nodes)
            graph.merge(OciReader(kind, str(place), place.name).read(ReadContext()))
    assert len(graph.of_kind(Kind.IMAGE)) == 2
    assert len(graph.of_kind(Kind.LAYER)) == 2


@pytest.mark.parametrize("how", ["gzip", "zstd", "plain"])
def test_recompressed_layers_keep_their_diff_ids(layout: Path, tmp_path: Path, how: str) -> None:
    """The layers plain, by way of a Docker archive, then compressed each way."""
    plain, target = tmp_path / "plain.tar", tmp_path / "out"
    run("skopeo", "copy", f"oci:{layout}:app:1.2", f"docker-archive:{plain}:app:1.2")
    options = [] if how == "plain" else ["--dest-compress", "--dest-compress-format", how]
    flat = tmp_path / "flat"
    options += ["--format", "oci"]
    run("skopeo", "copy", *options, f"docker-archive:{plain}", f"dir:{flat}")
    run("skopeo", "copy", f"dir:{flat}", f"oci:{target}:app:1.2")
    nodes = read(target)
    image = image_of(nodes)
    before = read(layout)
    assert image.attrs["layers"] == next(
        n.attrs["layers"] for n in before.values() if n.label == "app:1.2" and "layers" in n.attrs
    )
    kinds = {nodes[f"layer:{d}"].attrs["media_type"] for d in image.attrs["layers"]}
    wanted = {"gzip": "+gzip", "zstd": "+zstd", "plain": "+gzip"}[how]
    assert all(kind.endswith(wanted) for kind in kinds), kinds
    same_as_skopeo(f"oci:{target}:app:1.2", image, nodes)


def test_a_layout_written_by_umoci(tmp_path: Path) -> None:
    need_root()
    layout = tmp_path / "layout"
    (tmp_path / "file").write_bytes(b"content\n" * 100)
    run("umoci", "init", "--layout", layout)
    assert read(layout) == {}
    run("umoci", "new", "--image", f"{layout}:empty")
    assert "layers" not in image_of(read(layout)).attrs
    run("umoci", "config", "--image", f"{layout}:empty", "--tag", "app-1.2", "--config.env", "A=1")
    run("umoci", "insert", "--image", f"{layout}:app-1.2", tmp_path / "file", "/file")
    nodes = read(layout)
    image = next(n for n in nodes.values() if n.label == "app-1.2" and n.id.startswith("image:"))
    assert "tag:src:app-1.2" in nodes
    assert image.attrs["env"] == ["A=1"]
    config = json.loads(run("skopeo", "inspect", "--config", f"oci:{layout}:app-1.2"))
    assert image.attrs["layers"] == config["rootfs"]["diff_ids"]
    told = json.loads(run("umoci", "stat", "--json", "--image", f"{layout}:app-1.2"))
    assert len(told["history"]) == len(image.attrs["history"])
    assert told["history"][-1]["diff_id"] == image.attrs["layers"][-1]


def test_an_index_of_two_platforms_made_by_buildah(layout: Path, tmp_path: Path) -> None:
    place = tmp_path / "store"
    buildah = ["buildah", "--storage-driver", "vfs", "--root", place / "root"]
    buildah += ["--runroot", place / "run"]
    run(*buildah, "manifest", "create", "multi")
    for name, arch in (("base:1", "amd64"), ("app:1.2", "arm64")):
        run(*buildah, "manifest", "add", "--arch", arch, "multi", f"oci:{layout}:{name}")
    run(*buildah, "manifest", "push", "--all", "multi", f"oci:{tmp_path / 'out'}:multi:1")
    context = ReadContext()
    facts = list(OciReader("oci-layout", str(tmp_path / "out"), "src").read(context))
    assert context.problems == []
    raw = json.loads(run("skopeo", "inspect", "--raw", f"oci:{tmp_path / 'out'}:multi:1"))
    nodes = {fact.id: fact for fact in facts if isinstance(fact, NodeFact)}
    (index,) = [node for node in nodes.values() if node.id.startswith("index:")]
    assert index.attrs["platforms"] == ["linux/amd64", "linux/arm64"]
    lists = [f for f in facts if isinstance(f, EdgeFact) and f.kind is EdgeKind.LISTS]
    graph = Graph()
    graph.merge(facts)
    wanted = [ids.image(Digest(entry["digest"])) for entry in raw["manifests"]]
    assert [edge.end for edge in sorted(lists, key=lambda e: e.position or 0)] == [
        graph.canonical(manifest) for manifest in wanted
    ]


# -- GNU tar -----------------------------------------------------------------------------

FORMATS: dict[str, list[str]] = {
    "v7": ["--format=v7"],
    "ustar": ["--format=ustar"],
    "old gnu": ["--format=oldgnu", "--sparse"],
    "gnu": ["--format=gnu", "--sparse"],
    "pax": ["--format=pax"],
    "sparse 0.0": ["--format=pax", "--sparse", "--sparse-version=0.0"],
    "sparse 0.1": ["--format=pax", "--sparse", "--sparse-version=0.1"],
    "sparse 1.0": ["--format=pax", "--sparse", "--sparse-version=1.0"],
}


@pytest.mark.parametrize("how", list(FORMATS))
def test_archives_of_gnu_tar(tmp_path: Path, how: str) -> None:
    tree = tmp_path / "tree"
    (tree / "sub").mkdir(parents=True)
    contents: dict[bytes, bytes] = {b"./small": b"x" * 700, b"./empty": b""}
    (tree / "small").write_bytes(b"x" * 700)
    (tree / "empty").write_bytes(b"")
    if how != "v7":
        name = "d" * 90 + "/" + "f" * 90
        (tree / name).parent.mkdir()
        (tree / name).write_bytes(b"long")
        contents[f"./{name}".encode()] = b"long"
    with (tree / "holes").open("wb") as file:
        for at in range(40):
            file.seek(at * 262_144)
            file.write(b"data%d" % at)
        file.truncate(12_000_000)
    contents[b"./holes"] = (tree / "holes").read_bytes()
    (tree / "soft").symlink_to("small")
    (tree / "hard").hardlink_to(tree / "small")
    (tree / "old").write_bytes(b"")
    os.utime(tree / "old", ns=(0, -1_500_000_000))
    archive = tmp_path / "a.tar"
    old = ["--exclude=./old"] if how in {"v7", "ustar"} else []
    run("tar", "-C", tree, *FORMATS[how], *old, "-cf", archive, ".")
    for seek in (True, False):
        with archive.open("rb") as stream:
            scanner = Scanner(stream, seek=seek)
            found: dict[bytes, tuple[Any, bytes]] = {
                member.name: (member, b"".join(scanner.content())) for member in scanner
            }
            assert scanner.ended
        files = {n: c for n, (m, c) in found.items() if m.type is Type.FILE}
        linked = next(n for n, (m, _) in found.items() if m.type is Type.HARDLINK)
        assert found[linked][0].linkname in {b"./small", b"./hard"}
        shared = found[linked][0].linkname
        assert files.pop(shared) == contents[b"./small"]
        files.pop(b"./old", None)
        wanted = {n: c for n, c in contents.items() if n != b"./small"}
        assert files == wanted
        assert found[b"./soft"][0].linkname == b"small"
        assert found[b"./holes"][0].size == 12_000_000
        assert ("S" in how or "sparse" in how or "gnu" in how) == bool(found[b"./holes"][0].regions)
        if b"./old" in found:
            exact = -1_500_000_000 if "pax" in how or "sparse" in how else -2_000_000_000
            assert found[b"./old"][0].mtime == exact
        listed = run("tar", "-tf", archive, "--quoting-style=literal").splitlines()
        assert [n.decode() for n in found] == listed
