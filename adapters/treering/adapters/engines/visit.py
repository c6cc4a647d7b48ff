"""One read or one watch of an engine.

Owns the order of requests: each list once, each image at most once and only if it was not seen
before; after an event only what the event is about. Owns no connection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from treering.adapters.engines import shapes
from treering.adapters.engines.desk import Desk
from treering.adapters.engines.events import Event, EventStream
from treering.adapters.engines.memory import Change, Key, Memory, key_of
from treering.adapters.engines.trouble import NoAnswer, NoSuchObject
from treering.core.errors import Damaged, SourceError, Unreachable
from treering.core.facts import Fact
from treering.core.ids import Digest
from treering.core.ports import ReadContext

if TYPE_CHECKING:
    from treering.adapters.engines.client import EngineClient
    from treering.adapters.engines.shapes import Container, Details, Listed

_SILENT_IN_A_ROW = 8
_EVERY = 25
_QUIET_TICKS = 2
"""Quarters of a second without an event before a container is looked at again."""

_NOTHING = Change((), ())


class Visit:
    """Asks one engine through `client`, waits at `desk`, keeps what it learns in `memory`.

    `seen` is the time of the facts; `watch` moves it on with every event.
    """

    def __init__(
        self, client: EngineClient, desk: Desk, memory: Memory, context: ReadContext
    ) -> None:
        self.client, self.desk, self.memory, self.context = client, desk, memory, context
        self.seen = context.clock.now()

    # -- everything ----------------------------------------------------------------------

    def read(self) -> Iterator[Fact]:
        """Yield the facts of both lists, each node and edge once, and then what is gone."""
        images, containers, unlisted = self._lists()
        for container in containers:
            yield from self._keep_container(container).facts
        yield from _once(self._described([*images, *unlisted], {i.id for i in unlisted}))
        yield from self.memory.gone(self.seen)

    def _lists(self) -> tuple[list[Listed], list[Container], list[Listed]]:
        """Return the images, the containers, and images only a container knows of."""
        images = self._images(self.desk.ask(self.client.list_images))
        containers = self._containers(self.desk.ask(self.client.list_containers))
        used = {c.image for c in containers if c.image and not c.manifest}
        used -= {i.id for i in images}
        unlisted = [shapes.Listed(image) for image in sorted(used)]
        self.memory.keep_only({i.id for i in (*images, *unlisted)}, {c.id for c in containers})
        return images, containers, unlisted

    def _described(self, images: list[Listed], unlisted: set[Digest]) -> Iterator[Fact]:
        """Yield the facts of images, inspecting those not seen before."""
        unseen = []
        for image in images:
            known = self.memory.details(image.id)
            if known is None:
                unseen.append(image)
            else:
                yield from self._keep_image(image, known).facts
        done, silent = len(images) - len(unseen), 0
        for image, answer in self.desk.ask_all(unseen, lambda i: self.client.image_details(i.id)):
            done += 1
            if done % _EVERY == 0 or done == len(images):
                self.context.progress(done, len(images), "images")
            if not isinstance(answer, SourceError):
                silent = 0
                if image.id in unlisted and not shapes.is_about(answer, image.id):
                    continue  # a containerd store answers with the index an id belongs to
                yield from self._keep_image(image, self._details(image.id, answer)).facts
                continue
            silent = silent + 1 if isinstance(answer, NoAnswer) else 0
            if silent >= _SILENT_IN_A_ROW or type(answer) is Unreachable:
                raise answer
            if image.id in unlisted and isinstance(answer, NoSuchObject):
                continue  # the image was removed by force, and the container still runs
            self.context.problem(image.id, answer.message)
            yield from self._keep_image(image, None).facts

    def _images(self, entries: list[Any]) -> list[Listed]:
        """Return the image list without entries that name none; each image once."""
        found: dict[Digest, Listed] = {}
        for number, entry in enumerate(entries, 1):
            self.context.check()
            try:
                image = shapes.listed(entry)
            except Damaged as error:
                self.context.problem(f"image {number} of the list", error.message)
                continue
            found[image.id] = found[image.id].joined(image) if image.id in found else image
        return list(found.values())

    def _containers(self, entries: list[Any]) -> list[Container]:
        """Return the container list without entries that name none."""
        found = []
        for number, entry in enumerate(entries, 1):
            self.context.check()
            try:
                found.append(shapes.container(entry))
            except Damaged as error:
                self.context.problem(f"container {number} of the list", error.message)
        return found

    # -- changes -------------------------------------------------------------------------

    def watch(self, stream: EventStream, check: Callable[[], None]) -> Iterator[Fact]:
        """Yield what changed since it was last said, and then what each event changes."""
        yield from self._news()
        unsettled: dict[str, int] = {}
        for event in stream.events(check):
            self.seen = self.context.clock.now()
            if event is None:
                yield from self._settle(unsettled)
                continue
            if event.kind == "container":
                unsettled[shapes.bare_id(event.actor)] = _QUIET_TICKS
            yield from self._follow(event)

    def _settle(self, unsettled: dict[str, int]) -> list[Fact]:
        """Return what a second look brings at containers that had an event a moment ago.

        dockerd tells of a container's death before its own list knows of it.
        """
        news: list[Fact] = []
        for name in list(unsettled):
            unsettled[name] -= 1
            if unsettled[name] > 0:
                continue
            found = self._container_news(name) if name else []
            news += found
            if found:
                unsettled[name] = _QUIET_TICKS
            else:
                del unsettled[name]
        return news + self.memory.gone(self.seen)

    def _follow(self, event: Event) -> list[Fact]:
        """Return what changed by one event."""
        actor = shapes.bare_id(event.actor)
        if not actor or (event.kind, event.action) == ("container", "commit"):
            # A pull names the image by its tag; a commit names the container it was made from.
            return self._news()
        news = self._image_news(shapes.image_id(actor)) if event.kind == "image" else None
        if news is None:
            news = self._container_news(actor)
        return news + self.memory.gone(self.seen)

    def _news(self) -> list[Fact]:
        """Return what both lists say that was not said before."""
        images, containers, unlisted = self._lists()
        news: list[Fact] = []
        for container in containers:
            news += self._keep_container(container).news
        for image in images:
            known = self.memory.details(image.id)
            if known is None:
                news += self._image_news(image.id)
            else:
                news += self._keep_image(image, known).news
        for image in unlisted:
            if not self.memory.knows(image.id):
                news += self._image_news(image.id)
        return news + self.memory.gone(self.seen)

    def _container_news(self, name: str) -> list[Fact]:
        """Return what is new about one container."""
        entries = self.desk.ask(lambda: self.client.list_containers(name))
        found = [c for c in self._containers(entries) if c.id == name]
        if not found:
            self.memory.drop_container(name)
            return []
        image = found[0].image
        known = image is None or self.memory.knows(image)
        news = [] if known or image is None else self._image_news(image)
        return news + list(self._keep_container(found[0]).news)

    def _image_news(self, name: Digest) -> list[Fact]:
        """Return what is new about one image, after asking for it."""
        try:
            answer = self.desk.ask(lambda: self.client.image_details(name))
            image = shapes.listed(answer)
        except NoSuchObject:
            self.memory.drop_image(name)
            return []
        except Damaged as error:
            self.context.problem(name, error.message)
            return []
        known = self.memory.details(image.id) or self._details(image.id, answer)
        return list(self._keep_image(image, known).news)

    # -- keeping -------------------------------------------------------------------------

    def _details(self, image: Digest, answer: Mapping[str, Any]) -> Details:
        known = shapes.details(answer)
        for complaint in known.complaints:
            self.context.problem(image, complaint)
        return known

    def _keep_image(self, image: Listed, known: Details | None) -> Change:
        try:
            return self.memory.put_image(image, known, self.seen)
        except Damaged as error:
            self.context.problem(image.id, error.message)
            return _NOTHING

    def _keep_container(self, container: Container) -> Change:
        try:
            return self.memory.put_container(container, self.seen)
        except Damaged as error:
            self.context.problem(container.id, error.message)
            return _NOTHING


def _once(facts: Iterator[Fact]) -> Iterator[Fact]:
    """Yield each node and edge once: layers come with every image that has them."""
    said: set[Key] = set()
    for fact in facts:
        key = key_of(fact)
        if key not in said:
            said.add(key)
            yield fact
