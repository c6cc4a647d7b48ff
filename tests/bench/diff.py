"""Diffs beside the systems' own tools and beside reading alone: ratios of medians in one run."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.readers import paired

DIRECTORIES, EACH, CHANGES = 1000, 100, 100
WANTED = int(os.environ.get("TREERING_BENCH_MIB", "200")) << 20
"""Bytes of files in each image."""


def ostree_diff(directory: Path) -> None:
    """Two commits of 100,000 files with 100 changes, in as many directories, and in one."""
    from support.ostree_repo import FakeRepo

    repo = FakeRepo(directory / "repo")
    repo.content = cache(repo.content)  # type: ignore[method-assign]  # each written once
    tree: dict[str, Any] = {f"d{at // 40}": {} for at in range(DIRECTORIES)}
    for at in range(DIRECTORIES):
        names = {f"file-{n}": b"content %d" % (n % 50) for n in range(EACH)}
        tree[f"d{at // 40}"][f"e{at}"] = names
    before = repo.commit(tree)
    for at in range(CHANGES):
        tree[f"d{at * 10 // 40}"][f"e{at * 10}"]["file-7"] = b"changed %d" % at
    spread = repo.commit(tree)
    tree["d0"]["e0"] |= {f"file-{n}": b"CONTENT %d" % n for n in range(EACH)}
    local = repo.commit(tree)
    compare("ostree diff, 100 changes in 100 directories", repo.path, before, spread)
    compare("ostree diff, 100 changes in one directory", repo.path, spread, local)


def compare(what: str, path: Path, a: str, b: str) -> None:
    from treering.adapters.ostree.browsing import open_tree
    from treering.core import ids
    from treering.core.diff.trees import diff_trees
    from treering.core.ports import ReadContext

    command = ["ostree", f"--repo={path}", "diff", a, b]

    def theirs() -> int:
        out = subprocess.run(command, check=True, capture_output=True).stdout
        return len(out.splitlines())

    def ours() -> int:
        trees = [open_tree(path, ids.commit(name), ReadContext()) for name in (a, b)]
        return sum(1 for _ in diff_trees(trees[0], trees[1], ReadContext()))

    assert ours() == theirs()
    report(f"{what}, in process", paired(ours, theirs))


def report(what: str, figures: Any) -> None:
    ratio = figures.ratio
    told = f"{1 / ratio:.1f}x faster" if ratio < 1 else f"{ratio:.2f}x as long"
    print(
        f"{what}: {figures.ours:.4f} s beside {figures.peer:.4f} s, {told} "
        f"({figures.processor:.3f} of its processor time)"
    )


def image_diff(directory: Path) -> None:
    """Two images on one base, cold and warm, beside unpacking and hashing their blobs alone."""
    from treering.adapters.oci.reader import OciReader
    from treering.core.diff.trees import diff_trees
    from treering.core.layerindex import LayerIndex
    from treering.core.ports import ReadContext

    layout, images, blobs = pair(directory)
    index = directory / "index.sqlite3"

    def diff() -> int:
        reader = OciReader("oci-layout", str(layout), "bench", index=LayerIndex(index))
        a, b = (reader.open_tree(image, ReadContext()) for image in images)
        return sum(1 for _ in diff_trees(a, b, ReadContext()))

    def cold() -> int:
        index.unlink(missing_ok=True)
        return diff()

    def alone() -> None:
        for blob in blobs:
            unpacked(blob)

    def listed() -> None:
        for blob in blobs:
            subprocess.run(["tar", "tzf", blob], check=True, capture_output=True)

    print(f"two images: {cold()} changes, {peak(cold)} MiB of memory at most")
    report("image diff, cold, beside isal and sha256 of the same blobs", paired(cold, alone))
    report("image diff, cold, beside tar tzf of the same blobs", paired(cold, listed))
    report("image diff, warm, beside isal and sha256 of the same blobs", paired(diff, alone))


def pair(directory: Path) -> tuple[Path, list[Any], list[Path]]:
    """Write two images of this machine's files: a shared layer, one of each, a small one."""
    from support.oci_layout import Layout, blob_path, config_of, digest, dump

    from treering.core import ids

    found = some_files(WANTED)
    base, one, other = found[: len(found) // 2], found[len(found) // 2 :], found[len(found) // 2 :]
    changed = dict.fromkeys(one[::7], b"changed")
    tars = [tar_of_files(base, {}), tar_of_files(one, {}), tar_of_files(other[:-200], changed)]
    small = tar_of_files(base[:100], dict.fromkeys(base[:100:3], b"patched"))
    layout, images = Layout(), []
    chains = [[tars[0], tars[1]], [tars[0], tars[2], small]]
    for number, chain in enumerate(chains):
        layout.tag(layout.image(chain), f"app:{number}")
        images.append(ids.image(ids.digest(digest(dump(config_of(chain))))))
    where = layout.write(directory / "layout")
    blobs = [where / blob_path(n) for n, data in layout.blobs.items() if data[:2] == b"\x1f\x8b"]
    size = sum(map(len, (*tars, small))) >> 20
    print(f"a pair of images: {len(base) + len(one)} files each, {size} MiB unpacked in all")
    return where, images, blobs


def some_files(wanted: int) -> list[Path]:
    """Return files of this machine, so many bytes in all."""
    found: list[Path] = []
    for top in ("/usr/lib", "/usr/share", "/usr/bin"):
        for at, folders, names in os.walk(top):
            folders.sort()
            for name in sorted(names):
                path = Path(at, name)
                if path.is_symlink() or not path.is_file() or path.stat().st_size > 1 << 24:
                    continue
                wanted -= path.stat().st_size
                found.append(path)
                if wanted < 0:
                    return found
    return found


def tar_of_files(paths: list[Path], contents: dict[Path, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for path in paths:
            data = contents.get(path) or path.read_bytes()
            info = tarfile.TarInfo(str(path).lstrip("/"))
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def unpacked(path: Path) -> str:
    """Unpack and hash a blob, and do nothing else."""
    from isal import igzip_lib

    decoder = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
    found = hashlib.sha256()
    with path.open("rb") as file:
        data = file.read(1 << 18)
        while not decoder.eof:
            found.update(decoder.decompress(data, 1 << 18))
            data = file.read(1 << 18) if decoder.needs_input else b""
    return found.hexdigest()


def peak(work: Callable[[], object]) -> int:
    """Return the most memory some work takes, in MiB, in a process that begins small."""
    pid = os.fork()
    if not pid:
        Path("/proc/self/clear_refs").write_text("5")
        work()
        lines = Path("/proc/self/status").read_text().splitlines()
        most = next(line for line in lines if line.startswith("VmHWM"))
        os._exit(int(most.split()[1]) >> 12)  # in steps of 4 MiB: an exit code is a byte
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) * 4


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="treering-bench-") as place:
        for bench in (ostree_diff, image_diff):
            if bench.__name__ in (sys.argv[1:] or [bench.__name__]):
                bench(Path(place))
