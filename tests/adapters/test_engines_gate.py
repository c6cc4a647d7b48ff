"""The door of the engine client: which requests it lets through. Everything else is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fake_engine import FakeEngine, container, image, sha

from treering.adapters.engines.client import RULES, EngineClient
from treering.adapters.engines.endpoints import UnixEndpoint
from treering.adapters.engines.lines import Lines, UnixDial
from treering.adapters.engines.reader import EngineReader
from treering.core.errors import Refused
from treering.core.gates import Gate, Ledger
from treering.core.ports import ReadContext

WEB = sha("web").removeprefix("sha256:")
APP = sha("app")


@pytest.fixture
def engine() -> Iterator[FakeEngine]:
    with FakeEngine() as engine:
        engine.add(image("app"))
        engine.run(container("web", "app"))
        yield engine


@pytest.fixture(params=[False, True], ids=["plain", "audit"])
def client(engine: FakeEngine, request: pytest.FixtureRequest) -> Iterator[EngineClient]:
    endpoint = UnixEndpoint(engine.path)
    gate = Gate("docker", RULES, audit=request.param, ledger=Ledger())
    client = EngineClient(endpoint, UnixDial(endpoint), gate, Lines(), seconds=2)
    client.negotiate()
    engine.asked.clear()
    yield client
    client.lines.close()
    client.close()


@pytest.mark.parametrize(
    "path",
    [
        f"/containers/{WEB}/archive?path=/etc",
        "/containers/web/export",
        f"/containers/{WEB}/export/../json",
        f"/containers/{WEB}/logs?stdout=1",
        f"/containers/{WEB}/attach/ws",
        f"/containers/{WEB}/top",
        f"/containers/{WEB}/stats",
        f"/containers/{WEB}/changes",
        "/containers/web/json",
        "/images/app:1/get",
        "/images/get?names=app",
        "/images/search?term=x",
        "/images/app:1/json",
        "/exec/abc/json",
        "/secrets",
        "/configs",
        "/session",
        "/swarm/unlockkey",
        "/distribution/app/json",
        "/images/json/../../containers/json",
        "/v1.41/images/json/",
        "/v2.0/version",
        "/images/json%0a",
        "/images/../secrets",
        "/images/%2e%2e/containers/x/archive",
    ],
)
def test_gets_that_are_no_reads_are_refused(
    engine: FakeEngine, client: EngineClient, path: str
) -> None:
    for versioned in ("", "/v1.41"):
        with pytest.raises(Refused):
            client.get(f"{client.base_url}{versioned}{path}")
    assert engine.asked == []


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "get"])
def test_other_methods_are_refused(engine: FakeEngine, client: EngineClient, method: str) -> None:
    if method == "get":
        request = client.prepare_request(_request("GET", f"{client.base_url}/version"))
        request.method = "get"
        with pytest.raises(Refused):
            client.send(request)
    else:
        with pytest.raises(Refused):
            client.request(method, f"{client.base_url}/version")
    assert engine.asked == []


def _request(method: str, url: str) -> Any:
    import requests

    return requests.Request(method, url)


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.get_archive(WEB, "/etc/passwd"),
        lambda c: c.put_archive(WEB, "/", b""),
        lambda c: c.export("web"),
        lambda c: c.logs(WEB),
        lambda c: c.attach(WEB),
        lambda c: c.attach_socket(WEB, ws=True),
        lambda c: c.exec_create(WEB, "sh"),
        lambda c: c.top(WEB),
        lambda c: c.stats(WEB, stream=False),
        lambda c: c.get_image("app:1"),
        lambda c: c.remove_image("app:1"),
        lambda c: c.tag("app:1", "app", "2"),
        lambda c: c.pull("app"),
        lambda c: c.push("app"),
        lambda c: c.prune_images(),
        lambda c: c.remove_container(WEB, force=True),
        lambda c: c.kill(WEB),
        lambda c: c.start(WEB),
        lambda c: c.df(),
        lambda c: c.inspect_image("app:1"),
        lambda c: c.search("x"),
    ],
)
def test_the_sdks_other_verbs_are_refused(
    engine: FakeEngine, client: EngineClient, call: Any
) -> None:
    with pytest.raises(Refused):
        call(client)
    assert engine.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/version",
        "https://example.org/version",
        "http+docker://localhost.evil/version",
        "http+docker://evil/version",
        "file:///version",
    ],
)
def test_other_addresses_are_refused(engine: FakeEngine, client: EngineClient, url: str) -> None:
    with pytest.raises(Refused):
        client.get(url)
    assert engine.asked == []


def test_what_is_allowed_is_let_through(engine: FakeEngine, client: EngineClient) -> None:
    for path in (
        "/_ping",
        "/version",
        "/info",
        "/images/json",
        f"/images/{APP}/json",
        f"/images/{APP}/history",
        f"/images/{APP}/get",
        "/containers/json?all=1",
        f"/containers/{WEB}/json",
        f"/containers/{WEB}/export",
    ):
        client.get(f"{client.base_url}/v1.41{path}")
    assert len(engine.asked) == 10
    assert client.inspect_image(APP)["Id"] == APP
    assert client.images()[0]["Id"] == APP


@given(st.text(st.sampled_from("/.%aesgvnio12:-_?json"), max_size=60))
def test_no_path_with_a_dot_segment_or_escape_passes(text: str) -> None:
    path = f"/images/{text}"
    if any(rule.allows("GET", path) for rule in RULES):
        assert re.fullmatch(r"/images/(json|[^/.%?]+/(json|history|get))", path)


def test_an_audit_read_asks_the_same_and_the_ledger_has_it_all(engine: FakeEngine) -> None:
    seen = []
    for audit in (False, True):
        ledger = Ledger()
        reader = EngineReader("docker", engine.path, "x", audit, ledger=ledger)
        list(reader.read(ReadContext()))
        assert all(e.allowed and e.reads for e in ledger.entries)
        assert len(ledger.entries) == len(engine.asked)
        engine.asked.clear()
        seen.append([e.what for e in ledger.entries])
    assert seen[0] == seen[1]
