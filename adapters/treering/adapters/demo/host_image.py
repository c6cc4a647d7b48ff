"""An OSTree commit as layers of a container image, the way bootc hosts receive it.

Owns the encapsulation: a first layer with a small repository that holds the commit and its
directories, then layers with the files as content objects, each file's real path a hard link to
its object. Source: bootc crates/ostree-ext, "OSTree in containers"; mode ``bare-split-xattrs``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from treering.adapters.demo.items import Item, Type, directory, file, symlink, with_parents
from treering.adapters.demo.oci import Layer
from treering.adapters.demo.ostree import OstreeRepository, Tree
from treering.adapters.demo.tar import archive

_REPO = "sysroot/ostree/repo"
_CONFIG = "[core]\nrepo_version=1\nmode=bare-split-xattrs\n"
_FOLDERS = ("extensions", "refs/heads", "refs/mirrors", "refs/remotes", "state", "tmp/cache")
_NO_XATTRS = sha256(b"").hexdigest()


@dataclass(frozen=True, slots=True)
class Encapsulated:
    """What to put into an image: a commit, its tree with all items, and its packages' files.

    `chunks` maps the package names of a layer to the beginnings of the paths it holds; the last
    chunk takes what is left.
    """

    checksum: str
    tree: Tree
    items: Sequence[Item]
    chunks: Mapping[str, tuple[str, ...]]
    time: int


def layers(repository: OstreeRepository, commit: Encapsulated) -> tuple[Layer, ...]:
    """Return the layers of `commit`, the one with the commit itself at the bottom."""
    made = [
        _layer(
            _commit_items(repository, commit), f"ostree export of commit {commit.checksum}", commit
        )
    ]
    left = [i for i in commit.items if i.type in {Type.FILE, Type.SYMLINK}]
    last = list(commit.chunks)[-1]
    for packages, starts in commit.chunks.items():
        taken = [i for i in left if packages == last or i.path.startswith(starts)]
        left = [i for i in left if i not in taken]
        made.append(_layer(_content_items(commit.tree, taken), packages.replace(",", ", "), commit))
    return tuple(made)


def _layer(items: list[Item], command: str, commit: Encapsulated) -> Layer:
    first = command.startswith("ostree export")
    key = "ostree.encapsulated" if first else "ostree.components"
    value = commit.checksum if first else command.replace(", ", ",")
    tar = archive(items, commit.time)
    return Layer(tar, command, commit.time, annotations={key: value})


def _commit_items(repository: OstreeRepository, commit: Encapsulated) -> list[Item]:
    """Return the directories of the tree and the metadata objects of a repository."""
    items = [directory(_exported(i.path), i.mode) for i in commit.items if i.type is Type.DIRECTORY]
    items += [directory(f"{_REPO}/{d}") for d in _FOLDERS]
    items += [file(f"{_REPO}/config", _CONFIG), symlink("ostree", "sysroot/ostree")]
    for name in (f"{commit.checksum}.commit", *commit.tree.metadata):
        checksum, _, kind = name.partition(".")
        items.append(file(_object(checksum, kind), repository.objects[name]))
    unique = {item.path: item for item in items}
    return with_parents(list(unique.values()))


def _content_items(tree: Tree, taken: Sequence[Item]) -> list[Item]:
    """Return content objects and, behind them, the paths that share them."""
    shared = _object(_NO_XATTRS, "file-xattrs")
    objects = {shared: file(shared, b"")}
    paths: list[Item] = []
    for item in sorted(taken, key=lambda i: i.path):
        checksum = tree.files[item.path]
        name = _object(checksum, "file")
        if name not in objects:
            objects[name] = Item(name, item.type, item.mode, item.data, item.target)
            link = _object(checksum, "file-xattrs-link")
            objects[link] = Item(link, Type.HARDLINK, 0o644, target=shared)
        paths.append(Item(_exported(item.path), Type.HARDLINK, item.mode, target=name))
    parents = [i for i in with_parents([*objects.values(), *paths]) if i.type is Type.DIRECTORY]
    return [*parents, *objects.values(), *paths]


def _object(checksum: str, kind: str) -> str:
    return f"{_REPO}/objects/{checksum[:2]}/{checksum[2:]}.{kind}"


def _exported(path: str) -> str:
    """Return where a path of the tree lies in the container: ``usr/etc`` is ``etc`` there."""
    if path == "usr/etc" or path.startswith("usr/etc/"):
        return path.removeprefix("usr/")
    return path
