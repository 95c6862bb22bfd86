"""A copy of all that is somebody's own, to take along."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

from tortoise.queryset import QuerySet

from services import contact, tallies
from services.archive import Archive
from services.export_words import README
from services.keys import pixels_key
from services.letters import language_of
from services.links import Asked, Links
from services.outbox import Outbox
from services.permissions import member
from services.throttle import Rate
from services.trail import note
from services.viewers import Viewers
from store.blobs import Blobs
from store.tables import Image, Label, NewsPost, Prediction, Token, TokenPurpose, TrailEntry, TrailKind, User

T = TypeVar("T", Image, Label, NewsPost, TrailEntry)

EXPORTS = Rate(6, 3600)
"""Addresses that a user may ask for."""
DOWNLOADS = Rate(12, 3600)
"""Of what is behind them, since each costs all of the user's pictures."""
AT_ONCE = 100
ENDINGS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}


@dataclass(frozen=True)
class Export:
    """The use case of taking one's own along."""

    outbox: Outbox
    blobs: Blobs
    links: Links
    viewers: Viewers

    async def address(self, viewer: User | None) -> str:
        """Where the viewer's copy is to be had, for a quarter of an hour.

        Raises:
            TooMany: the viewer has asked often lately.
        """
        viewer = member(viewer)
        await tallies.take(f"export of {viewer.id}", EXPORTS)
        await self.outbox.commit(partial(note, TrailKind.ACCOUNT_EXPORTED, viewer, User=viewer.id))
        return self.links.export(viewer)

    async def open(self, asked: Asked) -> AsyncGenerator[bytes] | None:
        """The copy, a zip file in parts; None where the address is no good, or the user is out.

        Raises:
            TooMany: it has been had often lately.
        """
        user = await self.viewers.find("exports", asked)
        if user is None:
            return None
        await tallies.take(f"download of {user.id}", DOWNLOADS)
        return self._written(user)

    async def _written(self, user: User) -> AsyncGenerator[bytes]:
        archive = Archive()
        yield await archive.add("README.txt", README[language_of(user.locale)].encode())
        there: set[int] = set()
        async for image in _rows(Image.filter(owner_id=user.id)):
            (data,) = await self.blobs.get_all([pixels_key(image.key)])
            if data is not None:
                there.add(image.id)
                yield await archive.add(_picture(image), data, compress=False)
        lists = {
            "account.json": _account(user),
            "images.json": _images(user, there),
            "labels-of-others-images.json": _labels_elsewhere(user),
            "sessions.json": _sessions(user),
            "messages.json": _messages(user),
            "news.json": _news(user),
            "trail.json": _trail(user),
        }
        for name, rows in lists.items():
            async for part in archive.add_json(name, rows):
                yield part
        yield archive.end()


async def _rows(wanted: QuerySet[T]) -> AsyncIterator[T]:
    """All rows, the oldest first, some at a time; what is deleted meanwhile is left out."""
    last = 0
    while rows := await wanted.filter(id__gt=last).order_by("id").limit(AT_ONCE):
        for row in rows:
            yield row
        last = rows[-1].id


def _picture(image: Image) -> str:
    return f"pictures/{image.id}.{ENDINGS.get(image.media_type, 'bin')}"


async def _account(user: User) -> AsyncIterator[dict[str, Any]]:
    yield {
        "email": user.email,
        "name": user.name,
        "role": user.role.value,
        "language": user.locale,
        "email confirmed": _moment(user.email_verified_at),
        "second factor since": _moment(user.second_factor_at),
        "signed up": _moment(user.created_at),
        "exported": _moment(datetime.now(UTC)),
    }


async def _images(user: User, there: set[int]) -> AsyncIterator[dict[str, Any]]:
    async for image in _rows(Image.filter(owner_id=user.id)):
        predictions = await Prediction.filter(image_id=image.id).order_by("id").select_related("model")
        labels = await Label.filter(image_id=image.id).order_by("id").prefetch_related("used_in")
        yield {
            "id": image.id,
            "picture": _picture(image) if image.id in there else None,
            "filename": image.filename,
            "sha256": image.sha256,
            "bytes": image.size,
            "width": image.width,
            "height": image.height,
            "patient": image.patient_ref,
            "uploaded": _moment(image.uploaded_at),
            "kept for judging models": image.holdout,
            "view": image.view.value if image.view else None,
            "failure": image.failure,
            "predictions": [_prediction(one) for one in predictions],
            "labels": [_label(one) | {"by you": one.submitted_by_id == user.id} for one in labels],
        }


def _prediction(one: Prediction) -> dict[str, Any]:
    return {
        "model": one.model.number,
        "finding": one.finding.value if one.finding else None,
        "probability": one.probability,
        "abstained": one.abstained.value if one.abstained else None,
        "made": _moment(one.created_at),
    }


def _label(one: Label) -> dict[str, Any]:
    return {
        "finding": one.finding.value,
        "evidence": one.evidence.value,
        "submitted": _moment(one.created_at),
        "withdrawn": _moment(one.withdrawn_at),
        "taught models": sorted(model.number for model in one.used_in),
    }


async def _labels_elsewhere(user: User) -> AsyncIterator[dict[str, Any]]:
    """What an administrator said of others' images, which are theirs: of these the number alone."""
    given = Label.filter(submitted_by_id=user.id).exclude(image__owner_id=user.id)
    async for one in _rows(given.prefetch_related("used_in")):
        yield {"image": one.image_id} | _label(one)


async def _sessions(user: User) -> AsyncIterator[dict[str, Any]]:
    for one in await Token.live_of(user.id, TokenPurpose.SESSION, datetime.now(UTC)):
        yield {"began": _moment(one.created_at), "ends": _moment(one.expires_at), "browser": one.client}


async def _messages(user: User) -> AsyncIterator[dict[str, Any]]:
    for one in await contact.sent_from(user):
        told = {"name": one.name, "email": one.email, "subject": one.subject, "message": one.body}
        yield told | {"received": _moment(one.received_at)}


async def _news(user: User) -> AsyncIterator[dict[str, Any]]:
    async for one in _rows(NewsPost.filter(author_id=user.id)):
        yield {"title": one.title, "body": one.body, "published": _moment(one.published_at)}


async def _trail(user: User) -> AsyncIterator[dict[str, Any]]:
    async for one in _rows(TrailEntry.filter(actor_id=user.id)):
        told = {"at": _moment(one.at), "kind": one.kind, "subjects": one.subjects}
        yield told | {"value": one.value, "reason": one.reason}


def _moment(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat() if at else None
