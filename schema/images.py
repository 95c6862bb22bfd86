"""Images, what models say of them, and what people know of them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import strawberry

from schema import ids
from schema.arguments import OMITTED
from schema.connections import After, Before, Connection, First, Last, connection, cut, window_of
from schema.context import Info
from schema.enums import describe
from schema.fields import field
from schema.models import ModelVersion
from schema.node import Node, present
from schema.people import User
from services.heatmaps import has_heatmap
from services.labelling import in_conflict
from services.permissions import is_admin
from store import tables


class PredictionState(StrEnum):
    PENDING = "PENDING"
    READY = "READY"
    FAILED = "FAILED"


describe(
    PredictionState,
    "How far the model in service is with an image.",
    PENDING="It has not come to it yet; `predictionMade` will tell.",
    READY="There is a prediction.",
    FAILED="The image could not be judged; `failure` tells why.",
)


@strawberry.type(description="An uploaded radiograph. Its owner and administrators see it, and nobody else.")
class Image(Node):
    filename: str = strawberry.field(description="The file's name as uploaded, without its folder.")
    sha256: str = strawberry.field(description="SHA-256 of the file as uploaded, in hexadecimal.")
    width: int = strawberry.field(description="Pixels across, upright.")
    height: int = strawberry.field(description="Pixels down, upright.")
    patient_ref: str | None = strawberry.field(
        description="Pseudonymous patient reference, given by the uploader; "
        "images of one patient never straddle training and holdout."
    )
    uploaded_at: datetime = strawberry.field(description="When it was uploaded.")
    failure: str | None = strawberry.field(
        description="Why no prediction could be made, if so. After a fault of the platform it is tried "
        "again: at its start, every hour, after a promotion and when the file is uploaded again."
    )
    label_reason: str | None = strawberry.field(
        description="Why it is where it is in `labelQueue`, and what its label would do; null elsewhere."
    )
    row: strawberry.Private[tables.Image]

    @classmethod
    def of(cls, row: tables.Image, label_reason: str | None = None) -> Image:
        """The image of a row, and why it is in the label queue where it is shown there."""
        return cls(
            id=ids.encode("Image", row.id),
            filename=row.filename,
            sha256=row.sha256,
            width=row.width,
            height=row.height,
            patient_ref=row.patient_ref,
            uploaded_at=row.uploaded_at,
            failure=row.failure,
            label_reason=label_reason,
            row=row,
        )

    @field("Who uploaded it.")
    async def uploaded_by(self, info: Info) -> User:
        return User.of(present(await info.context.loaders.users.load(self.row.owner_id)))

    @field(
        "Address of all the pixels, upright (PNG, written anew of them), for whoever holds it: good for a "
        "quarter of an hour, while the viewer is signed in and may see the image."
    )
    def url(self, info: Info) -> str:
        return info.context.platform.links.image(info.context.viewer, self.row.id)

    @field(
        "Address of the picture in small (JPEG, its longer side at most 320 pixels), good for as long; made "
        "when it is first asked for."
    )
    def thumbnail_url(self, info: Info) -> str:
        return info.context.platform.links.thumbnail(info.context.viewer, self.row.id)

    @field("Whether the prediction below is there yet.")
    async def prediction_state(self, info: Info) -> PredictionState:
        if await info.context.loaders.current_predictions.load(self.row.id):
            return PredictionState.READY
        return PredictionState.PENDING if self.row.failure is None else PredictionState.FAILED

    @field("The prediction of the model in service now; null until it is made.")
    async def prediction(self, info: Info) -> Prediction | None:
        row = await info.context.loaders.current_predictions.load(self.row.id)
        return Prediction.of(row) if row else None

    @field("What every model that saw the image said of it, newest first.")
    async def predictions(
        self,
        info: Info,
        first: First = OMITTED,
        after: After = OMITTED,
        last: Last = OMITTED,
        before: Before = OMITTED,
    ) -> Connection[Prediction]:
        window = window_of(first, after, last, before)
        rows = await info.context.loaders.prediction_histories.load(self.row.id)
        return connection(cut(rows, window), Prediction.of)

    @field("When a promotion last changed its finding, and from what; null where it has stayed.")
    async def finding_change(self, info: Info) -> FindingChange | None:
        row = await info.context.loaders.finding_changes.load(self.row.id)
        return FindingChange.of(row) if row else None

    @field("The ground truth that counts now, if any: by evidence first, then an admin's, then the newest.")
    async def label(self, info: Info) -> Label | None:
        row = await info.context.loaders.counting_labels.load(self.row.id)
        return Label.of(row) if row else None

    @field(
        "Whether people contradict one another, by the strongest evidence that there is. Until stronger "
        "evidence or an admin's label settles it, the image neither teaches nor judges models."
    )
    async def label_conflict(self, info: Info) -> bool:
        return in_conflict(await info.context.loaders.label_histories.load(self.row.id))

    @field("Every label that was ever submitted, newest first.")
    async def labels(
        self,
        info: Info,
        first: First = OMITTED,
        after: After = OMITTED,
        last: Last = OMITTED,
        before: Before = OMITTED,
    ) -> Connection[Label]:
        window = window_of(first, after, last, before)
        rows = await info.context.loaders.label_histories.load(self.row.id)
        return connection(cut(rows, window), Label.of)


@strawberry.type(
    description="What one model said of one image; it never changes. For research, not for diagnosis."
)
class Prediction(Node):
    finding: tables.Finding | None = strawberry.field(
        description="What the image shows; null when the system abstains."
    )
    probability: float = strawberry.field(description="Calibrated probability of COVID, 0..1.")
    abstained: tables.AbstainReason | None = strawberry.field(description="Why there is no finding, if so.")
    distance: float | None = strawberry.field(
        description="How far the picture lies from the chests that the model knows; real ones have mean 0 "
        "and deviation 1. Null of predictions from before it was kept, and of the paper's heads."
    )
    created_at: datetime = strawberry.field(description="When it was made.")
    row: strawberry.Private[tables.Prediction]

    @classmethod
    def of(cls, row: tables.Prediction) -> Prediction:
        """The prediction of a row."""
        return cls(
            id=ids.encode("Prediction", row.id),
            finding=row.finding,
            probability=row.probability,
            abstained=row.abstained,
            distance=row.distance,
            created_at=row.created_at,
            row=row,
        )

    @field(
        "Address of the Grad-CAM overlay (PNG); null where there is none. "
        "Good for as long as that of the pixels; drawn when it is first asked for."
    )
    def heatmap_url(self, info: Info) -> str | None:
        if not has_heatmap(self.row):
            return None
        return info.context.platform.links.heatmap(info.context.viewer, self.row.id)

    @field("The film's view, which tells why a turned film has no finding; null where none was made out.")
    async def view(self, info: Info) -> tables.FilmView | None:
        return present(await info.context.loaders.images.load(self.row.image_id)).view

    @field("The image that was judged.")
    async def image(self, info: Info) -> Image:
        return Image.of(present(await info.context.loaders.images.load(self.row.image_id)))

    @field("The model that judged.")
    async def model(self, info: Info) -> ModelVersion:
        return ModelVersion.of(present(await info.context.loaders.models.load(self.row.model_id)))


@strawberry.type(
    description="Another model was put in service, and finds something else in an image than its owner knew."
)
class FindingChange:
    changed_at: datetime = strawberry.field(description="When that was found.")
    row: strawberry.Private[tables.FindingChange]

    @classmethod
    def of(cls, row: tables.FindingChange) -> FindingChange:
        """The change of a row."""
        return cls(changed_at=row.created_at, row=row)

    @field("The prediction that counts since then.")
    async def prediction(self, info: Info) -> Prediction:
        loaders = info.context.loaders
        return Prediction.of(present(await loaders.visible_predictions.load(self.row.prediction_id)))

    @field("The one that the owner knew, of the finding that counted until then.")
    async def previous(self, info: Info) -> Prediction:
        loaders = info.context.loaders
        return Prediction.of(present(await loaders.visible_predictions.load(self.row.previous_id)))


@strawberry.type(description="One entry of the ledger of ground truth; a correction is a new entry.")
class Label(Node):
    finding: tables.Finding = strawberry.field(description="What the image shows in truth.")
    evidence: tables.Evidence = strawberry.field(description="What that rests on.")
    created_at: datetime = strawberry.field(description="When it was submitted.")
    withdrawn_at: datetime | None = strawberry.field(
        description="Since when it counts nowhere; null where it stands."
    )
    row: strawberry.Private[tables.Label]

    @classmethod
    def of(cls, row: tables.Label) -> Label:
        """The label of a row."""
        return cls(
            id=ids.encode("Label", row.id),
            finding=row.finding,
            evidence=row.evidence,
            created_at=row.created_at,
            withdrawn_at=row.withdrawn_at,
            row=row,
        )

    @field("The image that it tells of.")
    async def image(self, info: Info) -> Image:
        return Image.of(present(await info.context.loaders.images.load(self.row.image_id)))

    @field("Who submitted it.")
    async def submitted_by(self, info: Info) -> User:
        return User.of(present(await info.context.loaders.users.load(self.row.submitted_by_id)))

    @field("Who withdrew it; null where it stands, and for others than admins.")
    async def withdrawn_by(self, info: Info) -> User | None:
        if self.row.withdrawn_by_id is None or not is_admin(info.context.viewer):
            return None
        user = await info.context.loaders.users.load(self.row.withdrawn_by_id)
        return User.of(user) if user else None

    @field("Why it was withdrawn; null where it stands, and for others than admins.")
    def withdrawal_reason(self, info: Info) -> str | None:
        return self.row.withdrawal_reason if is_admin(info.context.viewer) else None

    @field("Model versions that were trained on this label.")
    async def used_in(self, info: Info) -> list[ModelVersion]:
        return [ModelVersion.of(row) for row in await info.context.loaders.models_taught.load(self.row.id)]
