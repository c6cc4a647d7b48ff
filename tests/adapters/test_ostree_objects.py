"""OSTree objects: what is accepted, what is refused, and what their metadata means."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.gvariants import typed_values
from support.ostree_repo import COMMIT, DIRMETA, DIRTREE, swap

from treering.adapters.ostree import deltas, metadata, refs
from treering.adapters.ostree.objects import (
    Checksum,
    Commit,
    _any_commit,
    checksum,
    content_header,
    is_checksum,
    parse_commit,
    parse_dirmeta,
    parse_dirtree,
    parse_xattrs,
    plain_commit,
)
from treering.adapters.ostree.signatures import signatures
from treering.core.errors import Damaged, LimitExceeded, TreeringError
from treering.core.gvariant import Raw, Variant, decode, decode_raw, encode

CSUM = bytes(range(32))
NAME = Checksum("ab" * 32)


def commit_bytes(data: dict[str, Variant] | None = None, parent: bytes = b"", **more: Any) -> bytes:
    value = [data or {}, parent, [], "subject", "body", swap(1_700_000_000), CSUM, CSUM[::-1]]
    for at, item in more.items():
        value[int(at.removeprefix("at"))] = item
    return encode(COMMIT, tuple(value))


def commit_of(data: dict[str, Variant]) -> Commit:
    return parse_commit(NAME, commit_bytes(data))


def test_a_commit_is_read() -> None:
    commit = parse_commit(NAME, commit_bytes({"version": Variant("s", "1")}, CSUM))
    assert commit.subject == "subject"
    assert commit.body == "body"
    assert commit.timestamp == 1_700_000_000
    assert commit.parent == CSUM.hex()
    assert (commit.tree, commit.meta) == (CSUM.hex(), CSUM[::-1].hex())
    assert commit.content == sha256(CSUM + CSUM[::-1]).hexdigest()
    assert commit.value("version", "s") == "1"
    assert commit.value("version", "u") is None
    assert commit.value("absent", "s") is None


@pytest.mark.parametrize(
    "more", [{"at1": b"short"}, {"at6": b""}, {"at7": b"x" * 33}, {"at1": b"x" * 33}]
)
def test_a_commit_with_a_checksum_of_another_length_is_damaged(more: dict[str, Any]) -> None:
    with pytest.raises(Damaged, match="32 bytes"):
        parse_commit(NAME, commit_bytes(**more))


texts = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), max_size=300)


def either_way(data: bytes, parse: Callable[[Checksum, bytes], Commit | None]) -> Any:
    """Return the commit in `data`, or which error with which words."""
    try:
        return parse(NAME, data)
    except TreeringError as error:
        return type(error), error.args


values = st.one_of(
    texts.map(lambda t: Variant("s", t)),
    typed_values().map(lambda typed: Variant(*typed)),
)
checksums = st.sampled_from([b"", CSUM, CSUM[::-1], b"short", bytes(33)])
commits = st.builds(
    lambda *members: encode(COMMIT, members),
    st.dictionaries(texts, values, max_size=4),
    checksums,
    st.sampled_from([[], [], [("related", CSUM)]]),
    texts,
    st.one_of(texts, st.sampled_from([200, 300, 70_000]).map("b".__mul__)),
    st.integers(0, 2**64 - 1),
    st.sampled_from([CSUM, CSUM, b"short"]),
    st.sampled_from([CSUM, CSUM, b""]),
)


@given(commits)
def test_the_quick_way_through_a_commit_is_the_decoders(whole: bytes) -> None:
    slow = either_way(whole, _any_commit)
    assert plain_commit(NAME, whole) in (None, slow)
    assert either_way(whole, parse_commit) == slow


def test_the_quick_way_is_taken() -> None:
    for size in (0, 100, 1000, 70_000):
        for parent in (b"", CSUM):
            whole = commit_bytes({"version": Variant("s", "1")}, parent, at3="s" * size)
            assert plain_commit(NAME, whole) == _any_commit(NAME, whole)
    assert plain_commit(NAME, commit_bytes(at2=[("related", CSUM)])) is None


@given(commits, st.data())
def test_altered_commits_are_read_alike_both_ways(whole: bytes, draw: Any) -> None:
    data = bytearray(whole)
    tail = max(0, len(data) - 90)
    for _ in range(draw.draw(st.integers(1, 3))):
        at = st.integers(0, len(data) - 1) | st.integers(tail, len(data) - 1)
        data[draw.draw(at)] = draw.draw(st.integers(0, 255) | st.sampled_from([0, 1, 255]))
    cut = draw.draw(st.integers(0, 9) | st.just(0))
    damaged = bytes(data[: len(data) - cut]) + bytes(draw.draw(st.sampled_from([0, 0, 1, 6])))
    slow = either_way(damaged, _any_commit)
    assert plain_commit(NAME, damaged) in (None, slow)
    assert either_way(damaged, parse_commit) == slow


def test_every_byte_of_a_commit_altered_is_read_alike_both_ways() -> None:
    data = {"version": Variant("s", "1"), "n": Variant("u", 7)}
    for whole in (commit_bytes(data, CSUM), commit_bytes(parent=CSUM), commit_bytes(at4="b" * 300)):
        for at in range(len(whole)):
            for byte in (0, 1, 0x1F, 0x80, 0xFF, whole[at] ^ 1, (whole[at] + 8) % 256):
                altered = whole[:at] + bytes([byte]) + whole[at + 1 :]
                slow = either_way(altered, _any_commit)
                assert plain_commit(NAME, altered) in (None, slow)
                assert either_way(altered, parse_commit) == slow


def test_metadata_nested_too_deep_is_refused_either_way() -> None:
    refused = []
    for levels in range(55, 65):
        text = "x" * (levels - 1)
        plain = commit_bytes({"k": Variant("s", text)})
        whole = plain.replace(text.encode() + b"\0\0s", b"\0" + b"a" * levels + b"y")
        slow = either_way(whole, _any_commit)
        assert either_way(whole, parse_commit) == slow
        refused.append(not isinstance(slow, Commit))
    assert refused == [False] * 6 + [True] * 4


@given(st.binary(max_size=300))
def test_random_bytes_are_refused_cleanly(data: bytes) -> None:
    for parse in (parse_dirtree, parse_dirmeta, parse_xattrs, lambda d: parse_commit(NAME, d)):
        with contextlib.suppress(TreeringError):
            parse(data)


@pytest.mark.parametrize(
    "names",
    [
        [""],
        ["."],
        [".."],
        ["../../etc/passwd"],
        ["a/b"],
        ["/"],
        ["b", "a"],
        ["a", "a"],
        ["x" * 256],
        ["é" * 128],
    ],
)
def test_hostile_names_are_refused(names: list[str]) -> None:
    with pytest.raises(Damaged, match="name"):
        parse_dirtree(encode(DIRTREE, ([(n, CSUM) for n in names], [])))
    with pytest.raises(Damaged, match="name"):
        parse_dirtree(encode(DIRTREE, ([], [(n, CSUM, CSUM) for n in names])))


def test_names_that_only_look_odd_are_accepted() -> None:
    names = sorted(["...", "-rf", "a\nb", "\x1b[31m", "\u202e", " ", "x" * 255, "\U0001f332"])
    tree = parse_dirtree(encode(DIRTREE, ([(n, CSUM) for n in names], [])))
    assert [f[0] for f in tree.files] == names


def test_names_with_nul_or_no_text_are_refused() -> None:
    good = encode(DIRTREE, ([("abc", CSUM)], []))
    for bad in (good.replace(b"abc", b"a\0c"), good.replace(b"abc", b"a\xffc")):
        with pytest.raises(Damaged):
            parse_dirtree(bad)


def test_one_name_for_a_file_and_a_directory_is_refused() -> None:
    with pytest.raises(Damaged, match="both"):
        parse_dirtree(encode(DIRTREE, ([("a", CSUM)], [("a", CSUM, CSUM)])))


def test_checksums_of_another_length_are_refused() -> None:
    with pytest.raises(Damaged, match="32 bytes"):
        parse_dirtree(encode(DIRTREE, ([("a", b"x")], [])))
    with pytest.raises(Damaged, match="32 bytes"):
        parse_dirtree(encode(DIRTREE, ([], [("a", CSUM, b"")])))


def test_directory_metadata_is_big_endian() -> None:
    data = encode(DIRMETA, (1, 2, 0o41777, [(b"user.b\0", b"2"), (b"user.a\0", b"1")]), order="big")
    meta = parse_dirmeta(data)
    assert (meta.uid, meta.gid, meta.mode) == (1, 2, 0o41777)
    assert meta.xattrs == ((b"user.a", b"1"), (b"user.b", b"2"))


@pytest.mark.parametrize("mode", [0o100644, 0o120777, 0o755, 0o1040755, 0])
def test_directory_metadata_of_something_else_is_damaged(mode: int) -> None:
    with pytest.raises(Damaged, match="mode"):
        parse_dirmeta(encode(DIRMETA, (0, 0, mode, []), order="big"))


@pytest.mark.parametrize("name", [b"", b"\0", b"user.a", b"user\0a\0"])
def test_attribute_names_end_with_their_only_nul(name: bytes) -> None:
    with pytest.raises(Damaged, match="attribute"):
        parse_xattrs(encode("a(ayay)", [(name, b"")]))


def test_the_content_header_is_what_libostree_hashes() -> None:
    header = content_header(0, 0, 0o100644, "", ())
    data = sha256(header + b"hi\n").hexdigest()
    assert data == "fbf7cf77a1b50d9f074cb6e9ef6ddb65b6532ea89e4f4ca1b07a05b4cd1be259"


def test_checksums() -> None:
    assert is_checksum(NAME)
    assert checksum("0" * 64) == "0" * 64
    for text in ("", "0" * 63, "A" * 64, "0" * 65, "0" * 64 + "\n"):
        assert not is_checksum(text)
        with pytest.raises(Damaged):
            checksum(text)


# -- metadata ------------------------------------------------------------------------------


def test_metadata_becomes_attributes() -> None:
    sizes = [CSUM + b"\x80\x01" + b"\x05", CSUM + b"\x01" + b"\xff\xff\x03" + b"\x02"]
    config = '{"config": {"Labels": {"org.opencontainers.image.revision": "abc", "n": 1}}}'
    commit = commit_of(
        {
            "version": Variant("s", "39.1"),
            "ostree.bootable": Variant("b", value=True),
            "ostree.ref-binding": Variant("as", ["a", "b"]),
            "ostree.sizes": Variant("aay", sizes),
            "rpmostree.rpmdb.pkglist": Variant("a(sssss)", [("bash", "0", "5", "1", "x86_64")]),
            "ostree.manifest-digest": Variant("s", "sha256:" + "1" * 64),
            "ostree.container.image-config": Variant("s", config),
            "ostree.manifest": Variant("s", "{}"),
            "blob": Variant("ay", b"\1\2"),
            "long": Variant("ay", bytes(100)),
            "many": Variant("as", ["x"] * 101),
            "odd": Variant("d", float("nan")),
            "deep": Variant("v", Variant("v", Variant("(sm(iv))", ("t", None)))),
        }
    )
    attrs, wrong = metadata.attributes(commit)
    assert wrong == []
    assert attrs["version"] == "39.1"
    assert attrs["packages"] == 1
    assert attrs["sizes"] == {"archived": 129, "unpacked": 5 + 0xFFFF}
    assert attrs["labels"] == {"org.opencontainers.image.revision": "abc"}
    assert attrs["manifest_digest"] == "sha256:" + "1" * 64
    assert attrs["metadata"] == {
        "ostree.bootable": True,
        "ostree.ref-binding": ["a", "b"],
        "ostree.manifest-digest": "sha256:" + "1" * 64,
        "blob": "0102",
        "long": "100 bytes",
        "many": "101 items",
        "odd": "nan",
        "deep": ["t", None],
    }
    assert metadata.packages(commit)[0].name == "bash"


def test_metadata_of_another_type_says_nothing() -> None:
    keys = ["version", metadata.PACKAGES, metadata.MANIFEST_DIGEST, "ostree.sizes"]
    attrs, wrong = metadata.attributes(commit_of({k: Variant("u", 1) for k in keys}))
    assert (attrs, wrong) == ({"metadata": {metadata.MANIFEST_DIGEST: 1}}, [])
    assert metadata.packages(commit_of({})) == ()


def test_metadata_that_cannot_be_read_is_told() -> None:
    commit = commit_of(
        {
            "ostree.sizes": Variant("aay", [CSUM + b"\x80"]),
            "ostree.container.image-config": Variant("s", "{"),
        }
    )
    attrs, wrong = metadata.attributes(commit)
    assert attrs == {}
    assert len(wrong) == 2


def test_damaged_and_long_values_are_shown_as_such() -> None:
    assert "damaged" in metadata._shown("k", Raw("s", b"no end"))
    assert metadata._shown("k", Raw("as", bytes(20_000))) == "20000 bytes of type as"
    assert len(metadata._shown("k", Raw("s", b"x" * 20_000 + b"\0"))) == metadata.MAX_TEXT + 1
    assert len(metadata._shown("k", Raw("s", b"x" * 10_000 + b"\0"))) == metadata.MAX_TEXT + 1


def test_repository_times_are_read_in_either_order() -> None:
    for stamp in (1_700_000_000, swap(1_700_000_000)):
        repos = [{"id": Variant("s", "fedora"), "timestamp": Variant("t", stamp)}]
        commit = commit_of({"rpmostree.rpmmd-repos": Variant("aa{sv}", repos)})
        shown = metadata.attributes(commit)[0]["metadata"]["rpmostree.rpmmd-repos"]
        assert shown == [{"id": "fedora", "timestamp": 1_700_000_000}]
    assert metadata.plausible_time(7) == 7


@pytest.mark.parametrize(
    ("data", "layered"),
    [
        ({}, False),
        ({"rpmostree.clientlayer": Variant("b", value=False)}, False),
        ({"rpmostree.clientlayer": Variant("b", value=True)}, True),
        ({"rpmostree.spec": Variant("a{sv}", {})}, True),
        ({"ostree.manifest-digest": Variant("s", "sha256:" + "0" * 64)}, True),
    ],
)
def test_layered_commits_are_known_by_their_metadata(
    data: dict[str, Variant], layered: bool
) -> None:
    assert metadata.is_layered(commit_of(data)) is layered


# -- signatures, deltas, names -------------------------------------------------------------


def raw(kind: str, value: Any) -> Raw:
    return Raw(kind, encode(kind, value))


def openpgp(version: int = 4) -> bytes:
    hashed = bytes([5, 2]) + (1_700_000_000).to_bytes(4, "big")
    hashed += bytes([22, 33, 4]) + b"\xab" * 20
    plain = bytes([9, 16]) + b"\xcd" * 8
    body = bytes([version, 0, 1, 8]) + len(hashed).to_bytes(2, "big") + hashed
    body += len(plain).to_bytes(2, "big") + plain + b"\0\0\0\x08\xff"
    return bytes([0x88, len(body)]) + body


def test_signatures_are_listed() -> None:
    detached = {
        "ostree.gpgsigs": raw("aay", [openpgp(), openpgp(3), b"", b"\x00", b"\xc2\xff"]),
        "ostree.sign.ed25519": raw("aay", [bytes(64)]),
        "ostree.sign.spki": raw("aay", [bytes(64)]),
        "ostree.sign.odd": raw("s", "not a list"),
        "other": raw("aay", [b""]),
    }
    found = signatures(detached)
    assert found[0] == {"type": "gpg", "created": 1_700_000_000, "key": "ab" * 20}
    assert [s["type"] for s in found] == ["gpg"] * 5 + ["ed25519", "spki"]
    assert all("damaged" in s for s in found[1:5])


@given(st.binary(max_size=80))
def test_any_bytes_may_stand_for_a_signature(blob: bytes) -> None:
    assert signatures({"ostree.gpgsigs": raw("aay", [blob, b"\xc2" + blob])})


def superblock(sizes: tuple[int, int], data: dict[str, Variant], *, target: bytes = CSUM) -> bytes:
    commit = ({}, b"", [], "", "", 0, CSUM, CSUM)
    part = (0, CSUM, *sizes, b"")
    kind = "(a{sv}tayay(a{sv}aya(say)sstayay)aya(uayttay)a(yaytt))"
    return encode(kind, (data, 0, b"", target, commit, b"", [part], [(1, CSUM, *sizes)]))


@pytest.mark.parametrize("order", ["l", "B", ""])
def test_delta_sizes_are_read_in_the_writers_order(order: str) -> None:
    sizes = (swap(100), swap(300)) if order == "B" else (100, 300)
    data = {"ostree.endianness": Variant("y", ord(order))} if order else {}
    delta = deltas.parse_superblock(superblock(sizes, data), None, Checksum(CSUM.hex()))
    assert (delta.size, delta.unpacked, delta.parts, delta.fallbacks) == (200, 600, 1, 1)
    if not order:
        swapped = superblock((swap(100), swap(300)), {})
        assert deltas.parse_superblock(swapped, None, Checksum(CSUM.hex())) == delta
    signed = encode("(taya{sv})", (swap(0x4F535453474E4454), superblock(sizes, data), {}))
    assert deltas.parse_superblock(signed, None, Checksum(CSUM.hex())) == delta


def test_a_superblock_of_another_delta_is_refused() -> None:
    with pytest.raises(Damaged, match="another"):
        deltas.parse_superblock(superblock((1, 1), {}), None, NAME)


def test_delta_names() -> None:
    assert deltas.ends_of("A" * 43) == (None, "0" * 64)
    assert deltas.ends_of("A" * 43 + "-" + "_" * 42 + "8") == ("0" * 64, "f" * 64)
    for name in ("", "A", "A" * 44, "!" * 43, "A" * 43 + "-" + "A"):
        with pytest.raises(Damaged):
            deltas.ends_of(name)


def test_ref_names() -> None:
    for name in ("a", "os/x86_64/stable", "A-b.c_d", "_x"):
        assert refs.is_ref_name(name)
    for name in ("", "/", "a/", "/a", "a//b", ".a", "-a", "a b", "é", "../x", "a\n"):
        assert not refs.is_ref_name(name)


def test_internal_refs() -> None:
    internal = ["ostree/0/1/0", "rpmostree/base/0", "ostree/container/blob/x", "ostree-metadata"]
    for name in internal:
        assert refs.RefName(name).internal
    for name in ("ostree/0/1", "os/ostree/0/1/0", "rpmostree", "ostree-metadata2"):
        assert not refs.RefName(name).internal


def test_container_image_refs_name_their_image() -> None:
    name = "docker_3A__2F__2F_registry_2E_example_2E_org/os/edge_3A_stable"
    assert refs.image_of(f"ostree/container/image/{name}") == (
        "docker://registry.example.org/os/edge:stable"
    )
    assert refs.image_of("ostree/container/image/a__b_2F_c") == "a_b/c"
    assert refs.image_of("ostree/container/image/_FFFFFF__D800_") == "_FFFFFF__D800_"
    assert refs.image_of("os/stable") == ""


def test_dictionaries_are_read_raw_as_they_are_decoded() -> None:
    data = encode(
        "a{sv}", {"é": Variant("s", "x"), "k" * 300: Variant("as", []), "": Variant("u", 1)}
    )
    opened = {
        k: Variant(r.type, decode(r.type, r.data)) for k, r in decode_raw("a{sv}", data).items()
    }
    assert opened == decode("a{sv}", data)
    with pytest.raises(LimitExceeded):
        decode_raw("a{sv}", data, limit=10)


def test_commits_with_equal_metadata_share_none_of_it() -> None:
    whole = commit_bytes({"version": Variant("s", "1")})
    one, two = parse_commit(NAME, whole), parse_commit(NAME, whole)
    assert one.metadata == two.metadata == {"version": Raw("s", b"1\0")}
    one.metadata.clear()
    assert two.metadata
    assert parse_commit(NAME, whole).metadata
