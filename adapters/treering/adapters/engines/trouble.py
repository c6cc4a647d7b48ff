"""Errors of engines that callers tell apart, and what operating-system errors mean here.

Owns the words of connection failures. Makes no connection itself.
"""

from __future__ import annotations

import errno
import os

from treering.core.errors import NotPermitted, NotRecognised, SourceError, Unreachable

DOCKER_GROUP = (
    "run as a member of the group that owns the socket (docker group: newgrp docker), as root, "
    "or name a rootless socket"
)


class NoAnswer(Unreachable):
    """The engine took the connection and did not answer in time."""


class NoSuchObject(NotRecognised):
    """The engine answered that it has no such image or container."""


def no_answer(where: str, seconds: float) -> NoAnswer:
    """Return the error for an engine that stayed silent for `seconds`."""
    return NoAnswer(
        f"{where} did not answer within {seconds:g} s",
        "the engine may be starting, hanging or overloaded; look at its own log",
    )


def from_connect_error(error: OSError, where: str, seconds: float) -> SourceError:
    """Return what an operating-system error during connecting to `where` means."""
    reason = os.strerror(error.errno) if error.errno else str(error)
    if isinstance(error, TimeoutError):
        return no_answer(where, seconds)
    if error.errno in {errno.EACCES, errno.EPERM}:
        return NotPermitted(f"{where}: permission denied", DOCKER_GROUP)
    if error.errno in {errno.ENOENT, errno.ENOTDIR}:
        return Unreachable(f"{where}: there is no socket", "is the engine installed and started?")
    if error.errno in {errno.ECONNREFUSED, errno.ENOTSOCK}:
        return Unreachable(f"{where}: nothing listens there", "start the engine or its socket unit")
    if error.errno == errno.EAGAIN:
        return NoAnswer(f"{where}: the engine takes no more connections", "try again later")
    return Unreachable(f"{where}: {reason}", "check the location")
