"""Uploading, changing and deleting images, and labelling them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated

import strawberry

from schema import ids
from schema.arguments import OMITTED, given
from schema.context import Info
from schema.errors import UserError, user_errors
from schema.fields import mutation
from schema.images import Image, Label
from schema.models import RetrainingStatus
from schema.payloads import Payload
from schema.scalars import Upload
from services.uploads import MAX_FILES, MAX_WAIT_SECONDS, Details, Outcome
from store import tables

FILES = ("input", "files")


@strawberry.input(description="Files, and what is known of them.")
class UploadImagesInput:
    files: list[Upload] = strawberry.field(
        description=f"At most {MAX_FILES}: PNG, JPEG, WebP, TIFF, BMP or DICOM, each of at most 32 MB."
    )
    patient_ref: str | None = strawberry.field(
        default=OMITTED,
        description="Pseudonymous patient reference, for all the files; at most 100 characters.",
    )
    label: tables.Finding | None = strawberry.field(
        default=OMITTED, description="The ground truth, where it is known already, for all the files."
    )
    evidence: tables.Evidence | None = strawberry.field(
        default=OMITTED, description="What the label rests on; UNSTATED where left out."
    )
    wait_seconds: int = strawberry.field(
        default=0,
        description="Wait at most this long for the predictions before answering (scripts); "
        f"0 answers at once, {MAX_WAIT_SECONDS} is the longest.",
    )


@strawberry.type(description="What became of one file: an image, the image that it repeats, or errors.")
class UploadResult:
    filename: str = strawberry.field(description="The file's name, without its folder.")
    image: Image | None = strawberry.field(description="The new image; null for a repeated or a bad file.")
    duplicate_of: Image | None = strawberry.field(
        description="The image that you have uploaded before with the very same bytes. Where it could not be "
        "judged for a fault of the platform, that is tried again."
    )
    errors: list[UserError] = strawberry.field(description="What is wrong with this file.")

    @classmethod
    def of(cls, place: int, outcome: Outcome, now: Mapping[int, tables.Image]) -> UploadResult:
        """The result of the file at this place of the list; ``now`` has the images as they are by now."""

        def show(row: tables.Image | None) -> Image | None:
            return Image.of(now.get(row.id, row)) if row else None

        return cls(
            filename=outcome.filename,
            image=show(outcome.image),
            duplicate_of=show(outcome.duplicate_of),
            errors=user_errors((replace(problem, field=str(place)) for problem in outcome.problems), *FILES),
        )


@strawberry.type(description="What became of the upload as a whole.")
class UploadImagesPayload(Payload):
    results: list[UploadResult] = strawberry.field(
        default_factory=list,
        description="One entry a file, in order: a bad file never takes the good ones down with it.",
    )


@strawberry.input(description="A change of an image.")
class UpdateImageInput:
    id: strawberry.ID = strawberry.field(description="The image's id.")
    filename: str | None = strawberry.field(
        default=OMITTED,
        description="The new name, at most 255 characters; null or left out, it stays as it is.",
    )
    patient_ref: str | None = strawberry.field(
        default=OMITTED,
        description="The new patient reference; null clears it, and left out, it stays as it is.",
    )


@strawberry.type(description="What became of the change.")
class UpdateImagePayload(Payload):
    image: Image | None = strawberry.field(default=None, description="The image as it is now.")


@strawberry.input(description="Which image to delete.")
class DeleteImageInput:
    id: strawberry.ID = strawberry.field(description="The image's id.")


@strawberry.type(description="What became of the deletion.")
class DeleteImagePayload(Payload):
    deleted_id: strawberry.ID | None = strawberry.field(
        default=None, description="The id of the image that is no more."
    )


@strawberry.input(description="A new entry in the ledger of ground truth.")
class SubmitLabelInput:
    image_id: strawberry.ID = strawberry.field(description="The image's id.")
    finding: tables.Finding = strawberry.field(description="What the image shows in truth.")
    evidence: tables.Evidence | None = strawberry.field(
        default=OMITTED, description="What that rests on; UNSTATED where left out."
    )


@strawberry.type(description="What became of the label.")
class SubmitLabelPayload(Payload):
    label: Label | None = strawberry.field(default=None, description="The new entry.")
    retraining: RetrainingStatus | None = strawberry.field(
        default=None, description="How near the next retraining is with it."
    )


@strawberry.type
class ImageMutations:
    @mutation(
        "Upload images, one or many, as multipart requests do. Their predictions follow: hear of them by "
        "`predictionMade`, or wait for them here. RATE_LIMITED, with `retryAfter`, while as many images as "
        "the operator allows wait to be judged; what was taken is judged all the same."
    )
    async def upload_images(
        self,
        info: Info,
        input: Annotated[UploadImagesInput, strawberry.argument(description="The files, and what is known.")],
    ) -> UploadImagesPayload:
        platform, viewer = info.context.platform, info.context.viewer
        details = Details(
            given(input.patient_ref), given(input.label), given(input.evidence), input.wait_seconds
        )
        outcomes = await platform.uploads.upload(viewer, input.files, details)
        rows = [row for outcome in outcomes if (row := outcome.image or outcome.duplicate_of)]
        now = await platform.images.find(viewer, [row.id for row in rows])
        return UploadImagesPayload(
            results=[UploadResult.of(place, outcome, now) for place, outcome in enumerate(outcomes)]
        )

    @mutation("Change what is known of an image.")
    async def update_image(
        self,
        info: Info,
        input: Annotated[UpdateImageInput, strawberry.argument(description="Which, and what.")],
    ) -> UpdateImagePayload:
        images, image_id = info.context.platform.images, ids.row_of(input.id, "Image")
        # An empty reference clears it, as null does.
        patient_ref = None if input.patient_ref is OMITTED else input.patient_ref or ""
        row = await images.update(info.context.viewer, image_id, given(input.filename), patient_ref)
        return UpdateImagePayload(image=Image.of(row))

    @mutation(
        "Delete an image with its pixels, predictions and labels. Of one that was kept for judging models or "
        "may have taught one, a hash and a fingerprint stay, so that its picture never changes sides."
    )
    async def delete_image(
        self, info: Info, input: Annotated[DeleteImageInput, strawberry.argument(description="Which.")]
    ) -> DeleteImagePayload:
        image_id = ids.row_of(input.id, "Image")
        await info.context.platform.images.delete(info.context.viewer, image_id)
        return DeleteImagePayload(deleted_id=input.id)

    @mutation("Say what an image shows in truth. A correction is a new label; the old one is kept.")
    async def submit_label(
        self,
        info: Info,
        input: Annotated[SubmitLabelInput, strawberry.argument(description="Which image, and what.")],
    ) -> SubmitLabelPayload:
        platform, viewer = info.context.platform, info.context.viewer
        image_id = ids.row_of(input.image_id, "Image")
        label = await platform.labelling.submit(viewer, image_id, input.finding, given(input.evidence))
        status = await platform.retraining.status(viewer)
        return SubmitLabelPayload(label=Label.of(label), retraining=RetrainingStatus.of(status))
