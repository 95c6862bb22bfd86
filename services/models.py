"""Model versions: which one serves, which one served, and putting another in service."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from tortoise.exceptions import IntegrityError

from events.messages import ModelPromoted
from services import lookups, reasons
from services.errors import Checks, Code, Refused, refuse
from services.inference import Head, Inference, Serving
from services.keys import model_key
from services.outbox import Outbox, record
from services.permissions import admin
from services.trail import note
from store import clock
from store.blobs import BlobMissing, Blobs
from store.pages import Page, Window, page
from store.tables import BESIDES_RECORD, Deployment, ModelState, ModelVersion, TrailKind, User

NONE_YET = "no model has been put in service: the first start installs one"

logger = logging.getLogger(__name__)


class ModelFileLost(Exception):
    """A model's file is gone, or is not the one that was stored."""


@dataclass(frozen=True)
class NewModel:
    """What is recorded of a freshly trained model."""

    data: bytes
    backbone: str
    head: str
    extractor: str
    trained_on: int
    evaluation: dict[str, Any]
    verdict: str
    record: dict[str, Any] | None = None
    """What its making found; see `services.model_record`."""


@dataclass(frozen=True)
class Models:
    """The use cases around model versions."""

    outbox: Outbox
    blobs: Blobs
    inference: Inference
    load_head: Callable[[bytes], Head]

    async def in_service(self) -> ModelVersion:
        """The model in service; open to everyone.

        Raises:
            RuntimeError: there is none yet.
        """
        found = await lookups.model_in_service()
        if found is None:
            raise RuntimeError(NONE_YET)
        return found

    async def at(self, viewer: User | None, moment: datetime) -> ModelVersion | None:
        """The model that served at a moment; for administrators."""
        admin(viewer)
        deployment = await Deployment.at(moment).select_related("model")
        return deployment.model if deployment else None

    async def page(self, viewer: User | None, window: Window) -> Page[ModelVersion]:
        """All versions, newest first, without their records; for administrators."""
        admin(viewer)
        return await page(ModelVersion.all().only(*BESIDES_RECORD), window)

    async def promote(self, viewer: User | None, model_id: int, reason: str) -> ModelVersion:
        """Puts any version in service: promotion by hand, and rollback.

        Raises:
            Refused: NOT_FOUND or CONFLICT, and REQUIRED or TOO_LARGE of the reason, all at once.
        """
        viewer, checks = admin(viewer), Checks()
        with checks:
            await self._check(model_id)
        with checks:
            reason = reasons.checked(reason)
        checks.end()
        try:
            await self.outbox.commit(lambda: deploy(model_id, reason, viewer))
        except IntegrityError as error:
            raise refuse(Code.CONFLICT, "another promotion came first: look again", "id") from error
        await self.refresh()
        return await ModelVersion.get(id=model_id)

    async def refresh(self) -> bool:
        """Put in service here what the database says is in service; whether that changed anything.

        What reads features that are not made here serves where another server put it in service; this one
        goes on with what it has.

        Raises:
            ModelFileLost: the model's file is gone or is another.
        """
        deployment = await in_force()
        if self.inference.deployment >= deployment.number:
            return False
        model = await ModelVersion.get(id=deployment.model_id)
        if self.inference.deployment and not self._can_serve(model):
            logger.warning("model %d reads features that are not made here", model.number)
            return False
        self.inference.put_in_service(Serving(model.id, deployment.number, await self.load(model)))
        return True

    async def is_current(self) -> bool:
        """Whether what serves here is what the database says is in service."""
        return self.inference.deployment == (await in_force()).number

    def _can_serve(self, model: ModelVersion) -> bool:
        return model.extractor == self.inference.extractor.name

    async def _check(self, model_id: int) -> None:
        """A version of another network, or whose file is gone or altered, is not put in service."""
        model = await ModelVersion.get_or_none(id=model_id)
        if model is None:
            raise refuse(Code.NOT_FOUND, "there is no such model", "id")
        if model.state is ModelState.IN_SERVICE:
            raise _serves_already()
        if not self._can_serve(model):
            raise refuse(Code.CONFLICT, "this model reads features that are not made here now", "id")
        try:
            await self.load(model)
        except ModelFileLost as error:
            raise refuse(Code.CONFLICT, "the file of this model is missing or damaged", "id") from error

    async def load(self, model: ModelVersion) -> Head:
        """The head of a version, on the device.

        Raises:
            ModelFileLost: the model's file is gone or is another.
        """
        data = await file_of(model, self.blobs)
        return await self.inference.compute(partial(self.load_head, data))

    async def install(self, default: NewModel) -> None:
        """Put the default model in service where there is none yet, or none that this network can serve.

        Where models of this network have served before, it is the last of these: it may have learned more.
        """
        await self._complete(default)
        current = await lookups.model_in_service()
        if current is not None and self._can_serve(current):
            return
        if current is not None and (known := await self._last_of_this_network()):
            with suppress(IntegrityError, Refused):  # another process was faster
                await self.outbox.commit(lambda: deploy(known.id, "The network that it reads is back.", None))
            return
        sha256 = await self.keep(default)

        async def first() -> None:
            model = await create(default, sha256, ModelState.IN_SERVICE)
            await Deployment.create(number=1, model=model, reason=default.verdict, since=await clock.now())
            await note(TrailKind.MODEL_PROMOTED, None, ModelVersion=model.id)

        async def instead() -> None:
            model = await create(default, sha256, ModelState.CANDIDATE)
            await deploy(model.id, "The model in service read features that are made no more.", None)

        with suppress(IntegrityError):  # another process was faster
            await self.outbox.commit(instead if current else first)

    async def _complete(self, default: NewModel) -> None:
        """Add to the record of the default model, where it is there, what records have come to keep since."""
        sha256 = hashlib.sha256(default.data).hexdigest()
        for model in await ModelVersion.filter(sha256=sha256):
            known = model.record or {}
            if default.record and not default.record.keys() <= known.keys():
                await ModelVersion.filter(id=model.id).update(record=default.record | known)

    async def _last_of_this_network(self) -> ModelVersion | None:
        """The model that served last of those that can serve; None without one whose file is there."""
        name = self.inference.extractor.name
        deployments = Deployment.filter(model__extractor=name).order_by("-number")
        last = await deployments.first().select_related("model")
        if last is None:
            return None
        try:
            await self.load(last.model)
        except ModelFileLost:
            return None
        return last.model

    async def keep(self, model: NewModel) -> str:
        """Store a model's file ahead of its row, once it is seen to load; its SHA-256."""
        await self.inference.compute(partial(self.load_head, model.data))
        sha256 = hashlib.sha256(model.data).hexdigest()
        await self.blobs.put(model_key(sha256), model.data)
        return sha256


async def file_of(model: ModelVersion, blobs: Blobs) -> bytes:
    """The file of a version, as it was stored.

    Raises:
        ModelFileLost: it is gone or is another.
    """
    try:
        data = await blobs.get(model.key)
    except BlobMissing as error:
        raise ModelFileLost(f"the file of model {model.number}, {model.key}, is missing") from error
    if hashlib.sha256(data).hexdigest() != model.sha256:
        raise ModelFileLost(
            f"the file of model {model.number}, {model.key}, is damaged: its SHA-256 is another"
        )
    return data


async def create(model: NewModel, sha256: str, state: ModelState) -> ModelVersion:
    """The row of a new version, within the transaction under way."""
    newest = await ModelVersion.all().order_by("-number").first()
    return await ModelVersion.create(
        number=newest.number + 1 if newest else 1,
        state=state,
        backbone=model.backbone,
        head=model.head,
        extractor=model.extractor,
        key=model_key(sha256),
        sha256=sha256,
        trained_on=model.trained_on,
        evaluation=model.evaluation,
        verdict=model.verdict,
        record=model.record,
    )


async def deploy(model_id: int, reason: str, decided_by: User | None) -> None:
    """Put a version in service and tell of it, within the transaction under way.

    Raises:
        Refused: CONFLICT, where it serves already.
        IntegrityError: another promotion committed first.
    """
    await ModelVersion.filter(id=model_id).update(state=ModelState.IN_SERVICE)
    current = await in_force()
    if current.model_id == model_id:
        raise _serves_already()
    await ModelVersion.filter(id=current.model_id).update(state=ModelState.RETIRED)
    await Deployment.create(
        number=current.number + 1,
        model_id=model_id,
        reason=reason,
        decided_by=decided_by,
        since=await clock.now(),
    )
    await record(ModelPromoted(model_id, current.model_id))
    # The gate's reason is its verdict, which stands with the model.
    await note(TrailKind.MODEL_PROMOTED, decided_by, reason if decided_by else None, ModelVersion=model_id)


def _serves_already() -> Refused:
    return refuse(Code.CONFLICT, "this model is in service already", "id")


async def in_force() -> Deployment:
    """The deployment whose model serves now.

    Raises:
        RuntimeError: there is none yet.
    """
    deployment = await lookups.deployment()
    if deployment is None:
        raise RuntimeError(NONE_YET)
    return deployment
