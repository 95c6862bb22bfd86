"""Predictions as they are read: a viewer's, an image's, and the one that counts now."""

from __future__ import annotations

from collections.abc import Iterable

from services import lookups
from services.permissions import member
from store.kept import Kept
from store.pages import Page, Window
from store.pages import page as page_of
from store.tables import Prediction, User

BY_A_MODEL = Kept(
    Prediction, lambda model_id, image_ids: Prediction.filter(model_id=model_id, image_id__in=image_ids)
)


async def page(viewer: User | None, window: Window) -> Page[Prediction]:
    """Predictions of the viewer's images, or of everyone's for an administrator, newest first."""
    return await page_of(Prediction.visible_to(member(viewer)), window)


async def current(image_ids: Iterable[int]) -> dict[int, Prediction]:
    """The prediction of the model in service, by image; images that it has not judged are absent."""
    deployment = await lookups.deployment()
    if deployment is None:
        return {}
    found = await BY_A_MODEL.rows(deployment.model_id, list(image_ids))
    return {prediction.image_id: prediction for prediction in found}


async def histories(image_ids: Iterable[int]) -> dict[int, list[Prediction]]:
    """All predictions by image, newest first: as many as there have been models."""
    found: dict[int, list[Prediction]] = {}
    for prediction in await Prediction.filter(image_id__in=list(image_ids)).order_by("-id"):
        found.setdefault(prediction.image_id, []).append(prediction)
    return found
