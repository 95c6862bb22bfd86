"""How well a model version does: at home, elsewhere, and where only the picture changes, not the disease."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import strawberry

from services import audit

T = TypeVar("T")


@strawberry.type(description="A figure with its 95% interval, each from 0 to 1.")
class Estimate:
    value: float = strawberry.field(description="The figure itself.")
    low: float = strawberry.field(description="Lower end of the interval.")
    high: float = strawberry.field(description="Upper end of the interval.")


@strawberry.type(description="How well a model version does on images that it has never learned from.")
class Evaluation:
    sensitivity: Estimate = strawberry.field(description="Share of the COVID images that it finds.")
    specificity: Estimate = strawberry.field(description="Share of the other images that it lets pass.")
    auc: Estimate = strawberry.field(description="Area under the receiver operating characteristic curve.")
    calibration_error: float = strawberry.field(
        description="Expected calibration error: how far its probabilities lie from the frequencies, 0..1."
    )
    positives: int = strawberry.field(description="COVID images that it was judged on.")
    negatives: int = strawberry.field(description="Other images that it was judged on.")

    @classmethod
    def of(cls, figures: dict[str, Any]) -> Evaluation:
        """The evaluation kept with a version; see `ml.evaluation.Evaluation`."""
        return cls(
            sensitivity=Estimate(**figures["sensitivity"]),
            specificity=Estimate(**figures["specificity"]),
            auc=Estimate(**figures["auc"]),
            calibration_error=figures["calibration_error"],
            positives=figures["positives"],
            negatives=figures["negatives"],
        )


@strawberry.type(description="A point of an ROC curve: what a model reaches at one threshold.")
class RocPoint:
    specificity: float = strawberry.field(description="Share of the other images that it lets pass.")
    sensitivity: float = strawberry.field(description="Share of the COVID images that it finds.")


@strawberry.type(description="Images to which a model gives much the same probability.")
class CalibrationBin:
    probability: float = strawberry.field(description="The mean of what it gives them.")
    frequency: Estimate = strawberry.field(description="The share of them that show COVID.")
    images: int = strawberry.field(description="How many they are.")


@strawberry.type(description="What lies behind the figures of an `Evaluation`, on the same images.")
class Curves:
    roc: list[RocPoint] = strawberry.field(
        description="The corners of the ROC curve, at most 200, from the highest threshold to the lowest."
    )
    calibration: list[CalibrationBin] = strawberry.field(
        description="By tenths of the probability, from 0 to 1; those that hold no image are left out."
    )

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Curves:
        """What a record keeps; see `services.model_record`."""
        roc = found["roc"]
        return cls(
            roc=[
                RocPoint(specificity=specificity, sensitivity=sensitivity)
                for specificity, sensitivity in zip(roc["specificity"], roc["sensitivity"], strict=True)
            ],
            calibration=[_with_estimates(CalibrationBin, one) for one in found["calibration"]],
        )


@strawberry.type(description="What a head reached at a site that had not taught it.")
class Elsewhere:
    taught_by: list[str] = strawberry.field(description="The sources of the images that taught it.")
    shown: list[str] = strawberry.field(description="The sources of those that it was shown.")
    positives: int = strawberry.field(description="COVID images that it was shown.")
    negatives: int = strawberry.field(description="Other images that it was shown.")
    sensitivity: Estimate | None = strawberry.field(description="Null where no image shows COVID.")
    specificity: Estimate | None = strawberry.field(description="Null where all images do.")
    auc: Estimate | None = strawberry.field(description="Null where one of the classes is not there.")

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Elsewhere:
        """What a record keeps; see `services.elsewhere.Elsewhere`."""
        figures = found["figures"]
        return cls(
            taught_by=found["taught_by"],
            shown=found["shown"],
            positives=figures["positives"],
            negatives=figures["negatives"],
            sensitivity=_estimate(figures["sensitivity"]),
            specificity=_estimate(figures["specificity"]),
            auc=_estimate(figures["auc"]),
        )


@strawberry.type(description="What becomes of findings when pictures are changed and their disease is not.")
class AuditChange:
    name: str = strawberry.field(description="What was changed; the first one is nothing.")
    auc: Estimate = strawberry.field(description="Area under the curve after the change.")
    changed: Estimate = strawberry.field(
        description="Share of findings that are others, or are left open where they were not, or the reverse."
    )
    reversed: Estimate = strawberry.field(description="Share of findings that are the opposite.")
    refused: Estimate | None = strawberry.field(
        default=None,
        description="Share of the pictures that it refuses as no chest X-rays, whatever its head says; null "
        "where this was not recorded, or where it refuses nothing.",
    )


@strawberry.type(description="How well the features that the model reads tell two sources apart.")
class SourcesTold:
    label: str = strawberry.field(description="Among images of this label.")
    sources: list[str] = strawberry.field(description="The two.")
    images: int = strawberry.field(description="Images of both.")
    auc: Estimate = strawberry.field(description="One half is not at all.")


@strawberry.type(description="The shortcut audit of a model version.")
class Audit:
    films: int = strawberry.field(description="Images of the base set's holdout that were changed.")
    changes: list[AuditChange] = strawberry.field(description="What became of the findings.")
    sources_told: list[SourcesTold] = strawberry.field(description="What the features say of the source.")
    border: Estimate = strawberry.field(description="Area under the curve where the chest is greyed out.")
    border_limit: float = strawberry.field(description="Above this the finding follows the border.")
    follows_border: bool = strawberry.field(description="Whether it does.")
    verdict: str = strawberry.field(description="The same in a sentence.")

    @classmethod
    def of(cls, head: str, found: Mapping[str, Any]) -> Audit:
        """What a record keeps; see `services.version_audit`."""
        border = audit.border_of(found)
        return cls(
            films=found["altered"],
            changes=[_with_estimates(AuditChange, change) for change in found["changes"]],
            sources_told=[_with_estimates(SourcesTold, told) for told in found["told"]],
            border=Estimate(**vars(border.auc)),
            border_limit=found["border_limit"],
            follows_border=found["follows_border"],
            verdict=audit.verdict(head, border),
        )


def _with_estimates(kind: type[T], plain: Mapping[str, Any]) -> T:
    """An object of a kind whose figures are plain numbers still."""
    return kind(
        **{name: Estimate(**value) if isinstance(value, dict) else value for name, value in plain.items()}
    )


def _estimate(plain: Mapping[str, float] | None) -> Estimate | None:
    return Estimate(**plain) if plain else None
