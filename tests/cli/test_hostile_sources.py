"""Hostile text in real formats: labels, tags, authors, subjects, paths, refs, file names."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pygit2
import pytest
from support.ostree_repo import FakeRepo
from support.readers import HOSTILE

from treering.core.gvariant import Variant
from treering.core.text import is_safe

CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


@pytest.fixture
def ostree(tmp_path: Path) -> Path:
    """A repository whose commit says hostile things; ref names with them are refused anyway."""
    repo = FakeRepo(tmp_path / "re\x1b[31mpo")
    commit = repo.commit(
        {"usr": {"x": "y"}},
        subject=HOSTILE,
        body=HOSTILE,
        metadata={"version": Variant("s", HOSTILE), HOSTILE: Variant("s", HOSTILE)},
        ref="os/stable",
    )
    bad = repo.path / "refs/heads" / "ev\x1b]0;x\x07il"
    bad.write_text(f"{commit}\n")
    return repo.path


@pytest.fixture
def git(tmp_path: Path) -> Path:
    """A repository with a hostile author, subject and branch."""
    path = tmp_path / "code"
    repository = pygit2.init_repository(path)
    who = pygit2.Signature(HOSTILE.replace("\n", " "), "a@b\x1b", 1_700_000_000, 0)
    tree = repository.TreeBuilder().write()
    repository.create_commit("refs/heads/main", who, who, HOSTILE, tree, [])
    return path


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    """A layout with hostile tags, labels, history and authors."""
    return hostile_layout(tmp_path / "lay\x1bout")


def hostile_layout(path: Path) -> Path:
    import hashlib
    import json

    blobs = path / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def put(data: bytes, media_type: str, **more: Any) -> dict[str, Any]:
        name = hashlib.sha256(data).hexdigest()
        (blobs / name).write_bytes(data)
        return {"mediaType": media_type, "digest": f"sha256:{name}", "size": len(data), **more}

    oci = "application/vnd.oci.image."
    layer = put(b"\0" * 1024, f"{oci}layer.v1.tar")
    config = {
        "architecture": HOSTILE,
        "os": HOSTILE,
        "author": HOSTILE,
        "created": HOSTILE,
        "config": {"Labels": {HOSTILE: HOSTILE}, "Env": [HOSTILE], "Cmd": [HOSTILE]},
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
        "history": [{"created_by": HOSTILE, "comment": HOSTILE, "author": HOSTILE}],
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{oci}manifest.v1+json",
        "config": put(json.dumps(config).encode(), f"{oci}config.v1+json"),
        "layers": [layer],
        "annotations": {HOSTILE: HOSTILE, "org.opencontainers.image.base.name": HOSTILE},
    }
    names = {"org.opencontainers.image.ref.name": HOSTILE, HOSTILE: HOSTILE}
    entry = put(json.dumps(manifest).encode(), f"{oci}manifest.v1+json", annotations=names)
    missing = {**entry, "digest": "sha256:" + "0" * 64, "annotations": names}
    index = {"schemaVersion": 2, "manifests": [entry, missing]}
    (path / "index.json").write_text(json.dumps(index))
    (path / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return path


@pytest.mark.parametrize("kind", ["ostree", "git", "layout"])
@pytest.mark.parametrize(
    "argv",
    [
        ["graph", "--json"],
        ["graph"],
        ["graph", "--format", "dot"],
        ["graph", "--format", "mermaid"],
        ["find", ":", "--json"],
        ["find", ":"],
        ["doctor"],
        ["doctor", "--json"],
    ],
)
def test_nothing_hostile_is_printed(
    run: Any, request: pytest.FixtureRequest, kind: str, argv: list[str]
) -> None:
    path = request.getfixturevalue(kind)
    request.getfixturevalue("monkeypatch").chdir(path)
    done = run(*argv, "--config", config_of(path, kind))
    assert done.code in {0, 3}, done.err
    assert done.out
    for text in (done.out, done.err):
        assert not CONTROL.search(text)
        assert all(is_safe(line) for line in text.split("\n"))
    if "--json" in argv and argv[0] != "doctor":
        assert len(done.json["nodes"]) >= 1


def config_of(path: Path, kind: str) -> Path:
    """Name the source in a file beside it: its path holds what ``--source`` refuses."""
    file = path.parent / "treering.toml"
    kinds = {"ostree": "ostree", "git": "git", "layout": "oci-layout"}
    location = path.rename(path.parent / kind)
    file.write_text(f'[[source]]\nkind = "{kinds[kind]}"\nlocation = "{location}"\n')
    return file


def test_a_hostile_location_is_refused_as_text(run: Any, ostree: Path) -> None:
    done = run("graph", "--source", f"ostree:{ostree}")
    assert done.code == 2
    assert not CONTROL.search(done.err)
