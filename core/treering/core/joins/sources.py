"""Git commits that images and OSTree commits say they were built from.

Owns the rule that a label counts only when the image did not inherit it: builders copy the
labels of the base into the image, revision and all. A claim stays ``declared`` until a signature
is verified.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from treering.core import ids
from treering.core.facts import EdgeFact, EdgeKind, Level
from treering.core.graph import Graph
from treering.core.ids import Kind, NodeId
from treering.core.joins.bases import Bases
from treering.core.joins.evidence import edge, live, text_of

REVISION_LABELS = (
    "org.opencontainers.image.revision",
    "org.label-schema.vcs-ref",
    "io.openshift.build.commit.id",
    "vcs-ref",
)
REVISION_METADATA = ("coreos-assembler.config-gitrev", *REVISION_LABELS)
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_FULL = (40, 64)


def edges(graph: Graph, below: Mapping[NodeId, Bases]) -> Iterator[EdgeFact]:
    """Yield ``built-from`` edges of images, OSTree commits and provenance statements."""
    claims = list(_claims(graph, below))
    known = {ids.content_of(n) for n in graph.of_kind(Kind.SOURCE) if graph.knows(n)}
    known.update(revision for _, revision, _ in claims if len(revision) in _FULL)
    in_order = sorted(known)
    for node, revision, why in claims:
        full = _full(revision, in_order)
        if full:
            yield edge(node, EdgeKind.BUILT_FROM, ids.git(full), Level.DECLARED, why)


def wanted(graph: Graph) -> list[NodeId]:
    """Return the git commits that something claims, shortened ones as they were written."""
    return sorted({NodeId(f"git:{revision}") for _, revision, _ in _claims(graph, {})})


def _claims(graph: Graph, below: Mapping[NodeId, Bases]) -> Iterator[tuple[NodeId, str, str]]:
    """Yield each claim as node, revision and sentence."""
    for image, attrs in graph.described(Kind.IMAGE):
        for key, annotation in _revisions(attrs, "annotations", REVISION_LABELS):
            yield image, annotation, f"the annotation {key} of its manifest says so"
        for key, label in _revisions(attrs, "labels", REVISION_LABELS):
            if not _inherited(graph, below.get(image), key, label):
                doubt = "" if image in below else "; its base is not known, which may have set it"
                yield image, label, f"its label {key} says so{doubt}"
    for commit, attrs in graph.described(Kind.COMMIT):
        if "metadata" in attrs:
            for key, revision in _revisions(attrs, "metadata", REVISION_METADATA):
                yield commit, revision, f"its commit metadata {key} says so"
    yield from _provenance(graph)


def _revisions(
    attrs: Mapping[str, Any], group: str, keys: Iterable[str]
) -> Iterator[tuple[str, str]]:
    """Yield each of `keys` under which a group of attributes names a commit, with the commit."""
    said = attrs.get(group)
    if isinstance(said, Mapping):
        for key in keys:
            revision = _revision(text_of(attrs, group, key)) if key in said else ""
            if revision:
                yield key, revision


def _inherited(graph: Graph, bases: Bases | None, key: str, value: str) -> bool:
    found = bases.found if bases else ()
    return any(text_of(graph.attrs(base), "labels", key) == value for base in found)


def _provenance(graph: Graph) -> Iterator[tuple[NodeId, str, str]]:
    for statement in graph.of_kind(Kind.ATTESTATION):
        for revision in _materials(graph.attrs(statement)):
            for image in live(graph, statement, EdgeKind.ATTESTS):
                if image.startswith("image:"):
                    yield image, revision, "its provenance names this commit (not verified)"


def _materials(attrs: Mapping[str, Any]) -> list[str]:
    provenance = attrs.get("provenance")
    listed = provenance.get("sources") if isinstance(provenance, dict) else None
    entries = [e for e in listed if isinstance(e, dict)] if isinstance(listed, list) else []
    return [r for r in (_revision(str(e.get("commit") or "")) for e in entries) if r]


def _revision(text: str) -> str:
    """Return a git commit named by a label, without ``-dirty`` and the like, or ""."""
    revision = text.strip().lower().removesuffix("-dirty").removeprefix("git:")
    return revision if _COMMIT.fullmatch(revision) else ""


def _full(revision: str, known: Sequence[str]) -> str:
    """Return the whole commit id; of a shortened one, if exactly one of the sorted `known` fits."""
    if len(revision) in _FULL:
        return revision
    at = bisect_left(known, revision)
    fits = [commit for commit in known[at : at + 2] if commit.startswith(revision)]
    return fits[0] if len(fits) == 1 else ""
