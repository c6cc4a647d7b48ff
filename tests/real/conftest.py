"""Fixtures of the tests against real engines: each daemon is started once a session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from real.engines import Daemon, Sshd, run_dockerd, run_podman, run_sshd


@pytest.fixture(scope="session")
def dockerd() -> Iterator[Daemon]:
    """A Docker Engine with the image ``base:1``."""
    with run_dockerd() as daemon:
        daemon.load_busybox()
        yield daemon


@pytest.fixture(scope="session")
def podman() -> Iterator[Daemon]:
    """A Podman service with the image ``base:1``."""
    with run_podman() as daemon:
        daemon.load_busybox()
        yield daemon


@pytest.fixture(scope="session")
def sshd(dockerd: Daemon) -> Iterator[Sshd]:
    """An sshd whose sessions have `dockerd` as their default engine."""
    with run_sshd({"DOCKER_HOST": f"unix://{dockerd.socket}"}) as server:
        yield server
