"""Model versions and training runs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import strawberry

from events.messages import TrainingProgressed
from schema import ids
from schema.context import Info
from schema.fields import field
from schema.figures import Audit, Curves, Elsewhere, Evaluation
from schema.node import Node
from schema.people import User
from schema.verdict import GateVerdict
from services import lookups, model_cards, renewal, retraining, run_words
from store import tables


@strawberry.type(description="One stretch of service of a model version.")
class Deployment:
    since: datetime = strawberry.field(description="When it went into service.")
    until: datetime | None = strawberry.field(
        description="When another took its place; null while it serves."
    )
    reason: str = strawberry.field(
        description="Why: what the administrator gave to `promoteModel`, or the gate's verdict."
    )
    row: strawberry.Private[tables.Deployment]

    @classmethod
    def of(cls, term: lookups.Term) -> Deployment:
        """The deployment of a row."""
        row = term.deployment
        return cls(since=row.since, until=term.until, reason=row.reason, row=row)

    @field("The administrator who decided; null where nobody did, but the gate or the first start.")
    async def decided_by(self, info: Info) -> User | None:
        if self.row.decided_by_id is None:
            return None
        user = await info.context.loaders.users.load(self.row.decided_by_id)
        return User.of(user) if user else None


@strawberry.type(description="Probabilities, both ends included, that a model leaves without a finding.")
class Band:
    low: float = strawberry.field(description="Its lower end, 0..1.")
    high: float = strawberry.field(description="Its upper end, 0..1.")


@strawberry.type(description="A trained classifier, with its figures and what was decided about it.")
class ModelVersion(Node):
    number: int = strawberry.field(description="Counts up from 1.")
    state: tables.ModelState = strawberry.field(description="Where it stands.")
    backbone: str = strawberry.field(
        description='The network that extracts features: "vgg16", unless the operator chose another.'
    )
    head: str = strawberry.field(description='The classifier proper: "A", "B" or "C" of the paper, or "D".')
    trained_on: int = strawberry.field(description="Images that it learned from.")
    verdict: str | None = strawberry.field(
        description="Why it was promoted or rejected, in one sentence; null until that is decided."
    )
    created_at: datetime = strawberry.field(description="When it had been trained.")
    row: strawberry.Private[tables.ModelVersion]

    @classmethod
    def of(cls, row: tables.ModelVersion) -> ModelVersion:
        """The version of a row."""
        return cls(
            id=ids.encode("ModelVersion", row.id),
            number=row.number,
            state=row.state,
            backbone=row.backbone,
            head=row.head,
            trained_on=row.trained_on,
            verdict=row.verdict,
            created_at=row.created_at,
            row=row,
        )

    @field("How well it does.")
    def evaluation(self) -> Evaluation:
        return Evaluation.of(self.row.evaluation)

    @field("The probability from which on its finding is COVID; null where this was not recorded.")
    async def threshold(self, info: Info) -> float | None:
        found: float | None = (await self._record(info)).get("method", {}).get("threshold")
        return found

    @field("Where it abstains as UNCERTAIN; null where it does so nowhere, or where this was not recorded.")
    async def band(self, info: Info) -> Band | None:
        found = (await self._record(info)).get("method", {}).get("band")
        return Band(low=found[0], high=found[1]) if found else None

    @field("Its ROC curve and its calibration; null where they were not recorded.")
    async def curves(self, info: Info) -> Curves | None:
        found = (await self._record(info)).get("curves")
        return Curves.of(found) if found else None

    @field("The verdict in numbers; null where no gate judged it.")
    async def gate(self, info: Info) -> GateVerdict | None:
        found = (await self._record(info)).get("verdict")
        return GateVerdict.of(found) if found else None

    @field(
        "What it reaches at sites that it has not seen, so far as is known: measured when the default "
        "model was made, on a head of the same kind that all sites but one had taught."
    )
    async def elsewhere(self, info: Info) -> list[Elsewhere]:
        return [Elsewhere.of(one) for one in (await self._record(info)).get("elsewhere", ())]

    @field(
        "Whether its findings follow the border, the file or the source in place of the disease. Null "
        "where it was not audited: its card says why. Of versions that never served for admins."
    )
    async def audit(self, info: Info) -> Audit | None:
        found = (await self._record(info)).get("audit", {})
        if not model_cards.may_read(info.context.viewer, self.row) or "changes" not in found:
            return None
        return Audit.of(self.head, found)

    @field(
        "The page that tells all that is known of it, from its data to its limits; with `.md` behind the "
        "number as Markdown. Of versions that never served for admins, an address good for a quarter of an "
        "hour while the viewer is a signed-in admin, and null for others."
    )
    def card_url(self, info: Info) -> str | None:
        return info.context.platform.cards.address(info.context.viewer, self.row)

    @field("Labels that taught it and that have been withdrawn since, for instance as a blocked user's.")
    async def withdrawn_labels(self, info: Info) -> int:
        return await info.context.loaders.withdrawn_labels.load(self.row.id) or 0

    @field("When it served, by whose decision and why, the latest first. For admins.")
    async def deployments(self, info: Info) -> list[Deployment]:
        return [Deployment.of(term) for term in await info.context.loaders.visible_terms.load(self.row.id)]

    async def _record(self, info: Info) -> dict[str, Any]:
        """How it was made: looked up where it is asked for, since most rows come without."""
        return await info.context.loaders.records.load(self.row.id) or {}


@strawberry.type(description="Labelled images that do not teach a run.")
class LeftOut:
    cause: tables.LeftOutCause = strawberry.field(description="Why.")
    images: int = strawberry.field(description="How many; each image is counted under one cause.")

    @classmethod
    def of(cls, counts: Mapping[str, int]) -> list[LeftOut]:
        """What is kept with a run, by cause."""
        return [cls(cause=cause, images=counts[cause]) for cause in tables.LeftOutCause if cause in counts]


@strawberry.type(description="One retraining, from the request to its outcome.")
class TrainingRun(Node):
    state: tables.RunState = strawberry.field(description="Where it stands.")
    trigger: tables.RunTrigger = strawberry.field(description="What began it.")
    labels: int = strawberry.field(description="New labels that it consumes.")
    epoch: int = strawberry.field(description="Epochs done.")
    epochs: int = strawberry.field(description="Epochs to do.")
    loss: float | None = strawberry.field(
        description="Training loss of the last epoch; null before the first."
    )
    losses: list[float | None] = strawberry.field(
        description="Training loss of each epoch done, in order; null where it has diverged. Empty of runs "
        "that ended before this was kept."
    )
    seconds_left: float | None = strawberry.field(
        description="Seconds until it is judged, calibration, gate and audit included, told from what its "
        "steps have taken so far and from the proportions of the run before. Null before the first epoch is "
        "done, and once it is judged."
    )
    left_out: list[LeftOut] | None = strawberry.field(
        description="How many labelled images do not teach it, by cause; null until it has gathered what "
        "does, and of runs that ended before this was kept."
    )
    error: str | None = strawberry.field(description="What went wrong, if it failed or was cancelled.")
    queued_at: datetime = strawberry.field(description="When it was asked for.")
    finished_at: datetime | None = strawberry.field(description="When it ended; null while it is under way.")
    row: strawberry.Private[tables.TrainingRun]

    @classmethod
    def of(cls, row: tables.TrainingRun, moment: TrainingProgressed | None = None) -> TrainingRun:
        """The run of a row, or as it stood at an event: replayed later, that shows what was true then."""
        left_out = row.left_out if moment is None else moment.left_out
        return cls(
            id=ids.encode("TrainingRun", row.id),
            state=row.state if moment is None else tables.RunState(moment.state),
            trigger=row.trigger,
            labels=row.label_count,
            epoch=row.epoch if moment is None else moment.epoch,
            epochs=row.epochs,
            loss=row.loss if moment is None else moment.loss,
            losses=(row.losses or [])[: None if moment is None else moment.epoch],
            seconds_left=retraining.seconds_left(row) if moment is None else moment.seconds_left,
            left_out=None if left_out is None else LeftOut.of(left_out),
            error=row.error,
            queued_at=row.queued_at,
            finished_at=row.finished_at,
            row=row,
        )

    @field("Who asked for it; null where the threshold did.")
    async def requested_by(self, info: Info) -> User | None:
        if self.row.requested_by_id is None:
            return None
        user = await info.context.loaders.users.load(self.row.requested_by_id)
        return User.of(user) if user else None

    @field("Why it stands where it does, in a sentence: at the end the gate's verdict, or what went wrong.")
    async def reason(self, info: Info) -> str:
        told = self.row.error
        if told is None and self.row.model_id is not None:
            model = await info.context.loaders.models.load(self.row.model_id)
            told = model.verdict if model else None
        counts = None if self.left_out is None else {one.cause.value: one.images for one in self.left_out}
        return run_words.reason(self.state, self.epoch, self.epochs, told, counts)

    @field("The version that came of it, whatever was decided about it.")
    async def model(self, info: Info) -> ModelVersion | None:
        if self.row.model_id is None:
            return None
        model = await info.context.loaders.models.load(self.row.model_id)
        return ModelVersion.of(model) if model else None


@strawberry.type(description="How far the features of all images are made by the network in service.")
class FeatureProgress:
    extractor: str = strawberry.field(description="The network, its weights and its preprocessing.")
    done: int = strawberry.field(description="Images whose features by it are stored.")
    failed: int = strawberry.field(description="Images that no features can be made of.")
    total: int = strawberry.field(description="All images: what is neither done nor failed is under way.")

    @classmethod
    def of(cls, progress: renewal.Progress) -> FeatureProgress:
        """The progress as GraphQL shows it."""
        return cls(
            extractor=progress.extractor, done=progress.done, failed=progress.failed, total=progress.total
        )


@strawberry.type(description="How near the next retraining is.")
class RetrainingStatus:
    new_labels: int = strawberry.field(description="Labels submitted since the last run took its labels.")
    threshold: int = strawberry.field(description="New labels that start a run by themselves.")
    run: TrainingRun | None = strawberry.field(description="The run that is queued or under way.")
    waits_for: str | None = strawberry.field(
        description="What the next automatic run waits for, in a sentence; null where it is due."
    )

    @classmethod
    def of(cls, status: retraining.Status) -> RetrainingStatus:
        """The status as GraphQL shows it."""
        run = TrainingRun.of(status.run) if status.run else None
        return cls(
            new_labels=status.new_labels, threshold=status.threshold, run=run, waits_for=status.waits_for
        )
