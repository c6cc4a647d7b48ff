"""Images beside commits: what is only another representation is said, and is no change."""

from __future__ import annotations

from hypothesis import given
from msgspec.structs import replace
from support.diffing import by_path, directory, file, letters, link, tree, tree_entries

from treering.core.diff.across import AsCommit, diff_between
from treering.core.ids import Kind
from treering.core.ports import ReadContext, Tree
from treering.core.trees import ROOT, Entry, EntryType

IMAGE, COMMIT = Kind.IMAGE, Kind.COMMIT
USR = directory(b"/usr")
ETC, USR_ETC = directory(b"/etc"), directory(b"/usr/etc")
CONF, USR_CONF = file(b"/etc/conf", b"1"), file(b"/usr/etc/conf", b"1")
NULL = Entry(path=b"/dev/null", type=EntryType.CHARACTER, device=(1, 3))


def between(a: Tree, b: Tree, *kinds: Kind) -> tuple[list[str], list[str]]:
    context = ReadContext()
    found = letters(diff_between(a, b, (kinds[0], kinds[1]), context))
    return found, list(context.notes)


class TestEtc:
    def test_is_one_directory(self) -> None:
        image, commit = tree(USR, ETC, CONF), tree(USR, USR_ETC, USR_CONF)
        for a, b, kinds in ((image, commit, (IMAGE, COMMIT)), (commit, image, (COMMIT, IMAGE))):
            found, notes = between(a, b, *kinds)
            assert found == []
            assert notes == ["/etc of the image is /usr/etc of the commit, and is called that"]

    def test_what_differs_in_it_has_the_commits_name(self) -> None:
        image = tree(USR, ETC, file(b"/etc/conf", b"2"), file(b"/etc/new"))
        found, _ = between(tree(USR, USR_ETC, USR_CONF), image, COMMIT, IMAGE)
        assert found == ["M /usr/etc/conf content", "A /usr/etc/new"]

    def test_an_image_with_both_is_as_it_is(self) -> None:
        image, commit = tree(USR, ETC, USR_ETC, USR_CONF), tree(USR, USR_ETC, USR_CONF)
        found, notes = between(commit, image, COMMIT, IMAGE)
        assert found == ["A /etc"]
        assert notes == []

    def test_between_two_images_it_is_a_change(self) -> None:
        found, _ = between(tree(USR, ETC), tree(USR, USR_ETC), IMAGE, IMAGE)
        assert found == ["D /etc", "A /usr/etc"]

    def test_an_image_without_usr(self) -> None:
        found, _ = between(tree(ETC, CONF), tree(USR, USR_ETC, USR_CONF), IMAGE, COMMIT)
        assert found == []


class TestOstreesOwn:
    OBJECT = file(b"/sysroot/ostree/repo/objects/ab/cd.file", b"x")

    def test_objects_are_said(self) -> None:
        found, notes = between(tree(self.OBJECT, USR), tree(USR), IMAGE, COMMIT)
        assert found == ["D /sysroot"]
        assert len(notes) == 1
        assert "5 paths of ostree's own" in notes[0]

    def test_between_two_images_too(self) -> None:
        other = file(b"/sysroot/ostree/repo/objects/ef/cd.file", b"y")
        found, notes = between(tree(self.OBJECT), tree(other), IMAGE, IMAGE)
        assert found == []
        assert "4 paths of ostree's own" in notes[0]

    def test_what_is_called_alike_is_a_change(self) -> None:
        found, _ = between(tree(), tree(directory(b"/sysroot/ostree.d")), IMAGE, IMAGE)
        assert found == ["A /sysroot", "A /sysroot/ostree.d"]

    def test_attributes_of_what_shares_an_object(self) -> None:
        capability = ((b"security.capability", b"\1"),)
        shared = file(b"/usr/f", b"1", same_as=self.OBJECT.path)
        commit = file(b"/usr/f", b"1", xattrs=capability)
        found, notes = between(tree(USR, shared), tree(USR, commit), IMAGE, COMMIT)
        assert found == []
        assert "attributes" in notes[0]


class TestNormalised:
    def test_var_belongs_to_the_host(self) -> None:
        var = directory(b"/var")
        image = tree(var, directory(b"/var/lib"), file(b"/var/lib/x", b"1"))
        found, notes = between(image, tree(var), IMAGE, COMMIT)
        assert found == []
        assert "2 paths below /var" in notes[0]
        assert between(image, tree(var), IMAGE, IMAGE)[0] == ["D /var/lib", "D /var/lib/x"]

    def test_devices_cannot_be_in_a_commit(self) -> None:
        dev = directory(b"/dev")
        found, notes = between(tree(dev, NULL), tree(dev), IMAGE, COMMIT)
        assert found == []
        assert "1 devices" in notes[0]
        assert between(tree(dev, NULL), tree(dev), IMAGE, IMAGE)[0] == ["D /dev/null"]

    def test_labels(self) -> None:
        label = ((b"security.selinux", b"x"),)
        commit = tree(file(b"/f", b"1", xattrs=label), file(b"/g", b"1", xattrs=label))
        image = tree(file(b"/f", b"1"), file(b"/g", b"2", mode=0o600))
        found, notes = between(image, commit, IMAGE, COMMIT)
        assert found == ["M /g content mode"]
        assert "2 paths differ in SELinux labels" in notes[0]

    def test_other_attributes_are_changes(self) -> None:
        capability = ((b"security.capability", b"\1"),)
        commit = tree(file(b"/f", b"1", xattrs=capability))
        assert between(tree(file(b"/f", b"1")), commit, IMAGE, COMMIT)[0] == ["M /f xattrs"]

    def test_owners_and_modes_are_changes(self) -> None:
        image = tree(file(b"/f", b"1", uid=5), link(b"/l", b"f"))
        commit = tree(file(b"/f", b"1"), link(b"/l", b"g"))
        assert between(image, commit, IMAGE, COMMIT)[0] == ["M /f uid", "M /l link"]


@given(tree_entries(2))
def test_the_view_is_a_tree(entries: list[Entry]) -> None:
    inside = [replace(e, path=b"/etc" + e.path) for e in entries if e.path != ROOT]
    view = AsCommit(tree(*entries, USR, ETC, *inside))
    found = by_path(view)
    expected = {e.path for e in entries} | {b"/usr", b"/usr/etc"}
    assert set(found) == expected | {b"/usr" + e.path for e in inside}
    for path, entry in found.items():
        assert view.entry(path) == entry
        assert list(view.children(path)) == sorted(
            (e for e in found.values() if e.path.rpartition(b"/")[0] == path.rstrip(b"/")
             and e.path != ROOT),
            key=lambda e: e.path,
        )  # fmt: skip
