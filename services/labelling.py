"""Ground truth: an append-only ledger, and which of its entries counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tortoise.exceptions import IntegrityError

from events.messages import LabelSubmitted, LabelsWithdrawn
from services import lookups, reasons
from services.errors import Checks, Code, refuse
from services.outbox import Outbox, record
from services.permissions import admin, member
from services.trail import note
from store.kept import Kept
from store.pages import Page, Window, page
from store.tables import Evidence, Finding, Image, Label, ModelVersion, TrailKind, User

STANDING = Kept(Label, lambda image_ids: Label.standing().filter(image_id__in=image_ids))
STRENGTH = {evidence: rank for rank, evidence in enumerate(reversed(Evidence))}


def counting(labels: Iterable[Label]) -> Label | None:
    """The label that counts among an image's: by evidence first, by recency within equal evidence.

    What was withdrawn counts nowhere.
    """
    return max((label for label in labels if label.withdrawn_at is None), key=weight, default=None)


def weight(label: Label) -> tuple[int, int]:
    """What makes a label count before another: stronger evidence, then recency."""
    return STRENGTH[label.evidence], label.id


def in_conflict(labels: Iterable[Label]) -> bool:
    """Whether people contradict one another on an image, by the strongest evidence there is.

    Each person is asked by the label that would count if nobody else had said anything, so a correction of
    one's own is no conflict. Stronger evidence settles it, and so does an administrator's label of equal
    evidence, until somebody contradicts that. Unsettled, the image neither teaches nor judges.
    `Image.in_conflict` is the same rule in SQL.
    """
    own = {label.submitted_by_id: label for label in sorted(labels, key=weight) if label.withdrawn_at is None}
    counts = counting(own.values())
    if counts is None or counts.by_admin:
        return False
    return len({label.finding for label in own.values() if label.evidence == counts.evidence}) > 1


def tells_more(labels: Sequence[Label], finding: Finding, evidence: Evidence) -> bool:
    """Whether a label says more than the one that counts, and than the latest with the same evidence."""
    last_alike = counting(label for label in labels if label.evidence == evidence)
    return not any(
        known is not None and known.finding == finding and STRENGTH[known.evidence] >= STRENGTH[evidence]
        for known in (counting(labels), last_alike)
    )


@dataclass(frozen=True)
class Labelling:
    """The use cases around labels."""

    outbox: Outbox

    async def submit(
        self, viewer: User | None, image_id: int, finding: Finding, evidence: Evidence | None
    ) -> Label:
        """A new entry in the ledger.

        Raises:
            Refused: NOT_FOUND, where there is no such image or the viewer may not see it.
        """
        viewer = member(viewer)
        not_found = refuse(Code.NOT_FOUND, "there is no such image", "imageId")
        if not await Image.visible_to(viewer).filter(id=image_id).exists():
            raise not_found
        try:
            return await self.outbox.commit(lambda: enter(image_id, viewer, finding, evidence))
        except IntegrityError as error:  # deleted a moment ago
            raise not_found from error

    async def of_images(self, image_ids: Iterable[int]) -> dict[int, Label]:
        """The label that counts, by image; images without one are absent."""
        entries: dict[int, list[Label]] = {}
        for label in await STANDING.rows(list(image_ids)):
            entries.setdefault(label.image_id, []).append(label)
        return {image_id: max(labels, key=weight) for image_id, labels in entries.items()}

    async def conflicts(self, viewer: User | None, window: Window) -> Page[Image]:
        """The images whose labels are in conflict, newest first; for administrators."""
        admin(viewer)
        return await page(Image.in_conflict(), window)

    async def withdraw(self, viewer: User | None, user_id: int, reason: str) -> tuple[User, int]:
        """Withdraws all that a user has submitted until now; the user, and how many labels that were.

        The entries stay in the ledger, marked, and count nowhere from then on.

        Raises:
            Refused: NOT_FOUND, and REQUIRED or TOO_LARGE of the reason, all at once.
        """
        viewer, checks = admin(viewer), Checks()
        with checks:
            user = await lookups.named_user(user_id, "userId")
        with checks:
            reason = reasons.checked(reason)
        checks.end()
        mark = {
            "withdrawn_at": datetime.now(UTC),
            "withdrawn_by_id": viewer.id,
            "withdrawal_reason": reason,
        }

        async def write() -> tuple[User, int]:
            count = await Label.standing().filter(submitted_by_id=user_id).update(**mark)
            if count:
                await record(LabelsWithdrawn(user_id, count))
                await note(TrailKind.LABELS_WITHDRAWN, viewer, reason, count, User=user_id)
            return user, count

        return await self.outbox.commit(write)

    async def used_in(self, label_ids: Iterable[int]) -> dict[int, list[ModelVersion]]:
        """The model versions trained on each label."""
        labels = await Label.filter(id__in=list(label_ids)).prefetch_related("used_in")
        return {label.id: sorted(label.used_in, key=lambda model: model.number) for label in labels}


async def enter(image_id: int, by: User, finding: Finding, evidence: Evidence | None) -> Label:
    """Write a label and tell of it, within the transaction under way."""
    label = await Label.create(
        image_id=image_id,
        finding=Finding(finding),
        evidence=Evidence(evidence or Evidence.UNSTATED),
        by_admin=by.is_admin,
        submitted_by=by,
    )
    await record(LabelSubmitted(label.id, image_id))
    await note(TrailKind.LABEL_SUBMITTED, by, Label=label.id, Image=image_id)
    return label
