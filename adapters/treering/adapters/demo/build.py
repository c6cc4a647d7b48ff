"""Building the demo world in a directory of its own, all of it or nothing.

Owns where it is put and when an older one is replaced. It writes a fresh directory beside the
wanted one and renames it, and touches nothing it did not write.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

from treering.adapters.demo.store import DIRECTORY_MODE, FILE_MODE
from treering.core import files
from treering.core.errors import InputError, SourceError

VERSION = 1
"""Changes whenever a byte of the world does."""

MARKER = ".treering-demo"
_MAX_MARKER = 65_536


def build(directory: Path) -> Path:
    """Build the demo world in `directory` and return the path of its ``treering.toml``.

    A world of this version that is already there stays as it is; one of another version is
    replaced. Raises `InputError` when the directory holds anything else, or cannot be written:
    then it is as it was before.
    """
    directory = Path(directory).absolute()
    if not _is_current(directory):
        try:
            _build(directory)
        except OSError as error:
            raise InputError(
                f"cannot build the demo world in {directory}: {error.strerror or error}",
                "choose another directory, or make room; nothing was left behind",
            ) from error
    return directory / "treering.toml"


def _is_current(directory: Path) -> bool:
    """Tell whether this world is there. Raises `InputError` when something else is."""
    if directory.is_symlink() or (directory.exists() and not directory.is_dir()):
        raise InputError(f"{directory} is not a directory", "choose another")
    if not directory.exists():
        return False
    try:
        names = {entry.name for entry in files.list_directory(directory)}
    except SourceError as error:
        raise InputError(error.message, error.hint) from error
    if not names:
        return False
    version, holds = _marker(directory)
    foreign = sorted(names - holds)
    if not holds or (foreign and version != VERSION):
        what = foreign[0] if foreign else "other files"
        raise InputError(
            f"{directory} holds {what}, which is not of a demo world",
            "choose another directory, or an empty one",
        )
    return version == VERSION and holds <= names


def _marker(directory: Path) -> tuple[int, set[str]]:
    """Return version and top-level names of the world in `directory`; no names without one."""
    try:
        value = json.loads(files.read_file(directory / MARKER, _MAX_MARKER))
        return int(value["version"]), {str(name) for name in value["holds"]} | {MARKER}
    except (SourceError, ValueError, KeyError, TypeError):
        return 0, set()


def _build(directory: Path) -> None:
    """Write the world beside `directory` and put it in its place."""
    from treering.adapters.demo import world  # noqa: PLC0415 -- only when there is one to write

    directory.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", dir=directory.parent))
    try:
        world.write(beside / "new")
        holds = sorted(path.name for path in (beside / "new").iterdir())
        marker = beside / "new" / MARKER
        marker.write_text(json.dumps({"version": VERSION, "holds": holds}) + "\n", "utf-8")
        marker.chmod(FILE_MODE)
        (beside / "new").chmod(DIRECTORY_MODE)
        _put(beside, directory)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _put(beside: Path, directory: Path) -> None:
    """Rename the new world into place; an older one goes aside first, and back on failure."""
    old = beside / "old"
    if directory.exists():
        directory.rename(old)
    try:
        (beside / "new").rename(directory)
    except BaseException:
        if old.exists():
            old.rename(directory)
        raise
