"""Removing images with all that hangs on them, within a transaction; their blobs follow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from events.messages import ImageDeleted
from services.outbox import record_all
from services.trail import note
from store.tables import DeletedFilm, Image, Label, TrailKind, TrainingRun, User

AT_ONCE = 500
"""Images that one statement names: SQLite's variables have a bound, and so has what a reader waits for."""


async def locked(image: Image) -> bool:
    """Lock an image for the transaction under way; False where it is not as it was seen, or no more."""
    seen = Image.filter(id=image.id, features=image.features, holdout=image.holdout)
    return bool(await seen.update(sha256=image.sha256))  # changes nothing, but locks the row


async def remove_one(image: Image, by: User | None) -> None:
    """Remove a locked image, and note by whom: None is the platform."""
    await remove([image], may_teach=await TrainingRun.active() is not None)
    await note(TrailKind.IMAGE_DELETED, by, Image=image.id)


async def remove(images: Sequence[Image], may_teach: bool) -> None:
    """Remove these images, which are locked and as they were read, with their predictions and labels.

    ``may_teach`` tells whether a run under way may have begun to learn from those that have labels.
    """
    known = await _known_again(images, may_teach)
    await Image.filter(id__in=[image.id for image in images]).delete()
    await DeletedFilm.bulk_create(known)
    await record_all(ImageDeleted(image.key, image.features) for image in images)


async def remove_all_of(owner_id: int) -> int:
    """Remove every image of a user that no run under way learns from; how many there were."""
    count = 0
    while images := await Image.filter(owner_id=owner_id).order_by("id").limit(AT_ONCE).select_for_update():
        await remove(images, may_teach=False)
        count += len(images)
    return count


async def _known_again(images: Sequence[Image], may_teach: bool) -> list[DeletedFilm]:
    """What stays of images that judge models, have taught one, or may be teaching the run under way."""
    found = [image.id for image in images]
    taught = {image.id for image in await Image.having_taught().filter(id__in=found).only("id")}
    if may_teach:
        labelled = Label.filter(image_id__in=found, image__holdout=False)
        taught |= {label.image_id for label in await labelled.only("id", "image_id")}
    known = await DeletedFilm.filter(sha256__in=[image.sha256 for image in images])
    kept = {(film.sha256, film.taught) for film in known}
    return [film for film in _sides(images, taught) if (film.sha256, film.taught) not in kept]


def _sides(images: Sequence[Image], taught: set[int]) -> Iterator[DeletedFilm]:
    for image in images:
        picture = {"sha256": image.sha256, "fingerprint": image.fingerprint}
        if image.holdout:
            yield DeletedFilm(**picture, taught=False)
        if image.id in taught:
            yield DeletedFilm(**picture, taught=True)
