"""The catalogue of adapters: which kinds of sources there are and how they are opened.

Owns turning options, configuration or discovery into readers. It holds loaders, not adapters:
listing kinds imports nothing, and a broken third-party adapter is a row in ``doctor``, not a
crash.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from treering.core import config, files
from treering.core.errors import ConfigError, SourceError, TreeringError
from treering.core.ports import Adapter, Check, Reader, SourceSpec
from treering.core.text import safe

Loader = Callable[[], Adapter]
MAX_DISCOVERED = 50
"""How many sources are taken from one working directory."""


@dataclass(slots=True)
class Catalogue:
    """Adapters by kind, loaded when first used."""

    loaders: Mapping[str, Loader]
    audit: bool = False
    _loaded: dict[str, Adapter] = field(default_factory=dict)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that can be read, in the order they are tried."""
        return tuple(self.loaders)

    def adapter(self, kind: str) -> Adapter:
        """Return the adapter of `kind`. Raises `ConfigError` when it cannot be loaded."""
        config.check_kind(kind, self.kinds)
        if kind not in self._loaded:
            try:
                self._loaded[kind] = self.loaders[kind]()
            except ImportError as error:
                raise ConfigError(
                    f"sources of kind {kind} need a library that is not here: {error}",
                    "install treering with all it depends on",
                ) from error
        return self._loaded[kind]

    def adapters(self) -> Iterator[Adapter]:
        """Yield every adapter that loads."""
        for kind in self.kinds:
            try:
                yield self.adapter(kind)
            except TreeringError:
                continue

    def open(self, spec: SourceSpec) -> Reader:
        """Return a reader for `spec`; touches nothing yet."""
        return self.adapter(spec.kind).open(spec, self.audit)

    def specs(
        self,
        given: Sequence[str],
        config_file: Path | None,
        environ: Mapping[str, str],
        directory: Path,
    ) -> tuple[SourceSpec, ...]:
        """Return the sources to read, each with its final name.

        `given` (from ``--source``) counts alone; without it the configuration file counts, the
        named one or the one found; without that, discovery. Raises `ConfigError`.
        """
        if given:
            specs = tuple(_absolute(config.parse_source(g, self.kinds), directory) for g in given)
        else:
            path = config_file or config.find(environ, directory)
            specs = config.load(path, self.kinds).sources if path else ()
            if not path:
                specs = tuple(self.discover(environ, directory))
        return config.name_sources(specs)

    def discover(self, environ: Mapping[str, str], directory: Path) -> list[SourceSpec]:
        """Return the sources found without configuration."""
        found = [spec for adapter in self.adapters() for spec in adapter.discover(environ)]
        for path in _candidates(directory):
            kind = self.recognise(path)
            if kind and len(found) < MAX_DISCOVERED:
                found.append(SourceSpec(kind, str(path)))
        return list(dict.fromkeys(found))

    def recognise(self, path: Path) -> str:
        """Return the kind of source `path` is, or "" when it is none."""
        for adapter in self.adapters():
            try:
                if adapter.recognise(path):
                    return adapter.kind
            except (OSError, SourceError):
                continue
        return ""

    def examine(self) -> Iterator[Check]:
        """Yield the rows ``doctor`` shows about the adapters."""
        for kind in self.kinds:
            try:
                adapter = self.adapter(kind)
            except TreeringError as error:
                yield Check(safe(kind), ok=False, detail=safe(str(error)))
                continue
            rows = adapter.doctor()
            yield Check(
                safe(kind), ok=all(r.ok is not False for r in rows), detail=safe(adapter.summary)
            )
            yield from rows


def _absolute(spec: SourceSpec, directory: Path) -> SourceSpec:
    if spec.kind not in config.PATHS:
        return spec
    return SourceSpec(spec.kind, str(directory / Path(spec.location).expanduser()), spec.name)


def _candidates(directory: Path) -> list[Path]:
    """Return the working directory, what stands in it, and the git work tree around it."""
    found = [directory]
    try:
        entries = files.list_directory(directory, 10_000)
    except SourceError:
        return found
    found += [directory / e.name for e in entries if not e.name.startswith(".")]
    around = next((p for p in directory.parents if (p / ".git").exists()), None)
    if around and not (directory / ".git").exists():
        found.append(around)
    return found
