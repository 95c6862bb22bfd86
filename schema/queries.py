"""What can be asked."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated

import strawberry

from events.log import encode_cursor
from schema import nodes as by_id
from schema.arguments import OMITTED, given
from schema.connections import (
    MAX_SIZE,
    After,
    Before,
    Connection,
    First,
    Last,
    connect,
    connection,
    window_of,
)
from schema.context import Info
from schema.cost import MAX_COST
from schema.drift import PERIODS, Drift
from schema.errors import bad_input
from schema.fields import field
from schema.images import Image, Prediction
from schema.limits import MAX_ALIASES, MAX_DEPTH, MAX_FIELDS, MAX_ROOT_FIELDS
from schema.models import FeatureProgress, ModelVersion, RetrainingStatus, TrainingRun
from schema.news import ContactMessage, NewsPost
from schema.node import Node
from schema.people import User
from schema.policy import RetrainingPolicy
from schema.scalars import Cursor
from schema.sessions import AccountSession
from schema.trail import TrailEntry, TrailFilter
from services import label_queue, predictions, teaching_queue, trail
from services.drift import MOST_PERIODS, Step
from services.images import Filter, ImageOrder
from store import tables


@strawberry.input(description="Which images; all that is given has to hold.")
class ImageFilter:
    finding: tables.Finding | None = strawberry.field(
        default=OMITTED, description="The finding of the current prediction."
    )
    finding_changed: bool | None = strawberry.field(
        default=OMITTED,
        description="Whether the last promotion, or rollback, changed the finding that the owner knew.",
    )
    labelled: bool | None = strawberry.field(default=OMITTED, description="Whether there is a label.")
    failed: bool | None = strawberry.field(
        default=OMITTED,
        description="Whether no prediction could be made, of which `failure` says why.",
    )
    search: str | None = strawberry.field(
        default=OMITTED, description="A part of the filename or of the patient reference."
    )
    uploaded_after: datetime | None = strawberry.field(
        default=OMITTED, description="Uploaded at this moment or later."
    )
    uploaded_before: datetime | None = strawberry.field(
        default=OMITTED, description="Uploaded before this moment."
    )

    def wanted(self) -> Filter:
        """The filter as the use case takes it."""
        return Filter(
            finding=given(self.finding),
            finding_changed=given(self.finding_changed),
            labelled=given(self.labelled),
            failed=given(self.failed),
            search=given(self.search),
            uploaded_after=given(self.uploaded_after),
            uploaded_before=given(self.uploaded_before),
        )


@strawberry.type(
    description="What can be asked. An operation has at most "
    f"{MAX_DEPTH} fields within fields, {MAX_FIELDS} fields, {MAX_ALIASES} aliases and {MAX_ROOT_FIELDS} "
    f"root fields, and costs at most {MAX_COST.most} points: one for each object, pages counted as full. "
    "`extensions.cost` of each answer tells them. Each user, and each address of those who are not signed "
    "in, has so many points a minute; `RATE_LIMITED` says when to come back."
)
class Query:
    @field("The object of a global id; null where there is none, or none that you may see.")
    async def node(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="The object's id.")]
    ) -> Node | None:
        return await by_id.find(info.context, id)

    @field("The objects of several global ids, in their order; null as `node` says.")
    async def nodes(
        self,
        info: Info,
        ids: Annotated[
            list[strawberry.ID], strawberry.argument(description=f"Their ids, at most {MAX_SIZE}.")
        ],
    ) -> list[Node | None]:
        if len(ids) > MAX_SIZE:
            raise bad_input(f"at most {MAX_SIZE} ids at once")
        return await asyncio.gather(*(by_id.find(info.context, one) for one in ids))

    @field("The signed-in user; null when signed out.")
    def viewer(self, info: Info) -> User | None:
        viewer = info.context.viewer
        return User.of(viewer) if viewer else None

    @field("The viewer's sessions that are good still, the newest first. For everyone who is signed in.")
    async def sessions(self, info: Info) -> list[AccountSession]:
        context = info.context
        found = await context.platform.sessions.all(context.viewer)
        return [AccountSession.of(row, context.session.token) for row in found]

    @field("The viewer's images; an admin sees everyone's.")
    async def images(
        self,
        info: Info,
        filter: Annotated[
            ImageFilter | None, strawberry.argument(description="Which of them; all where left out.")
        ] = OMITTED,
        order_by: Annotated[
            ImageOrder | None,
            strawberry.argument(
                description="In which order, the newest first where left out. A cursor is good for the order "
                "that it came with."
            ),
        ] = OMITTED,
        first: First = OMITTED,
        after: After = OMITTED,
        last: Last = OMITTED,
        before: Before = OMITTED,
    ) -> Connection[Image]:
        wanted = filter.wanted() if filter else Filter()
        order = given(order_by) or ImageOrder.NEWEST
        key = (int,) if order in (ImageOrder.NEWEST, ImageOrder.OLDEST) else (str, int)
        window, viewer = window_of(first, after, last, before, key), info.context.viewer
        return connection(await info.context.platform.images.page(viewer, wanted, window, order), Image.of)

    @field("Predictions of the viewer's images, newest first; an admin sees everyone's.")
    async def predictions(
        self,
        info: Info,
        first: First = OMITTED,
        after: After = OMITTED,
        last: Last = OMITTED,
        before: Before = OMITTED,
    ) -> Connection[Prediction]:
        window = window_of(first, after, last, before)
        return connection(await predictions.page(info.context.viewer, window), Prediction.of)

    @field(
        "Unlabelled images, the ones whose label would teach the model most first: of the "
        f"{teaching_queue.FRONT} nearest to its threshold those before which nothing like them is labelled "
        "or listed; behind these by the distance from the threshold alone. Every fourth is of those that "
        "judge models and teach none, in an order by chance, so that figures on them are not of hard images "
        "alone. Pictures of no chest are left out. Cursors keep the order in which a walk began."
    )
    async def label_queue(
        self,
        info: Info,
        first: First = OMITTED,
        after: After = OMITTED,
        last: Last = OMITTED,
        before: Before = OMITTED,
    ) -> Connection[Image]:
        window = window_of(first, after, last, before, label_queue.KEY)
        context = info.context
        queued = await label_queue.read(context.viewer, window)
        images = await context.loaders.images.load_many(row.image_id for row in queued.page.rows)
        found = zip(images, queued.page.keys, queued.reasons, strict=True)
        there = [(Image.of(image, reason), key) for image, key, reason in found if image]
        return connect([image for image, _ in there], [key for _, key in there], queued.page)

    @field("Images on which people contradict one another, newest first: see `labelConflict`. For admins.")
    async def label_conflicts(
        self,
        info: Info,
        first: First = OMITTED,
        after: After = OMITTED,
        last: Last = OMITTED,
        before: Before = OMITTED,
    ) -> Connection[Image]:
        window = window_of(first, after, last, before)
        context = info.context
        return connection(await context.platform.labelling.conflicts(context.viewer, window), Image.of)

    @field("What administrators have published, newest first. Open to everyone.")
    async def news(
        self,
        info: Info,
        first: First = OMITTED,
        after: After = OMITTED,
        last: Last = OMITTED,
        before: Before = OMITTED,
    ) -> Connection[NewsPost]:
        window = window_of(first, after, last, before)
        return connection(await info.context.platform.newsroom.page(window), NewsPost.of)

    @field("The model in service. Open to everyone.")
    async def model(self, info: Info) -> ModelVersion:
        return ModelVersion.of(await info.context.session.audience.model_in_service())

    @field(
        "The place of the newest event. A subscription `after` it hears of all that happens behind a query "
        "that is sent when this has been answered. Open to everyone."
    )
    async def last_cursor(self, info: Info) -> Cursor:
        return Cursor(encode_cursor(await info.context.platform.log.head()))

    @field("Every model version, newest first. For admins.")
    async def models(
        self,
        info: Info,
        first: First = OMITTED,
        after: After = OMITTED,
        last: Last = OMITTED,
        before: Before = OMITTED,
    ) -> Connection[ModelVersion]:
        window = window_of(first, after, last, before)
        context = info.context
        return connection(await context.platform.models.page(context.viewer, window), ModelVersion.of)

    @field("Which model served at a moment; null before the first one did. For admins.")
    async def model_at(
        self, info: Info, time: Annotated[datetime, strawberry.argument(description="The moment.")]
    ) -> ModelVersion | None:
        row = await info.context.platform.models.at(info.context.viewer, time)
        return ModelVersion.of(row) if row else None

    @field("How near the next retraining is. For everyone who is signed in.")
    async def retraining(self, info: Info) -> RetrainingStatus:
        return RetrainingStatus.of(await info.context.platform.retraining.status(info.context.viewer))

    @field("The policy of retraining that is in force. For admins.")
    async def retraining_policy(self, info: Info) -> RetrainingPolicy:
        policies = info.context.platform.retraining.policies
        return RetrainingPolicy.of(*await policies.read(info.context.viewer))

    @field("Every policy that administrators have set, newest first. For admins.")
    async def retraining_policies(
        self,
        info: Info,
        first: First = OMITTED,
        after: After = OMITTED,
        last: Last = OMITTED,
        before: Before = OMITTED,
    ) -> Connection[RetrainingPolicy]:
        window = window_of(first, after, last, before)
        policies = info.context.platform.retraining.policies
        page = await policies.page(info.context.viewer, window)
        return connection(page, lambda row: RetrainingPolicy.of(policies.policy_of(row), row))

    @field(
        "Whether the images that come in differ from those that judged the model in service: abstentions, "
        "probability, distance and agreement with labels, now and over time. For admins."
    )
    async def drift(
        self,
        info: Info,
        by: Annotated[
            Step | None,
            strawberry.argument(description="The length of the periods of `series`: WEEK where left out."),
        ] = OMITTED,
        periods: Annotated[
            int | None,
            strawberry.argument(
                description=f"How many there are: 1 to {MOST_PERIODS}, {PERIODS} where left out."
            ),
        ] = OMITTED,
    ) -> Drift:
        wanted = given(periods)
        count = PERIODS if wanted is None else wanted
        if not 1 <= count <= MOST_PERIODS:
            raise bad_input(f"periods is from 1 to {MOST_PERIODS}")
        report = await info.context.platform.drift.read(info.context.viewer)
        return Drift.of(report, given(by) or Step.WEEK, count)

    @field("After a change of the network, how far its features of all images are. For admins.")
    async def feature_progress(self, info: Info) -> FeatureProgress:
        return FeatureProgress.of(await info.context.platform.renewal.progress(info.context.viewer))

    @field("Every training run, newest first. For admins.")
    async def training_runs(
        self,
        info: Info,
        first: First = OMITTED,
        after: After = OMITTED,
        last: Last = OMITTED,
        before: Before = OMITTED,
    ) -> Connection[TrainingRun]:
        window = window_of(first, after, last, before)
        context = info.context
        return connection(await context.platform.retraining.page(context.viewer, window), TrainingRun.of)

    @field("Every user, the latest to sign up first. For admins.")
    async def users(
        self,
        info: Info,
        first: First = OMITTED,
        after: After = OMITTED,
        last: Last = OMITTED,
        before: Before = OMITTED,
    ) -> Connection[User]:
        window = window_of(first, after, last, before)
        context = info.context
        return connection(await context.platform.accounts.page(context.viewer, window), User.of)

    @field("What came through the contact form, newest first. For admins.")
    async def contact_messages(
        self,
        info: Info,
        first: First = OMITTED,
        after: After = OMITTED,
        last: Last = OMITTED,
        before: Before = OMITTED,
    ) -> Connection[ContactMessage]:
        window = window_of(first, after, last, before)
        context = info.context
        return connection(await context.platform.contact.page(context.viewer, window), ContactMessage.of)

    @field("Who did what when, the last first; it shows here about a second after it was done. For admins.")
    async def trail(
        self,
        info: Info,
        filter: Annotated[
            TrailFilter | None, strawberry.argument(description="Which of it; all where left out.")
        ] = OMITTED,
        first: First = OMITTED,
        after: After = OMITTED,
        last: Last = OMITTED,
        before: Before = OMITTED,
    ) -> Connection[TrailEntry]:
        wanted = filter.wanted() if filter else trail.TrailFilter()
        window = window_of(first, after, last, before)
        return connection(await trail.entries(info.context.viewer, wanted, window), TrailEntry.of)
