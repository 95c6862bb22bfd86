"""Drift: what comes in against what judged the model in service."""

from __future__ import annotations

from datetime import datetime

import strawberry

from ml.drift import FEWEST, HIGH, REASONS, Figures, Signal
from schema.context import Info
from schema.enums import describe
from schema.fields import field
from schema.models import ModelVersion
from schema.node import present
from services.drift import DAYS, MOST_PERIODS, Period, Report, Step
from services.drift_words import sentence
from store import tables

PERIODS = 13
"""A quarter, in weeks."""

describe(
    tables.DriftSignal,
    "What of the images that come in is held against what judged the model.",
    ABSTENTIONS="The share of images without a finding.",
    PROBABILITY="The mean probability of COVID.",
    DISTANCE="The mean distance of the features from known chests.",
    AGREEMENT="The share of findings that the labels confirm.",
)
describe(
    Step,
    "The length of a period.",
    name="DriftStep",
    DAY="A day, in UTC.",
    WEEK="A week, from Monday on, in UTC.",
)


@strawberry.type(description="Images without a finding, for one reason.")
class DriftAbstentions:
    reason: tables.AbstainReason = strawberry.field(description="Why.")
    images: int = strawberry.field(description="How many.")
    share: float | None = strawberry.field(description="Of all images, 0..1; null where there are none.")


@strawberry.type(
    description="What a model said of some images that have not taught it, in figures. Pictures that are "
    "taken for no chest X-rays are counted, and have no part in probability and distance."
)
class DriftFigures:
    images: int = strawberry.field(description="How many they are.")
    left_out: int = strawberry.field(
        description="Further images, left out since they taught the model, which is surer of these."
    )
    abstentions: float | None = strawberry.field(
        description="Share without a finding, 0..1; null where there are no images."
    )
    abstentions_by_reason: list[DriftAbstentions] = strawberry.field(description="The same by reason.")
    mean_probability: float | None = strawberry.field(description="Mean probability of COVID.")
    mean_distance: float | None = strawberry.field(
        description="Mean `distance` of the predictions, so far as it is known."
    )
    median_distance: float | None = strawberry.field(description="Its median. Null in `series`.")
    high_distance: float | None = strawberry.field(
        description=f"{HIGH:.0%} of the distances are no larger. Null in `series`."
    )
    labelled: int = strawberry.field(
        description="Images with a finding whose truth is known; of uploads by a label that nobody "
        "contradicts by equal evidence."
    )
    agreement: float | None = strawberry.field(
        description="Share of these whose finding is the truth, 0..1; null where there are none."
    )

    @classmethod
    def of(cls, found: Figures) -> DriftFigures:
        """The figures as GraphQL shows them."""
        counts = {reason: found.abstained.get(reason, 0) for reason in REASONS}
        by_reason = [
            DriftAbstentions(
                reason=tables.AbstainReason(reason),
                images=count,
                share=count / found.images if found.images else None,
            )
            for reason, count in counts.items()
        ]
        return cls(
            images=found.images,
            left_out=found.taught,
            abstentions=found.abstentions.value,
            abstentions_by_reason=by_reason,
            mean_probability=found.probability.value,
            mean_distance=found.distance.value,
            median_distance=found.median,
            high_distance=found.high,
            labelled=found.labelled,
            agreement=found.agreement.value,
        )


@strawberry.type(
    description="The last month less what judged the model, with its 99% interval: Newcombe's of shares, "
    "Welch's of means."
)
class DriftDifference:
    value: float = strawberry.field(description="The difference itself.")
    low: float = strawberry.field(description="Lower end of the interval.")
    high: float = strawberry.field(description="Upper end of the interval.")


@strawberry.type(description="One signal, then and now.")
class DriftComparison:
    signal: tables.DriftSignal = strawberry.field(description="Which one.")
    reference: float | None = strawberry.field(description="On the images that judged the model.")
    last_month: float | None = strawberry.field(
        description=f"On the images of the last {DAYS} days; null where there are none."
    )
    images: int = strawberry.field(description="How many of these it is of.")
    images_needed: int = strawberry.field(description="Fewer are not compared.")
    difference: DriftDifference | None = strawberry.field(
        description="Null where there is too little to compare, on one side or both; `sentence` says why."
    )
    margin: float = strawberry.field(description="Smaller differences are of no consequence.")
    differs: bool = strawberry.field(description="Whether the whole interval lies beyond the margin.")
    sentence: str = strawberry.field(description="All this in words, with what a difference may mean.")

    @classmethod
    def of(cls, signal: Signal, words: str) -> DriftComparison:
        """The signal as GraphQL shows it."""
        found = signal.difference
        return cls(
            signal=tables.DriftSignal(signal.name),
            reference=signal.reference,
            last_month=signal.now,
            images=signal.images,
            images_needed=FEWEST,
            difference=DriftDifference(value=found.value, low=found.low, high=found.high) if found else None,
            margin=signal.margin,
            differs=signal.differs,
            sentence=words,
        )


@strawberry.type(description="A signal began to differ: told once, until it has ended and begins again.")
class DriftWarning:
    comparison: DriftComparison = strawberry.field(description="The signal as it was then.")
    since: datetime = strawberry.field(description="When the warning was given.")
    until: datetime | None = strawberry.field(
        description="When the difference was within the margin again, or hardly any images were left, "
        "or another model served; null while it stands."
    )
    row: strawberry.Private[tables.DriftWarning]

    @classmethod
    def of(cls, row: tables.DriftWarning) -> DriftWarning:
        """The warning of a row."""
        signal = Signal.from_dict(row.figures)
        return cls(
            comparison=DriftComparison.of(signal, row.sentence),
            since=row.began_at,
            until=row.ended_at,
            row=row,
        )

    @field("The version in service then, whose images these are.")
    async def model(self, info: Info) -> ModelVersion:
        return ModelVersion.of(present(await info.context.loaders.models.load(self.row.model_id)))


@strawberry.type(description="The images of some days.")
class DriftPeriod:
    begin: datetime = strawberry.field(description="Where it begins.")
    end: datetime = strawberry.field(description="Where the next one begins; the last one is under way.")
    figures: DriftFigures = strawberry.field(description="What the model in service says of its images.")

    @classmethod
    def of(cls, period: Period) -> DriftPeriod:
        """The period as GraphQL shows it."""
        return cls(begin=period.begin, end=period.end, figures=DriftFigures.of(period.figures))


@strawberry.type(
    description="Whether the images that come in differ from those that judged the model in service. An "
    "image counts at the time of its upload, whenever the model judged it."
)
class Drift:
    model: ModelVersion = strawberry.field(description="The model in service.")
    reference: DriftFigures | None = strawberry.field(
        description="What its holdout showed when it was made; null of versions from before that was kept."
    )
    last_month: DriftFigures = strawberry.field(description=f"Of images of the last {DAYS} days.")
    signals: list[DriftComparison] = strawberry.field(description="The two side by side.")
    report: strawberry.Private[Report]
    by: strawberry.Private[Step]
    periods: strawberry.Private[int]

    @classmethod
    def of(cls, report: Report, by: Step, periods: int) -> Drift:
        """The report, and which series may be asked for."""
        return cls(
            model=ModelVersion.of(report.model),
            reference=DriftFigures.of(report.reference) if report.reference else None,
            last_month=DriftFigures.of(report.month),
            signals=[
                DriftComparison.of(signal, sentence(signal, report.reference, report.month))
                for signal in report.signals
            ],
            report=report,
            by=by,
            periods=periods,
        )

    @field(f"Period by period, the latest last; as many as the arguments say, {MOST_PERIODS} at most.")
    async def series(self, info: Info) -> list[DriftPeriod]:
        context = info.context
        found = await context.platform.drift.series(context.viewer, self.report.model, self.by, self.periods)
        return [DriftPeriod.of(period) for period in found]

    @field("The warnings that stand, in the order in which they were given; `driftWarned` tells of new ones.")
    async def warnings(self, info: Info) -> list[DriftWarning]:
        standing = await info.context.platform.drift.warnings(self.report)
        return [DriftWarning.of(row) for row in sorted(standing.values(), key=lambda row: row.id)]
