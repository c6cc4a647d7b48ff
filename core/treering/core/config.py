"""The configuration: ``treering.toml``.

Owns where the file is looked for, which sections it has and what those about sources, hosts and
stages may hold (`settings` has those about the screen); unknown keys are refused with the nearest
name. Reads no environment but the one it is given.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from treering.core import files, settings
from treering.core.errors import ConfigError, SourceError
from treering.core.settings import ScreenConfig
from treering.core.text import is_safe, safe

if TYPE_CHECKING:
    from treering.core.ports import SourceSpec

MAX_CONFIG = 1024 * 1024
_MAX_DOTS = 200
KINDS = (
    "oci-layout",
    "oci-archive",
    "docker-archive",
    "docker",
    "podman",
    "registry",
    "ostree",
    "sysroot",
    "git",
    "kubernetes",
    "openshift",
    "recording",
)
"""Kinds of sources the contract names; some come with later versions."""

PATHS = {"oci-layout", "oci-archive", "docker-archive", "ostree", "sysroot", "git", "recording"}
_SECTIONS: Mapping[str, tuple[str, ...]] = {
    "source": ("kind", "name", "location"),
    "host": ("name", "address", "sysroot"),
    "stage": ("name", "order", "at", "gates"),
}
_NOTHING_ASKED = ScreenConfig()


@dataclass(frozen=True, slots=True)
class Config:
    """What a configuration file says, in its order."""

    path: Path | None = None
    sources: tuple[SourceSpec, ...] = ()
    hosts: tuple[Mapping[str, Any], ...] = ()
    stages: tuple[Mapping[str, Any], ...] = ()
    screen: ScreenConfig = _NOTHING_ASKED


def find(environ: Mapping[str, str], directory: Path) -> Path | None:
    """Return the configuration file that applies in `directory`, or None.

    Looked for in `directory`, then ``$XDG_CONFIG_HOME/treering``, then ``/etc/treering``.
    """
    return next((path for path in _places(environ, directory) if _is_there(path)), None)


def _places(environ: Mapping[str, str], directory: Path) -> list[Path]:
    home = environ.get("XDG_CONFIG_HOME") or (
        f"{environ['HOME']}/.config" if environ.get("HOME") else ""
    )
    places = [directory, *([Path(home) / "treering"] if home else []), Path("/etc/treering")]
    return [place / "treering.toml" for place in places]


def _is_there(path: Path) -> bool:
    """Tell whether something stands at `path`; what may not be looked at counts as nothing."""
    try:
        path.lstat()
    except OSError:
        return False
    return True


def load(path: Path, kinds: tuple[str, ...] = KINDS) -> Config:
    """Read a configuration file; relative locations count from its directory.

    Raises `ConfigError` naming the key, and what it was probably meant to be.
    """
    document = _document(path)
    settings.refuse_unknown(path, document, (*_SECTIONS, *settings.SECTIONS), "")
    tables = {name: _tables(path, document, name) for name in _SECTIONS}
    sources = tuple(_source(path, table, kinds) for table in tables["source"])
    screen = settings.read(path, document)
    return Config(path, sources, tuple(tables["host"]), tuple(tables["stage"]), screen)


def load_screen(
    environ: Mapping[str, str], directory: Path, config_file: Path | None = None
) -> ScreenConfig:
    """Return how the screen should look, wherever the sources come from.

    The first file counts that says anything about the screen: the named one, then those `find`
    looks at. A project's file that only names sources leaves a person's own settings alone. What
    a file says about sources is not looked at. Raises `ConfigError`.
    """
    named = [config_file] if config_file else []
    for path in [*named, *filter(_is_there, _places(environ, directory))]:
        document = _document(path)
        if settings.says(document):
            return settings.read(path, document)
    return _NOTHING_ASKED


def _document(path: Path) -> Mapping[str, Any]:
    try:
        text = files.read_file(path, MAX_CONFIG, follow=True).decode("utf-8")
        if any(line.count(".") > _MAX_DOTS for line in text.split("\n")):
            raise ConfigError(f"{path} has a line with more than {_MAX_DOTS} dots")
        return tomllib.loads(text)
    except SourceError as error:
        raise ConfigError(f"cannot read the configuration: {error.message}", error.hint) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error
    except RecursionError as error:
        raise ConfigError(f"{path} is nested too deep") from error


def _tables(path: Path, document: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    tables = document.get(name, [])
    if not isinstance(tables, list) or not all(isinstance(t, dict) for t in tables):
        raise ConfigError(f"{path}: {name} must be written [[{name}]]")
    for table in tables:
        settings.refuse_unknown(path, table, _SECTIONS[name], f"[[{name}]] ")
    return tables


def _source(path: Path, table: Mapping[str, Any], kinds: tuple[str, ...]) -> SourceSpec:
    for key in ("kind", "location", "name"):
        value = table.get(key, "")
        if not isinstance(value, str) or not is_safe(value):
            raise ConfigError(f"{path}: [[source]] {key} must be plain text")
    kind, location = table.get("kind", ""), table.get("location", "")
    check_kind(kind, kinds, f"{path}: ")
    if kind in PATHS:
        if not location:
            raise ConfigError(f"{path}: [[source]] of kind {kind} needs a location")
        location = str(path.parent.absolute() / Path(location).expanduser())
    return _spec(kind, location, table.get("name", ""))


def check_kind(kind: str, kinds: tuple[str, ...], where: str = "") -> None:
    """Raise `ConfigError` with the nearest name unless `kind` can be read."""
    if kind in kinds:
        return
    if kind in KINDS:
        raise ConfigError(
            f"{where}this version cannot read sources of kind {kind}",
            f"it reads {', '.join(kinds)}",
        )
    raise ConfigError(f"{where}unknown source kind {kind!r}", settings.nearest(kind, kinds))


def parse_source(text: str, kinds: tuple[str, ...]) -> SourceSpec:
    """Return what ``--source [NAME=]KIND:LOCATION`` names.

    Raises `ConfigError` for an unknown kind. `NAME` may be left out.
    """
    head, _, location = text.partition(":")
    name, equals, kind = head.rpartition("=")
    if not equals:
        name, kind = "", head
    if not is_safe(text) or "/" in name:
        raise ConfigError(f"--source {text!r} is not [NAME=]KIND:LOCATION")
    check_kind(kind, kinds, "--source: ")
    if not location and kind in PATHS:
        raise ConfigError(f"--source {kind} needs a location", f"write {kind}:PATH")
    return _spec(kind, location, name)


def name_sources(specs: tuple[SourceSpec, ...]) -> tuple[SourceSpec, ...]:
    """Give every source a name of its own.

    The default is the last component of the location, or the kind; a name already taken gets a
    number. Raises `ConfigError` when the same name was written twice.
    """
    taken = set()
    for spec in specs:
        if "/" in spec.name:
            raise ConfigError(f"a source may not be called {spec.name}", "a name holds no slash")
        if spec.name:
            if spec.name in taken:
                raise ConfigError(f"two sources are called {spec.name}", "give one another name")
            taken.add(spec.name)
    named = []
    for spec in specs:
        name = spec.name
        if not name:
            base: str = (
                safe(spec.location).rstrip("/").rpartition("/")[2].replace(":", "_") or spec.kind
            )
            name, number = base, 2
            while name in taken:
                name, number = f"{base}-{number}", number + 1
            taken.add(name)
        named.append(_spec(spec.kind, spec.location, name))
    return tuple(named)


def _spec(kind: str, location: str, name: str) -> SourceSpec:
    from treering.core.ports import SourceSpec  # noqa: PLC0415 -- the screen's first paint needs none

    return SourceSpec(kind, location, name)
