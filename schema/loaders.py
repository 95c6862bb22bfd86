"""What one operation loads by key: each kind of row in one query, however many ask for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from functools import cached_property, partial
from itertools import chain
from typing import Any, Generic, TypeVar, cast

from services import drift, finding_changes, lookups, predictions, trail
from services.platform import Platform
from services.policy import Policy
from store.tables import (
    ContactMessage,
    DriftWarning,
    FindingChange,
    Image,
    Label,
    ModelVersion,
    NewsPost,
    Prediction,
    RetrainingPolicy,
    TrailEntry,
    TrainingRun,
    User,
)

K = TypeVar("K")
T = TypeVar("T")

BATCH = 1000
"""Keys in one query; SQLite takes 32,766."""

Find = Callable[[list[K]], Awaitable[Mapping[K, T]]]
Asked = dict[K, list[asyncio.Future[T]]]


class Loader(Generic[K, T]):
    """Finds together what is asked for in one turn of the event loop, and in the next.

    Each who asks waits for a future of its own, so that whoever goes away takes nothing from the others. What
    was found is kept, and what is under way is waited for; without ``keeps``, each search looks anew.

    Args:
        find: finds what there is of some keys.
        missing: makes what stands for the rest.
    """

    def __init__(self, find: Find[K, T], missing: Callable[[], T], keeps: bool = True) -> None:
        self._find, self._missing, self._keeps = find, missing, keeps
        self._found: dict[K, T] = {}
        self._asked: Asked[K, T] = {}
        self._sought: Asked[K, T] = {}
        self._searches: set[asyncio.Task[None]] = set()

    def load(self, key: K) -> asyncio.Future[T]:
        """What is found of a key, or a new one of what is missing."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        if key in self._found:
            future.set_result(self._found[key])
        elif key in self._sought:
            self._sought[key].append(future)
        else:
            if not self._asked:
                loop.call_soon(loop.call_soon, self._search)
            self._asked.setdefault(key, []).append(future)
        return future

    def load_many(self, keys: Iterable[K]) -> asyncio.Future[list[T]]:
        """What is found of several, in their order."""
        return asyncio.gather(*map(self.load, keys))

    def _search(self) -> None:
        asked, self._asked = self._asked, {}
        if self._keeps:
            self._sought |= asked
        keys = list(asked)
        for start in range(0, len(keys), BATCH):
            some = {key: asked[key] for key in keys[start : start + BATCH]}
            search = asyncio.create_task(self._answer(some))
            self._searches.add(search)  # or nothing would hold it
            search.add_done_callback(self._searches.discard)

    async def _answer(self, asked: Asked[K, T]) -> None:
        try:
            self._tell(asked, await self._find(list(asked)))
        except Exception as error:
            for future in _waiting(asked):
                future.set_exception(error)
        finally:
            for key in asked:
                self._sought.pop(key, None)
            for future in _waiting(asked):  # where the search itself was cancelled
                future.cancel()

    def _tell(self, asked: Asked[K, T], found: Mapping[K, T]) -> None:
        for key, futures in asked.items():
            value = found[key] if key in found else self._missing()
            if self._keeps:
                self._found[key] = value
            for future in _waiting({key: futures}):
                future.set_result(value)


def _waiting(asked: Asked[K, T]) -> Iterator[asyncio.Future[T]]:
    return (future for future in chain.from_iterable(asked.values()) if not future.done())


def by_key(find: Find[K, T], keeps: bool = True) -> Loader[K, T | None]:
    """Loads what ``find`` finds, and None for the rest."""
    # In quotes, since the type would be put together at each call.
    return Loader(cast("Find[K, T | None]", find), lambda: None, keeps)


def lists_by_key(find: Find[int, list[T]]) -> Loader[int, list[T]]:
    """Loads what ``find`` finds, and nothing at all for the rest."""
    return Loader(find, list)


class Loaders:
    """Made anew for each operation, and for each event that subscriptions show.

    Those named ``visible_…``, and images, check that the viewer may see the row. The others are for rows that
    are reached through one that may be seen.
    """

    def __init__(self, platform: Platform, viewer: User | None) -> None:
        self._platform = platform
        self._viewer = viewer

    @cached_property
    def users(self) -> Loader[int, User | None]:
        return by_key(lookups.users)

    @cached_property
    def visible_users(self) -> Loader[int, User | None]:
        return by_key(partial(lookups.visible_users, self._viewer))

    @cached_property
    def images(self) -> Loader[int, Image | None]:
        return by_key(partial(self._platform.images.find, self._viewer))

    @cached_property
    def visible_predictions(self) -> Loader[int, Prediction | None]:
        return by_key(partial(lookups.visible_predictions, self._viewer))

    @cached_property
    def visible_labels(self) -> Loader[int, Label | None]:
        return by_key(partial(lookups.visible_labels, self._viewer))

    @cached_property
    def models(self) -> Loader[int, ModelVersion | None]:
        return by_key(lookups.models)

    @cached_property
    def visible_models(self) -> Loader[int, ModelVersion | None]:
        return by_key(partial(lookups.visible_models, self._viewer))

    @cached_property
    def records(self) -> Loader[int, dict[str, Any] | None]:
        """What is kept of how a version was made, by model."""
        return by_key(lookups.records)

    @cached_property
    def visible_terms(self) -> Loader[int, list[lookups.Term]]:
        """By model, the latest first."""
        return lists_by_key(partial(lookups.terms, self._viewer))

    @cached_property
    def withdrawn_labels(self) -> Loader[int, int | None]:
        """How many labels that taught a version have been withdrawn, by model."""
        return by_key(lookups.withdrawn_labels)

    @cached_property
    def visible_runs(self) -> Loader[int, TrainingRun | None]:
        return by_key(partial(lookups.visible_runs, self._viewer))

    @cached_property
    def visible_policies(self) -> Loader[int, tuple[Policy, RetrainingPolicy | None] | None]:
        """With the change that made it so."""
        return by_key(partial(self._platform.retraining.policies.find, self._viewer))

    @cached_property
    def visible_warnings(self) -> Loader[int, DriftWarning | None]:
        return by_key(partial(drift.visible_warnings, self._viewer))

    @cached_property
    def posts(self) -> Loader[int, NewsPost | None]:
        return by_key(self._platform.newsroom.find)

    @cached_property
    def visible_messages(self) -> Loader[int, ContactMessage | None]:
        return by_key(partial(self._platform.contact.find, self._viewer))

    @cached_property
    def visible_trail(self) -> Loader[int, TrailEntry | None]:
        return by_key(partial(trail.visible, self._viewer))

    @cached_property
    def current_predictions(self) -> Loader[int, Prediction | None]:
        """The prediction of the model in service, by image."""
        return by_key(self._platform.diagnosis.current)

    @cached_property
    def prediction_histories(self) -> Loader[int, list[Prediction]]:
        """By image, newest first."""
        return lists_by_key(predictions.histories)

    @cached_property
    def finding_changes(self) -> Loader[int, FindingChange | None]:
        """The last change of the finding, by image."""
        return by_key(finding_changes.latest)

    @cached_property
    def visible_changes(self) -> Loader[int, FindingChange | None]:
        return by_key(partial(finding_changes.visible, self._viewer))

    @cached_property
    def counting_labels(self) -> Loader[int, Label | None]:
        """The label that counts, by image."""
        return by_key(self._platform.labelling.of_images)

    @cached_property
    def label_histories(self) -> Loader[int, list[Label]]:
        """By image, newest first."""
        return lists_by_key(lookups.label_histories)

    @cached_property
    def models_taught(self) -> Loader[int, list[ModelVersion]]:
        """The versions trained on a label, by label."""
        return lists_by_key(self._platform.labelling.used_in)
