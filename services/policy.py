"""The policy of retraining: when runs start by themselves, what they need, and how strict the gate is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields

from tortoise.exceptions import IntegrityError

from ml.gate import Margins
from services.errors import Code, Problem, Refused, refuse
from services.permissions import admin, is_admin
from services.trail import note
from store.database import atomically
from store.pages import Page, Window, page
from store.tables import RetrainingPolicy, TrailKind, User

Number = int | float

BOUNDS: Mapping[str, tuple[str, Number, Number]] = {
    "threshold": ("threshold", 1, 1_000_000),
    "minutes_between": ("minutesBetween", 0, 525_600),
    "labels_per_class": ("labelsPerClass", 0, 100_000),
    "sensitivity_margin": ("sensitivityMargin", 0.001, 0.5),
    "specificity_margin": ("specificityMargin", 0.001, 0.5),
    "auc_margin": ("aucMargin", 0.001, 0.5),
    "share_per_user": ("sharePerUser", 0.01, 1),
}
"""By name: what the form calls it, the least and the most."""

OPERATORS = 0
"""The key of the policy that comes from the settings and has no row."""


@dataclass(frozen=True)
class Policy:
    """What is in force. Without an administrator's word nothing but the threshold holds a run back."""

    threshold: int
    minutes_between: int = 0
    labels_per_class: int = 0
    sensitivity_margin: float = Margins.sensitivity
    specificity_margin: float = Margins.specificity
    auc_margin: float = Margins.auc
    share_per_user: float = 1.0

    @property
    def margins(self) -> Margins:
        """How far below the incumbent a candidate's intervals may reach."""
        return Margins(self.sensitivity_margin, self.specificity_margin, self.auc_margin)


@dataclass(frozen=True)
class Policies:
    """The use cases around the policy: a history of rows, the latest of which counts."""

    threshold: int
    """Counts until an administrator sets another."""

    async def in_force(self) -> Policy:
        """What counts now, for the platform itself."""
        return self.policy_of(await RetrainingPolicy.in_force())

    async def read(self, viewer: User | None) -> tuple[Policy, RetrainingPolicy | None]:
        """What counts now, and the change that made it so; for administrators."""
        admin(viewer)
        row = await RetrainingPolicy.in_force()
        return self.policy_of(row), row

    async def page(self, viewer: User | None, window: Window) -> Page[RetrainingPolicy]:
        """Every change, newest first; for administrators."""
        admin(viewer)
        return await page(RetrainingPolicy.all(), window)

    async def find(
        self, viewer: User | None, keys: Iterable[int]
    ) -> dict[int, tuple[Policy, RetrainingPolicy | None]]:
        """Policies by key, with the change that made them so; for administrators, nothing for others."""
        if not is_admin(viewer):
            return {}
        wanted = list(keys)
        found = {row.id: (self.policy_of(row), row) for row in await RetrainingPolicy.filter(id__in=wanted)}
        operators = {OPERATORS: (self.policy_of(None), None)} if OPERATORS in wanted else {}
        return {**operators, **found}

    async def change(self, viewer: User | None, changes: Mapping[str, Number]) -> RetrainingPolicy:
        """Sets what is named in ``changes``, by the names of `Policy`; the rest stays.

        Raises:
            Refused: REQUIRED, where nothing is named; INVALID, all at once; CONFLICT.
        """
        viewer = admin(viewer)
        if problems := _problems(changes):
            raise Refused(*problems)
        last = await RetrainingPolicy.in_force()
        policy = asdict(self.policy_of(last)) | dict(changes)

        async def write() -> RetrainingPolicy:
            number = last.number + 1 if last else 1
            row = await RetrainingPolicy.create(number=number, changed_by=viewer, **policy)
            await note(TrailKind.POLICY_CHANGED, viewer, RetrainingPolicy=row.id)
            return row

        try:
            return await atomically(write)
        except IntegrityError as error:
            raise refuse(Code.CONFLICT, "another change came first: look again") from error

    def policy_of(self, row: RetrainingPolicy | None) -> Policy:
        """The policy of a row, or the default."""
        if row is None:
            return Policy(self.threshold)
        return Policy(**{field.name: getattr(row, field.name) for field in fields(Policy)})


def _problems(changes: Mapping[str, Number]) -> list[Problem]:
    if not changes:
        return list(refuse(Code.REQUIRED, "say what is to change").problems)
    return [
        Problem(Code.INVALID, f"{field} is a number from {least} to {most}", field)
        for name, (field, least, most) in BOUNDS.items()
        if name in changes and not least <= changes[name] <= most
    ]
