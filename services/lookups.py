"""Rows by their keys, many at once, and which of them a viewer may look up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from tortoise.expressions import Subquery
from tortoise.functions import Count

from services.errors import Code, refuse
from services.permissions import admin
from store.kept import Kept
from store.tables import BESIDES_RECORD, Deployment, Image, Label, ModelVersion, Prediction, TrainingRun, User

Row = TypeVar("Row", Image, User, Label, ModelVersion, Prediction, TrainingRun)
Ids = Iterable[int]

USERS = Kept(User, lambda ids: User.filter(id__in=ids))
MODELS = Kept(ModelVersion, lambda ids: ModelVersion.filter(id__in=ids).only(*BESIDES_RECORD))
IMAGES = Kept(Image, lambda ids: Image.filter(id__in=ids))
# The count is a value like others, as it is in the SQL.
NEWEST = Kept(Deployment, lambda count: Deployment.all().order_by("-number").limit(count))
IN_SERVICE = Kept(ModelVersion, lambda count: ModelVersion.filter(id=_newest(count)).only(*BESIDES_RECORD))


@dataclass(frozen=True)
class Term:
    """A stretch of service, and when the next one ended it: None while it lasts."""

    deployment: Deployment
    until: datetime | None


def is_self_or_admin(viewer: User | None, user_id: int) -> bool:
    """Who may see what is private of a user."""
    return viewer is not None and (viewer.is_admin or viewer.id == user_id)


async def named_user(user_id: int, field: str = "id") -> User:
    """The user that the field of an input names.

    Raises:
        Refused: NOT_FOUND.
    """
    user = await User.get_or_none(id=user_id)
    if user is None:
        raise refuse(Code.NOT_FOUND, "there is no such user", field)
    return user


async def deployment() -> Deployment | None:
    """The deployment in force; None before the first."""
    return next(iter(await NEWEST.rows(1)), None)


async def model_in_service() -> ModelVersion | None:
    """The version of the deployment in force, without its record; None before the first."""
    return next(iter(await IN_SERVICE.rows(1)), None)


async def images(ids: Ids) -> dict[int, Image]:
    """The images, for the platform's own work."""
    return _by_id(await IMAGES.rows(list(ids)))


async def users(ids: Ids) -> dict[int, User]:
    """The users, for whoever reached them through something that may be seen."""
    return _by_id(await USERS.rows(list(ids)))


async def visible_users(viewer: User | None, ids: Ids) -> dict[int, User]:
    """Oneself, or everyone for administrators."""
    return await users(user_id for user_id in ids if is_self_or_admin(viewer, user_id))


async def models(ids: Ids) -> dict[int, ModelVersion]:
    """The versions without their records, for whoever reached them through something that may be seen."""
    return _by_id(await MODELS.rows(list(ids)))


async def records(model_ids: Ids) -> dict[int, dict[str, Any]]:
    """What is kept of how the versions were made, for whoever reached them; those without are absent."""
    found = ModelVersion.filter(id__in=list(model_ids), record__isnull=False)
    return dict(await found.values_list("id", "record"))


async def visible_models(viewer: User | None, ids: Ids) -> dict[int, ModelVersion]:
    """The one in service, those that judged the viewer's images or learned from them; administrators: all."""
    found = await models(ids)
    if viewer is not None and viewer.is_admin:
        return found
    visible = await _models_around(viewer, list(found))
    return {model_id: model for model_id, model in found.items() if model_id in visible}


def _newest(count: int) -> Subquery:
    return Subquery(Deployment.all().order_by("-number").limit(count).values("model_id"))


async def _models_around(viewer: User | None, ids: list[int]) -> set[int]:
    current = await deployment()
    around = {current.model_id} if current else set()
    if viewer is not None and not around.issuperset(ids):
        judged = Prediction.filter(image__owner_id=viewer.id, model_id__in=ids).distinct()
        taught = ModelVersion.filter(labels__image__owner_id=viewer.id, id__in=ids).distinct()
        around |= {prediction["model_id"] for prediction in await judged.values("model_id")}
        around |= {model["id"] for model in await taught.values("id")}
    return around


async def terms(viewer: User | None, model_ids: Ids) -> dict[int, list[Term]]:
    """When each version served, by whose decision and why, the latest first; for administrators."""
    admin(viewer)
    deployments = await Deployment.filter(model_id__in=list(model_ids)).order_by("-number")
    successors = Deployment.filter(number__in=[deployment.number + 1 for deployment in deployments])
    since = {successor.number: successor.since for successor in await successors}
    found: dict[int, list[Term]] = {}
    for deployment in deployments:
        term = Term(deployment, since.get(deployment.number + 1))
        found.setdefault(deployment.model_id, []).append(term)
    return found


async def withdrawn_labels(model_ids: Ids) -> dict[int, int]:
    """How many labels that taught each version have been withdrawn since; versions without one are absent."""
    withdrawn = Label.filter(withdrawn_at__isnull=False, used_in__id__in=list(model_ids))
    counts = withdrawn.annotate(count=Count("id")).group_by("used_in__id").values("used_in__id", "count")
    return {row["used_in__id"]: row["count"] for row in await counts}


async def visible_runs(viewer: User | None, ids: Ids) -> dict[int, TrainingRun]:
    """All for administrators, none for others."""
    if viewer is None or not viewer.is_admin:
        return {}
    return _by_id(await TrainingRun.filter(id__in=list(ids)))


async def visible_labels(viewer: User | None, ids: Ids) -> dict[int, Label]:
    """Labels of images that the viewer may see."""
    if viewer is None:
        return {}
    labels = Label.filter(id__in=list(ids))
    return _by_id(await (labels if viewer.is_admin else labels.filter(image__owner_id=viewer.id)))


async def label_histories(image_ids: Ids) -> dict[int, list[Label]]:
    """All labels by image, newest first, for whoever may see the images."""
    found: dict[int, list[Label]] = {}
    for label in await Label.filter(image_id__in=list(image_ids)).order_by("-id"):
        found.setdefault(label.image_id, []).append(label)
    return found


async def visible_predictions(viewer: User | None, ids: Ids) -> dict[int, Prediction]:
    """Predictions of images that the viewer may see."""
    if viewer is None:
        return {}
    return _by_id(await Prediction.visible_to(viewer).filter(id__in=list(ids)))


def _by_id(rows: Iterable[Row]) -> dict[int, Row]:
    return {row.id: row for row in rows}
