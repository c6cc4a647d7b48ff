"""Signatures on a commit, listed and not verified.

Owns what detached metadata says about who signed: GPG signatures are read as far as the key and
the time, others are counted by their kind.

Source: ostree-gpg-verify-result.c, ostree-sign-ed25519.c; RFC 4880, sections 4.2 and 5.2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from treering.core.errors import Damaged
from treering.core.gvariant import Raw, decode

MAX_SIGNATURES: Final = 100
_GPG: Final = "ostree.gpgsigs"
_SIGN: Final = "ostree.sign."
_TYPE: Final = "aay"
_PACKET_SIGNATURE: Final = 2
_CREATED, _ISSUER, _FINGERPRINT = 2, 16, 33


def signatures(detached: Mapping[str, Raw]) -> list[dict[str, Any]]:
    """Return the signatures in a commit's detached metadata as the attribute lists them.

    Each has a ``type``: ``gpg`` (with ``key``, the fingerprint or key id in hex, and
    ``created``, where it names them), ``ed25519``, ``spki`` or what else follows
    ``ostree.sign.``. Raises `Damaged` for a list that is not in normal form.
    """
    found: list[dict[str, Any]] = []
    for key in sorted(detached):
        raw = detached[key]
        if raw.type != _TYPE or not (key == _GPG or key.startswith(_SIGN)):
            continue
        for blob in decode(_TYPE, raw.data)[: MAX_SIGNATURES - len(found)]:
            known = _gpg(blob) if key == _GPG else {"type": key.removeprefix(_SIGN)}
            found.append(known)
    return found


def _gpg(blob: bytes) -> dict[str, Any]:
    """Return what an OpenPGP signature says of its key and time."""
    said: dict[str, Any] = {"type": "gpg"}
    try:
        for kind, body in _subpackets(_signature_body(blob)):
            if kind == _CREATED and len(body) == 4:  # noqa: PLR2004 -- a four-byte time
                said["created"] = int.from_bytes(body, "big")
            elif kind == _FINGERPRINT and len(body) > 1:
                said["key"] = body[1:33].hex()
            elif kind == _ISSUER and "key" not in said:
                said["key"] = body[:8].hex()
    except (IndexError, Damaged):
        said["damaged"] = "it is no OpenPGP signature of version 4 or later"
    return said


def _signature_body(blob: bytes) -> bytes:
    """Return the body of the first packet, which must be a signature."""
    first = blob[0]
    if not first & 0x80:
        raise Damaged("not an OpenPGP packet")
    if first & 0x40:
        tag, (length, start) = first & 0x3F, _length(blob, 1)
    else:
        tag, width = (first >> 2) & 0x0F, 1 << (first & 0x03)
        start = 1 + width
        length = int.from_bytes(blob[1:start], "big")
    if tag != _PACKET_SIGNATURE or start + length > len(blob):
        raise Damaged("not a whole OpenPGP signature")
    return blob[start : start + length]


def _subpackets(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield type and content of the subpackets of a version 4 (5, 6) signature, hashed first."""
    version = body[0]
    if version not in {4, 5, 6}:
        raise Damaged("an OpenPGP signature of another version")
    width = 4 if version == 6 else 2  # noqa: PLR2004 -- RFC 9580 widens the count
    at = 4
    for _ in range(2):
        end = at + width + int.from_bytes(body[at : at + width], "big")
        at += width
        if end > len(body):
            raise Damaged("subpackets reach past the end")
        while at < end:
            length, at = _length(body, at)
            if not length or at + length > end:
                raise Damaged("a subpacket reaches past the end")
            yield body[at] & 0x7F, body[at + 1 : at + length]
            at += length


def _length(data: bytes, at: int) -> tuple[int, int]:
    """Return a new-format length and where what it measures begins."""
    first = data[at]
    if first < 192:  # noqa: PLR2004 -- RFC 4880, 4.2.2
        return first, at + 1
    if first < 255:  # noqa: PLR2004 -- as above
        return ((first - 192) << 8) + data[at + 1] + 192, at + 2
    return int.from_bytes(data[at + 1 : at + 5], "big"), at + 5
