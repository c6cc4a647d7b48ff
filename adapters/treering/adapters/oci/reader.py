"""The reader of layouts and archives.

Owns one read from the first file to the last fact: which form the location has, the documents,
then the facts, and last the layers, once they are hashed. Opens the files of the source for
reading only. What trees were opened is remembered in the user's cache; in audit mode that is
read and not written.
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from treering.adapters.oci.archive import DockerArchive, is_docker_archive
from treering.adapters.oci.blobs import Blobs, DirectoryBlobs, open_archive
from treering.adapters.oci.browsing import Browser
from treering.adapters.oci.catalog import Catalog
from treering.adapters.oci.documents import Documents
from treering.adapters.oci.layout import HINT, Layout, is_layout
from treering.adapters.oci.verify import Job, Outcome, Verifier
from treering.core.errors import Cancelled, NotRecognised
from treering.core.facts import Fact
from treering.core.files import from_os_error
from treering.core.ids import NodeId
from treering.core.layerindex import LayerIndex
from treering.core.ports import Capability, Document, ReadContext, Tree
from treering.core.text import Safe, safe

LAYOUT = "oci-layout"


class OciReader:
    """Reads an OCI layout, an OCI archive or a Docker archive.

    `kind` is ``oci-layout`` for a directory, ``oci-archive`` or ``docker-archive`` for a tar
    file; either archive kind reads both contents. Layers are hashed last, in the order in which
    images list them, within `blobs.VERIFY_BUDGET` of stored bytes; others have ``verified``
    false. An artifact without a subject is an image node by its manifest's digest, with
    ``artifact_type`` and no layers. `index` remembers on disk what layers hold.
    """

    capabilities = Capability.VERIFIES | Capability.TREES

    def __init__(
        self,
        kind: str,
        location: str,
        name: str,
        audit: bool = False,  # noqa: FBT001, FBT002 -- the shape adapters share
        index: LayerIndex | None = None,
    ) -> None:
        self.kind = kind
        self.name: Safe = safe(name)
        self.location: Safe = safe(location)
        self.audit = audit
        self._path = Path(location)
        self._verifier = Verifier()
        self._closed = threading.Event()
        self._browser = Browser(self.name, self._open, self._gather, self._alive, index)

    def read(self, context: ReadContext) -> Iterator[Fact]:
        """Yield everything the source holds; errors as `core.ports.Reader` says."""
        seen = context.clock.now()

        def check() -> None:
            self._alive()
            context.check()

        check()
        catalog = Catalog(self.name, seen)
        with self._open(check) as blobs:
            self._gather(Documents(blobs, context, check), catalog, check)
            if blobs.trouble:
                context.problem(self.location, str(blobs.trouble.message))
            yield from catalog.facts()
            outcomes = self._verify(blobs, list(catalog.jobs()), context, check)
            yield from catalog.layer_facts(outcomes)

    def open_tree(self, node: NodeId, context: ReadContext) -> Tree:
        """Open the files of an image or a layer; errors as `core.ports.Opener` says."""
        return self._browser.open_tree(node, context)

    def documents(self, node: NodeId, context: ReadContext) -> Sequence[Document]:
        """Return the documents of an image, an index or an attestation; errors likewise."""
        return self._browser.documents(node, context)

    def close(self) -> None:
        """Stop a read that is under way, in whatever thread."""
        self._closed.set()

    def _alive(self) -> None:
        if self._closed.is_set():
            raise Cancelled("the source was closed")

    @contextmanager
    def _open(self, check: Callable[[], None]) -> Iterator[Blobs]:
        try:
            directory = stat.S_ISDIR(os.stat(self._path).st_mode)  # noqa: PTH116 -- its error text
        except OSError as error:
            raise from_os_error(error, str(self._path)) from error
        if directory != (self.kind == LAYOUT):
            raise NotRecognised(
                f"{self._path} is a {'directory' if directory else 'file'}, not an {self.kind}",
                HINT if self.kind == LAYOUT else "for a layout directory use kind oci-layout",
            )
        if not directory:
            with open_archive(self._path, check) as blobs:
                yield blobs
            return
        blobs = DirectoryBlobs(self._path)
        if blobs.size(LAYOUT) is None:
            raise NotRecognised(f"{self._path} is not an OCI layout: no file oci-layout", HINT)
        yield blobs

    def _gather(self, documents: Documents, catalog: Catalog, check: Callable[[], None]) -> None:
        where, blobs = str(self._path), documents.blobs
        docker = self.kind != LAYOUT and is_docker_archive(blobs)

        def hashes(jobs: list[Job]) -> dict[Job, Outcome]:
            return dict(self._verifier.run(blobs, jobs, check, lambda _done: None))

        if is_layout(blobs):
            Layout(documents, catalog, where).read()
        if docker:
            DockerArchive(documents, catalog, where, hashes).read()
        elif not is_layout(blobs):
            raise blobs.trouble or NotRecognised(
                f"{where} is a tar archive, but not of images",
                "an archive of images holds index.json, manifest.json or repositories",
            )

    def _verify(
        self,
        blobs: Blobs,
        jobs: list[Job],
        context: ReadContext,
        check: Callable[[], None],
    ) -> dict[Job, Outcome]:
        """Hash what the budget allows and report what is wrong."""
        outcomes: dict[Job, Outcome] = {}

        def done(count: int) -> None:
            context.progress(count, len(jobs), "layers")

        for job, outcome in self._verifier.run(blobs, jobs, check, done):
            outcomes[job] = outcome
            why = outcome.fault if not job.stored.fault else ""
            if why or outcome.doubt:
                context.problem(job.stored.name, why or outcome.doubt)
        return outcomes
