"""The readers treering comes with, and those that others register.

Owns the list of kinds. Loaders import an adapter when it is first used. Third parties register
an `Adapter` under the entry point group ``treering.adapters``, by the name of its kind.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from treering.core.errors import NotRecognised

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from treering.core.catalogue import Catalogue, Loader
    from treering.core.ports import Adapter

GROUP = "treering.adapters"


def _oci(kind: str) -> Adapter:
    from treering.adapters.oci.adapter import ADAPTERS  # noqa: PLC0415 -- loaded when used

    return _pick(ADAPTERS, kind)


def _engines(kind: str) -> Adapter:
    from treering.adapters.engines.adapter import ADAPTERS  # noqa: PLC0415 -- loaded when used

    return _pick(ADAPTERS, kind)


def _ostree(kind: str) -> Adapter:
    from treering.adapters.ostree.adapter import ADAPTERS  # noqa: PLC0415 -- loaded when used

    return _pick(ADAPTERS, kind)


def _git(kind: str) -> Adapter:
    from treering.adapters.git.adapter import ADAPTERS  # noqa: PLC0415 -- loaded when used

    return _pick(ADAPTERS, kind)


def _recording(kind: str) -> Adapter:
    from treering.adapters.recording.adapter import ADAPTERS  # noqa: PLC0415 -- loaded when used

    return _pick(ADAPTERS, kind)


def _pick(adapters: tuple[Adapter, ...], kind: str) -> Adapter:
    return next(adapter for adapter in adapters if adapter.kind == kind)


_BUILT_IN = {
    "oci-layout": _oci,
    "oci-archive": _oci,
    "docker-archive": _oci,
    "docker": _engines,
    "podman": _engines,
    "ostree": _ostree,
    "git": _git,
    "recording": _recording,
}


KINDS = tuple(_BUILT_IN)
"""The kinds of sources treering itself can read."""


def catalogue(*, audit: bool) -> Catalogue:
    """Return every kind of source that can be read; imports no adapter."""
    from importlib.metadata import entry_points  # noqa: PLC0415 -- takes 0.05 s

    from treering.core.catalogue import Catalogue  # noqa: PLC0415 -- after the first paint

    loaders: dict[str, Loader] = {kind: partial(load, kind) for kind, load in _BUILT_IN.items()}
    for point in entry_points(group=GROUP):
        loaders.setdefault(point.name, partial(_third_party, point))
    return Catalogue(loaders, audit)


def _third_party(point: EntryPoint) -> Adapter:
    from treering.core.ports import Adapter  # noqa: PLC0415 -- when first used

    adapter = point.load()
    if not isinstance(adapter, Adapter):
        raise NotRecognised(f"{point.value} is no treering adapter", "it must be a ports.Adapter")
    return adapter
