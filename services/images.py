"""Images after they came in: listing, finding, changing, deleting."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any

from tortoise.expressions import Q, Subquery
from tortoise.functions import Lower
from tortoise.queryset import QuerySet

from events.messages import ImageDeleted
from services import lookups, removal
from services.cleaning import checked_filename, clean_patient_ref, visible
from services.errors import Checks, Code, refuse
from services.holdout import Holdout
from services.keys import features_key, heatmap_key, pixels_key, thumbnail_key
from services.outbox import Outbox
from services.permissions import may_see, member
from store.blobs import Blobs
from store.pages import NEWEST_FIRST, Page, Window, page
from store.tables import (
    Finding,
    FindingChange,
    Image,
    Label,
    ModelVersion,
    Prediction,
    User,
)

SEARCH_LENGTH = 255


class ImageOrder(StrEnum):
    """In which order images are listed; of those with one name the later comes first, or last in reverse."""

    NEWEST = "NEWEST"
    OLDEST = "OLDEST"
    NAME = "NAME"
    NAME_REVERSED = "NAME_REVERSED"


ORDERS: dict[ImageOrder, tuple[str, ...]] = {
    ImageOrder.NEWEST: NEWEST_FIRST,
    ImageOrder.OLDEST: ("id",),
    ImageOrder.NAME: ("name", "-id"),
    ImageOrder.NAME_REVERSED: ("-name", "id"),
}


@dataclass(frozen=True)
class Filter:
    """Which images; what is None does not matter. Moments are in UTC, as the databases keep them."""

    finding: Finding | None = None
    finding_changed: bool | None = None
    """By the last promotion."""
    labelled: bool | None = None
    failed: bool | None = None
    """Whether no prediction could be made."""
    search: str | None = None
    uploaded_after: datetime | None = None
    uploaded_before: datetime | None = None


@dataclass(frozen=True)
class Images:
    """The use cases around the images that are there."""

    outbox: Outbox
    blobs: Blobs
    holdout: Holdout

    async def page(
        self, viewer: User | None, wanted: Filter, window: Window, order: ImageOrder = ImageOrder.NEWEST
    ) -> Page[Image]:
        """The viewer's images, or everyone's for an administrator.

        Raises:
            Refused: TOO_LARGE.
        """
        images = await _matching(Image.visible_to(member(viewer)), wanted)
        if "name" in (field.lstrip("-") for field in ORDERS[order]):
            images = images.annotate(name=Lower("filename"))  # as people look names up
        return await page(images, window, ORDERS[order])

    async def find(self, viewer: User | None, image_ids: Iterable[int]) -> dict[int, Image]:
        """Those of the images that exist and that the viewer may see, by id."""
        found = await lookups.images(image_ids)
        return {image_id: image for image_id, image in found.items() if may_see(viewer, image)}

    async def update(
        self,
        viewer: User | None,
        image_id: int,
        filename: str | None = None,
        patient_ref: str | None = None,
    ) -> Image:
        """Changes what is given; a blank patient reference clears it.

        Raises:
            Refused: NOT_FOUND, REQUIRED and TOO_LARGE, all at once.
        """
        checks = Checks()
        changes: dict[str, Any] = {}
        with checks:
            image = await self._own(viewer, image_id)
        if filename is not None:
            with checks:
                changes["filename"] = checked_filename(filename)
        if patient_ref is not None:
            with checks:
                changes["patient_ref"] = clean_patient_ref(patient_ref)
        checks.end()
        image.update_from_dict(changes)
        # Once kept for judging models, always kept.
        if patient_ref is not None and self.holdout.keeps(image.sha256, image.patient_ref, image.fingerprint):
            changes["holdout"] = image.holdout = True
        if changes:  # and no more: somebody else may be changing the rest
            await image.save(update_fields=list(changes))
        return image

    async def delete(self, viewer: User | None, image_id: int) -> None:
        """Removes the image with its predictions and labels, and a moment later all of its blobs.

        Raises:
            Refused: NOT_FOUND.
        """
        viewer, image = member(viewer), await self._own(viewer, image_id)
        # Deleted as it was seen, or else seen again: its features may be stored at this moment.
        while not await self.outbox.commit(partial(_remove, image, viewer)):
            image = await self._own(viewer, image_id)

    async def remove_blobs(self, event: ImageDeleted) -> None:
        """The reaction to a deletion; it may come twice."""
        keys = [pixels_key(event.key), thumbnail_key(event.key)]
        if event.features is not None:
            keys.append(features_key(event.features, event.key))
        models = await ModelVersion.all().only("id")
        keys += [heatmap_key(model.id, event.key) for model in models]
        await self.blobs.delete(keys)

    async def _own(self, viewer: User | None, image_id: int) -> Image:
        image = await Image.visible_to(member(viewer)).get_or_none(id=image_id)
        if image is None:
            raise refuse(Code.NOT_FOUND, "there is no such image", "id")
        return image


async def _remove(image: Image, by: User) -> bool:
    if not await removal.locked(image):
        return False
    await removal.remove_one(image, by)
    return True


async def _matching(images: QuerySet[Image], wanted: Filter) -> QuerySet[Image]:
    if wanted.finding is not None:
        found = Prediction.filter(model_id=await _serving_id(), finding=wanted.finding)
        images = images.filter(id__in=Subquery(found.values("image_id")))
    if wanted.finding_changed is not None:
        deployment = await lookups.deployment()
        changes = FindingChange.filter(deployment_id=deployment.id if deployment else 0)
        changed = Q(id__in=Subquery(changes.values("image_id")))
        images = images.filter(changed if wanted.finding_changed else ~changed)
    if wanted.labelled is not None:
        labelled = Q(id__in=Subquery(Label.standing().values("image_id")))
        images = images.filter(labelled if wanted.labelled else ~labelled)
    if wanted.failed is not None:
        images = images.filter(failure__isnull=not wanted.failed)
    if wanted.search:
        if len(wanted.search) > SEARCH_LENGTH:
            raise refuse(Code.TOO_LARGE, f"a search has at most {SEARCH_LENGTH} characters", "search")
        text = visible(wanted.search)
        images = images.filter(Q(filename__icontains=text) | Q(patient_ref__icontains=text))
    if wanted.uploaded_after is not None:
        images = images.filter(uploaded_at__gte=wanted.uploaded_after)
    if wanted.uploaded_before is not None:
        images = images.filter(uploaded_at__lt=wanted.uploaded_before)
    return images


async def _serving_id() -> int:
    deployment = await lookups.deployment()
    return deployment.model_id if deployment else 0
