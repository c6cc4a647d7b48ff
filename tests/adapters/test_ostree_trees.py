"""Files and documents of commits: lazy, verified where it is cheap, bounded."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from support.opener_contract import OpenerContract, listing
from support.ostree_repo import FakeRepo, packages

from treering.adapters.ostree import browsing, papers
from treering.adapters.ostree.browsing import CommitTree
from treering.adapters.ostree.reader import OstreeReader
from treering.core import ids
from treering.core.errors import Damaged, LimitExceeded, NotRecognised, Unreachable
from treering.core.gvariant import Variant
from treering.core.ids import NodeId
from treering.core.ports import ReadContext, SourceSpec
from treering.core.trees import EntryType

TREE = {
    "usr": {"bin": {"sh": b"#!/bin/sh\n", "link": "sh"}, "lib": {}},
    "usr.txt": b"sorts between usr and its content",
    "motd": b"hello\x1b" * 3000,
    "name\n\x1b[31m": b"odd",
}


def reader_of(fake: FakeRepo) -> OstreeReader:
    return OstreeReader(SourceSpec("ostree", str(fake.path), "repo"))


def opened(fake: FakeRepo, checksum: str) -> CommitTree:
    return reader_of(fake).open_tree(ids.commit(checksum), ReadContext())


@pytest.fixture
def fake(tmp_path: Path) -> FakeRepo:
    return FakeRepo(tmp_path / "repo")


class _Opener(OpenerContract):
    mode = ""

    @pytest.fixture
    def commits(self, tmp_path: Path) -> dict[str, Any]:
        repo = FakeRepo(tmp_path / "repo", self.mode)
        first = repo.commit(TREE, subject="First")
        second = repo.commit({**TREE, "new": b"x" * 9}, parent=first, ref="os")
        return {"repo": repo, "ids": [ids.commit(second), ids.commit(first)]}

    @pytest.fixture
    def opener(self, commits: dict[str, Any]) -> OstreeReader:
        return reader_of(commits["repo"])

    @pytest.fixture
    def openable(self, commits: dict[str, Any]) -> Sequence[NodeId]:
        return list(commits["ids"])

    @pytest.fixture
    def documented(self, commits: dict[str, Any]) -> Sequence[NodeId]:
        return list(commits["ids"])


class TestArchiveOpener(_Opener):
    mode = "archive-z2"


class TestBareUserOpener(_Opener):
    mode = "bare-user"


class TestBareUserOnlyOpener(_Opener):
    mode = "bare-user-only"


# -- trees -------------------------------------------------------------------------------


def test_a_commit(fake: FakeRepo) -> None:
    tree = opened(fake, fake.commit(TREE))
    found = listing(tree)
    assert list(found) == [
        "/", "/motd", "/name\n\x1b[31m", "/usr", "/usr/bin", "/usr/bin/link", "/usr/bin/sh",
        "/usr/lib", "/usr.txt",
    ]  # fmt: skip
    link, motd = found["/usr/bin/link"], found["/motd"]
    assert (link.type, link.target, link.mode) == (EntryType.LINK, b"sh", 0o777)
    assert (motd.type, motd.size, motd.mode) == (EntryType.FILE, 18_000, 0o644)
    assert (found["/usr"].type, found["/usr"].mode) == (EntryType.DIRECTORY, 0o755)
    assert tree.read(b"/usr/bin/sh", 99) == b"#!/bin/sh\n"


def test_only_what_is_asked_for_is_read(fake: FakeRepo, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = opened(fake, fake.commit(TREE))
    read: list[str] = []
    real = tree._repository.dirtree
    monkeypatch.setattr(tree._repository, "dirtree", lambda n: read.append(n) or real(n))
    tree.children(b"/")
    assert len(read) == 1
    tree.entry(b"/usr/bin/sh")
    tree.entry(b"/usr/bin/link")
    assert len(read) == 3


def test_equal_subtrees_are_equal_with_their_attributes(fake: FakeRepo) -> None:
    plain = fake.tree({"bin": {"sh": b"x"}})
    meta, other = fake.dirmeta(), fake.dirmeta(0o40700)
    labelled = fake.dirmeta(0o40755, [(b"user.a\0", b"1")])
    tree = opened(
        fake,
        fake.commit(
            fake.dirtree(
                [
                    ("f", fake.content(b"x")),
                    ("g", fake.content(b"x")),
                    ("h", fake.content(b"x", 0o600)),
                ],
                [
                    ("a", plain, meta),
                    ("b", plain, meta),
                    ("c", plain, other),
                    ("d", plain, labelled),
                ],
            )
        ),
    )
    assert tree.subtree(b"/a") == tree.subtree(b"/b")
    assert len({tree.subtree(path) for path in (b"/a", b"/c", b"/d")}) == 3
    assert tree.subtree(b"/f") == tree.subtree(b"/g") != tree.subtree(b"/h")
    assert tree.entry(b"/d").xattrs == ((b"user.a", b"1"),)


def test_the_digest_of_the_root_is_the_content_checksum(fake: FakeRepo) -> None:
    checksum = fake.commit(TREE)
    shown = reader_of(fake).documents(ids.commit(checksum), ReadContext())[0].data.decode()
    digest = opened(fake, checksum).subtree(b"/")
    assert digest is not None
    assert f"ContentChecksum:  {digest.removeprefix('sha256:')}" in shown


def test_content_that_does_not_hash_to_its_name_is_damage(fake: FakeRepo) -> None:
    checksum = fake.commit({"a": b"good" * 50})
    content = fake.content(b"good" * 50)
    other = fake.content(b"evil" * 50)
    fake.object(content, "filez").write_bytes(fake.object(other, "filez").read_bytes())
    tree = opened(fake, checksum)
    with pytest.raises(Damaged, match="does not hash to its name"):
        tree.read(b"/a", 4)


def test_large_files_are_read_only_as_far_as_asked(
    fake: FakeRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browsing, "MAX_VERIFIED", 100)
    tree = opened(fake, fake.commit({"a": b"0123456789" * 20}))
    assert tree.read(b"/a", 4) == b"0123"
    assert tree.read(b"/a", 1000) == b"0123456789" * 20


def test_a_dirtree_that_does_not_hash_to_its_name_is_damage(fake: FakeRepo) -> None:
    good = fake.tree({"a": b"x"})
    checksum = fake.commit(good)
    fake.object(good, "dirtree").write_bytes(fake.object(fake.tree({}), "dirtree").read_bytes())
    with pytest.raises(Damaged, match="does not hash"):
        opened(fake, checksum).children(b"/")


def test_a_partial_commit_names_what_is_missing(fake: FakeRepo) -> None:
    checksum = fake.commit({"d": {"a": b"x"}, "e": {}})
    gone = fake.content(b"x")
    fake.object(gone, "filez").unlink()
    tree = opened(fake, checksum)
    assert [entry.path for entry in tree.children(b"/")] == [b"/d", b"/e"]
    with pytest.raises(Unreachable, match=gone[2:10]):
        tree.children(b"/d")


def test_a_tree_of_endless_paths_ends_at_the_cap(
    fake: FakeRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    meta, tree = fake.dirmeta(), fake.tree({})
    for _ in range(20):
        tree = fake.dirtree([], [(str(n), tree, meta) for n in range(8)])
    monkeypatch.setattr(browsing, "MAX_ENTRIES", 5000)
    with pytest.raises(LimitExceeded, match="more than 5000"):
        list(opened(fake, fake.commit(tree)).entries())


def test_a_tree_of_endless_depth_ends_at_the_cap(fake: FakeRepo) -> None:
    meta, tree = fake.dirmeta(), fake.tree({})
    for _ in range(600):
        tree = fake.dirtree([], [("d", tree, meta)])
    with pytest.raises(LimitExceeded, match="deeper than 512"):
        list(opened(fake, fake.commit(tree)).entries())


def test_other_kinds_and_commits_are_not_recognised(fake: FakeRepo) -> None:
    fake.commit({})
    for node in (ids.commit("7" * 64), ids.ref("repo", "os")):
        with pytest.raises(NotRecognised):
            reader_of(fake).open_tree(node, ReadContext())
        assert reader_of(fake).documents(node, ReadContext()) == ()


def test_a_deleted_commit_says_so(fake: FakeRepo) -> None:
    from treering.core.gvariant import encode

    checksum = fake.commit({})
    fake.object(checksum, "commit").unlink()
    fake.put(encode("a{sv}", {}), "tombstone-commit", checksum)
    with pytest.raises(NotRecognised, match="tombstone"):
        opened(fake, checksum)


def test_names_are_looked_up_exactly(fake: FakeRepo) -> None:
    tree = opened(fake, fake.commit(TREE))
    for path in (b"/usr/", b"/usr//bin", b"/./usr", b"/usr/..", b"/\xff", b"/motd/x", b"/usr/bi"):
        with pytest.raises(KeyError):
            tree.entry(path)


# -- documents ---------------------------------------------------------------------------


def commit_of_everything(fake: FakeRepo) -> str:
    return fake.commit(
        {},
        subject="Release\x1b[2J",
        body="why\nnot",
        parent="9" * 64,
        time=1_700_000_000,
        metadata={
            "version": Variant("s", "2.0"),
            "rpmostree.rpmdb.pkglist": packages("bash", "zlib"),
            "bytes": Variant("ay", b"\0\xff"),
            "long": Variant("ay", bytes(5000)),
            "number": Variant("d", float("nan")),
            "nested": Variant("a{sv}", {"a": Variant("v", Variant("u", 7))}),
            "ostree.manifest": Variant("s", '{"schemaVersion": 2}'),
            "ostree.manifest-digest": Variant("s", "sha256:" + "5" * 64),
        },
    )


def test_a_commit_is_shown_as_ostree_shows_it(fake: FakeRepo) -> None:
    checksum = commit_of_everything(fake)
    shown, values, manifest = reader_of(fake).documents(ids.commit(checksum), ReadContext())
    text = shown.data.decode()
    assert text.startswith(f"commit {checksum}\nParent:  {'9' * 64}\nContentChecksum:  ")
    assert "\nDate:  2023-11-14 22:13:20 +0000\n" in text
    assert "\nVersion: 2.0\n" in text
    assert text.endswith("\n\n    Release\x1b[2J\n\n    why\n    not\n")
    found = json.loads(values.data)
    assert found["version"] == {"type": "s", "value": "2.0"}
    assert [p[0] for p in found["rpmostree.rpmdb.pkglist"]["value"]] == ["bash", "zlib"]
    assert found["bytes"]["value"] == "00ff"
    assert found["long"]["value"] == "5000 bytes"
    assert found["number"]["value"] == "nan"
    assert found["nested"]["value"] == {"a": 7}
    assert (manifest.name, manifest.data) == ("ostree.manifest", b'{"schemaVersion": 2}')


def test_detached_metadata_is_a_document_of_its_own(fake: FakeRepo) -> None:
    from treering.core.gvariant import encode

    checksum = fake.commit({})
    signed = {"ostree.sign.ed25519": Variant("aay", [b"s" * 64])}
    fake.put(encode("a{sv}", signed), "commitmeta", checksum)
    detached = reader_of(fake).documents(ids.commit(checksum), ReadContext())[-1]
    assert detached.name == "detached metadata"
    found = json.loads(detached.data)
    assert found["signatures"] == [{"type": "ed25519"}]
    assert found["metadata"]["ostree.sign.ed25519"]["value"] == ["73" * 64]


def test_metadata_beyond_the_caps_is_counted(
    fake: FakeRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(papers, "MAX_ITEMS", 10)
    monkeypatch.setattr(papers, "MAX_VALUE", 1000)
    many = {"list": Variant("au", list(range(11))), "text": Variant("s", "x" * 1001)}
    many |= {f"some{n}": Variant("au", list(range(9))) for n in range(6)}
    found = json.loads(
        reader_of(fake).documents(ids.commit(fake.commit({}, metadata=many)), ReadContext())[1].data
    )
    assert found["list"]["value"] == "11 items"
    assert found["text"]["value"] == "1002 bytes"
    assert found["some0"]["value"] == list(range(9))
    assert found["some5"]["value"] == "9 items"


def test_a_date_no_calendar_has_is_a_number(fake: FakeRepo) -> None:
    shown = reader_of(fake).documents(ids.commit(fake.commit({}, time=1 << 62)), ReadContext())
    assert f"Date:  {1 << 62} seconds" in shown[0].data.decode()
