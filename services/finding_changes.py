"""Where a promotion has changed a finding: noted once, and told to the image's owner."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from tortoise.exceptions import IntegrityError
from tortoise.functions import Min

from events.messages import FindingChanged
from services import lookups
from services.outbox import Outbox, record
from store.tables import Deployment, FindingChange, Image, Prediction, User

BATCH = 200
TOLD = ("id", "image_id", "finding")
"""All that is read of a prediction here."""

logger = logging.getLogger(__name__)


class Overtaken(Exception):
    """Another promotion came first, and tells of what it changes itself."""


async def tell(outbox: Outbox, model_id: int) -> None:
    """Go through what a model says of all images, as long as it is in service; may be done again at any time.

    A rollback makes no prediction, since the earlier one is kept, and is told as any other promotion.
    """
    last = 0
    while (deployment := await lookups.deployment()) is not None and deployment.model_id == model_id:
        judged = Prediction.filter(model_id=model_id, id__gt=last).order_by("id").limit(BATCH)
        predictions = await judged.only(*TOLD)
        if not predictions:
            return
        await _tell(outbox, deployment, predictions)
        last = predictions[-1].id


async def tell_of(outbox: Outbox, image_ids: Sequence[int]) -> None:
    """As `tell`, of what the model in service says of a few images."""
    deployment = await lookups.deployment()
    if deployment is not None:
        query = Prediction.filter(model_id=deployment.model_id, image_id__in=image_ids)
        await _tell(outbox, deployment, await query.only(*TOLD))


async def latest(image_ids: Iterable[int]) -> dict[int, FindingChange]:
    """The last change by image, for whoever may see the images; where a finding has stayed there is none."""
    changes = await FindingChange.filter(image_id__in=list(image_ids)).order_by("id")
    return {change.image_id: change for change in changes}


async def visible(viewer: User | None, ids: Iterable[int]) -> dict[int, FindingChange]:
    """Changes of images that the viewer may see."""
    if viewer is None:
        return {}
    found = await FindingChange.visible_to(viewer).filter(id__in=list(ids))
    return {change.id: change for change in found}


async def _tell(outbox: Outbox, deployment: Deployment, predictions: Sequence[Prediction]) -> None:
    known = await _known([prediction.image_id for prediction in predictions])
    for prediction in predictions:
        previous = known.get(prediction.image_id, prediction)
        if previous.finding == prediction.finding:
            continue
        try:
            await outbox.commit(partial(_note, deployment, prediction, previous))
        except Overtaken:
            return
        except IntegrityError:
            logger.debug("image %d: told already, or deleted meanwhile", prediction.image_id)


async def _known(image_ids: list[int]) -> Mapping[int, Prediction]:
    """What owners know, by image: the last change, or the first prediction where no change followed it."""
    judged = Prediction.filter(image_id__in=image_ids).annotate(first=Min("id")).group_by("image_id")
    known = dict(await judged.values_list("image_id", "first"))
    changes = FindingChange.filter(image_id__in=image_ids).order_by("id")
    known |= dict(await changes.values_list("image_id", "prediction_id"))
    found = await Prediction.filter(id__in=list(known.values())).only(*TOLD)
    return {prediction.image_id: prediction for prediction in found}


async def _note(deployment: Deployment, prediction: Prediction, previous: Prediction) -> None:
    change = await FindingChange.create(
        image_id=prediction.image_id,
        deployment_id=deployment.id,
        prediction_id=prediction.id,
        previous_id=previous.id,
    )
    current = await lookups.deployment()
    if current is None or current.id != deployment.id:  # told now, it would come after what is true since
        raise Overtaken
    image = await Image.get(id=prediction.image_id).only("owner_id")
    await record(FindingChanged(change.id, prediction.image_id, image.owner_id))
