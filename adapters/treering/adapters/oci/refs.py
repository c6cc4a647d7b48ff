"""Names of images as annotations and archives write them.

Owns splitting a reference into repository, tag and digest, and the tag names with a meaning of
their own (referrers fallback, cosign). Nothing is completed or guessed: a name without a tag does
not become ``latest``. Sources: image-spec, annotations.md (``ref.name``); distribution-spec,
spec.md (referrers tag schema); cosign, specs/SIGNATURE_SPEC.md.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from treering.core.ids import Digest, is_digest

REF_NAME = "org.opencontainers.image.ref.name"
CONTAINERD_NAME = "io.containerd.image.name"


class Reference(NamedTuple):
    """A reference taken apart; what is not there is empty."""

    repository: str
    tag: str
    digest: str

    @property
    def short(self) -> str:
        """The reference as people write it, without a digest."""
        return f"{self.repository}:{self.tag}" if self.repository else self.tag


def parse(text: str) -> Reference:
    """Take a reference apart.

    ``app:1.2`` has a repository and a tag. A text without a colon after its last slash is a tag
    as a whole, the way OCI layouts name their images. A digest after ``@`` is split off first;
    before it, a name without a tag is a repository.

    >>> parse("registry.example:5000/app:1.2")
    Reference(repository='registry.example:5000/app', tag='1.2', digest='')
    >>> parse("1.2").tag, parse("app@sha256:" + "0" * 64).repository
    ('1.2', 'app')
    """
    name, at, number = text.partition("@")
    if at and not is_digest(number):
        name, at, number = text, "", ""
    start, slash, last = name.rpartition("/")
    base, colon, tag = last.rpartition(":")
    if colon and base and tag:
        return Reference(start + slash + base, tag, number)
    return Reference(name, "", number) if at else Reference("", name, number)


_FALLBACK = re.compile(r"(sha256-[0-9a-f]{64}|sha512-[0-9a-f]{64,128})(?:\.(sig|att|sbom))?")


class Referring(NamedTuple):
    """What a tag such as ``sha256-<hex>.sig`` says: about which digest, and what it holds."""

    subject: Digest
    holds: str


_HOLDS = {"sig": "signature", "att": "attestation", "sbom": "SBOM", None: "referrers"}


def referring(tag: str) -> Referring | None:
    """Return what a fallback or cosign tag refers to, or None for any other tag.

    A sha512 digest cut to 64 characters, as the referrers tag schema has it, names no digest and
    is None too.
    """
    match = _FALLBACK.fullmatch(tag)
    digest = match.group(1).replace("-", ":", 1) if match else ""
    if match is None or not is_digest(digest):
        return None
    return Referring(Digest(digest), _HOLDS[match.group(2)])


def names_of(annotations: dict[str, str]) -> list[Reference]:
    """Return the references in a descriptor's annotations.

    containerd writes the full name under a key of its own and only the tag under the standard
    one; the tag alone then says nothing more.
    """
    full, plain = annotations.get(CONTAINERD_NAME, ""), annotations.get(REF_NAME, "")
    found = [parse(text) for text in (full, plain) if text]
    if full and plain and full.endswith(f":{plain}"):
        found.pop()
    return [reference for at, reference in enumerate(found) if reference not in found[:at]]
