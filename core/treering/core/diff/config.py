"""What differs in how two versions are configured.

Owns which settings there are and what each is called: ``env.PATH``, ``labels.x``, ``ports.80/tcp``,
``user``; of a commit ``metadata.x`` and ``version``; of a deployment ``kargs.x``. Settings come
from a config document where a source has one (image-spec, config.md; Docker's and podman's
inspections have the same fields), else from the attributes of the graph, which hold fewer. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from treering.core.facts import safe_value
from treering.core.lenient import labels_of, object_of, texts_of
from treering.core.text import Safe, safe

_MAX_KEY = 500
_RUN = {
    "entrypoint": "Entrypoint",
    "cmd": "Cmd",
    "user": "User",
    "workdir": "WorkingDir",
    "shell": "Shell",
    "stop_signal": "StopSignal",
    "healthcheck": "Healthcheck",
}
_SETS = {"ports": "ExposedPorts", "volumes": "Volumes"}
PLATFORM = ("os", "architecture", "variant")
"""What a version runs on; the keys of a config and of the graph alike."""
_ONLY_DOCUMENTED = frozenset({"shell", "stop_signal", "healthcheck", "ports", "volumes"})
_ATTRIBUTES = ("entrypoint", "cmd", "user", "workdir", *PLATFORM, "version")

_BINDINGS = frozenset({"ostree.ref-binding", "ostree.collection-binding"})
"""Where a commit was published, which is no setting of it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a version is configured; `whole` is false where only a part of it is known."""

    values: Mapping[Safe, Any]
    whole: bool = True


@dataclass(frozen=True, slots=True)
class ConfigChange:
    """A setting that differs; None stands for one that is not there."""

    key: Safe
    a: Any
    b: Any

    def as_json(self) -> dict[str, Any]:
        """Return the change as ``treering.diff/1`` has it."""
        return {"key": self.key, "a": self.a, "b": self.b}


def diff_config(a: Settings, b: Settings) -> tuple[ConfigChange, ...]:
    """Return the settings that differ, sorted. What one side cannot tell is not compared."""
    keys = a.values.keys() | b.values.keys()
    if not (a.whole and b.whole):
        told = (a.values.keys() & b.values.keys()) | (keys - set(PLATFORM))
        keys = {key for key in told if key.partition(".")[0] not in _ONLY_DOCUMENTED}
    return tuple(
        ConfigChange(key, a.values.get(key), b.values.get(key))
        for key in sorted(keys)
        if a.values.get(key) != b.values.get(key)
    )


def of_document(document: Mapping[str, Any]) -> Settings:
    """Return the settings in an image's config, or in an engine's inspection.

    Raises `Damaged` for a document nested deeper than attributes may be.
    """
    lower = {key.lower(): value for key, value in document.items()}
    run = object_of(lower.get("config"))
    values = {key: lower.get(key) for key in PLATFORM}
    values |= {key: run.get(name) for key, name in _RUN.items()}
    for key, name in _SETS.items():
        values |= {f"{key}.{member}": True for member in object_of(run.get(name))}
    values |= _environment(texts_of(run.get("Env")))
    values |= _members("labels", labels_of(run.get("Labels")))
    return _settings(values)


def of_attributes(attrs: Mapping[str, Any], *, whole: bool = False) -> Settings:
    """Return the settings in what the graph knows of a node. Raises `Damaged`."""
    values = {key: attrs.get(key) for key in _ATTRIBUTES}
    values |= _environment(texts_of(attrs.get("env")))
    values |= _members("labels", object_of(attrs.get("labels")))
    metadata = object_of(attrs.get("metadata"))
    values |= _members("metadata", {k: v for k, v in metadata.items() if k not in _BINDINGS})
    return _settings(values, whole=whole)


def with_kernel_arguments(settings: Settings, attrs: Mapping[str, Any]) -> Settings:
    """Return settings and the kernel arguments a deployment is started with, by name."""
    said = attrs.get("kargs")
    given = said.split() if isinstance(said, str) else texts_of(said)
    named: dict[str, list[str]] = {}
    for argument in given:
        name, _, value = argument.partition("=")
        named.setdefault(name, []).append(value)
    values = {
        f"kargs.{name}": found[0] if len(found) == 1 else found for name, found in named.items()
    }
    return Settings({**settings.values, **_settings(values).values}, settings.whole)


def _environment(entries: Iterable[str]) -> dict[str, Any]:
    """Return variables by name; the last of several counts, as for a process."""
    pairs = (entry.partition("=") for entry in entries)
    return {f"env.{name}": value for name, _, value in pairs}


def _members(group: str, members: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{group}.{name}": value for name, value in members.items()}


def _settings(values: Mapping[str, Any], *, whole: bool = True) -> Settings:
    """Return settings with every text safe; an empty value is as good as none."""
    kept = {
        safe(key, _MAX_KEY): safe_value(value)
        for key, value in values.items()
        if value is not None and (value not in ("", [], {}) or "." in key)
        # Where a process starts that is told nothing.
        if (key, value) != ("workdir", "/")
    }
    return Settings(kept, whole)
