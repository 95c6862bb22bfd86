"""The audit of heads in words and tables for people, and as plain numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ml import audit_plot
from ml.audit_plot import Row
from ml.heads import HeadName
from services.audit import BORDER_LIMIT, ENOUGH, Audit
from services.audit import verdict as of_border
from services.study_results import LeftOut
from services.study_tables import NONE, Table, per_cent

Audits = Mapping[HeadName, Audit]


def verdict(name: HeadName, audit: Audit) -> str:
    """Whether the finding follows the border, by the rule and with its number."""
    return of_border(name, audit.border)


def tables(audits: Audits) -> list[Table]:
    """What was found, a column for each head where they can be compared."""
    return [_changes(audits), *_told(audits), *_left_out(audits)]


def plain(audits: Audits) -> dict[str, Any]:
    """All figures as fractions, for JSON."""
    return {
        name: asdict(audit) | {"follows_border": audit.follows_border, "border_limit": BORDER_LIMIT}
        for name, audit in audits.items()
    }


def plot(audits: Audits) -> bytes:
    """The changes as PNG."""
    rows: dict[str, list[Row]] = {
        name: [Row(change.name, change.auc, change.changed) for change in audit.changes]
        for name, audit in audits.items()
    }
    return audit_plot.changes(rows, BORDER_LIMIT)


def _changes(audits: Audits) -> Table:
    rows = [
        [
            name,
            change.name,
            *map(per_cent, (change.auc, change.changed, change.reversed, change.refused)),
        ]
        for name, audit in audits.items()
        for change in audit.changes
    ]
    count = next(iter(audits.values())).altered
    return Table(
        f"After a change to the picture ({count} images)",
        ["head", "pictures", "AUC", "findings changed", "reversed", "refused"],
        rows,
    )


def _told(audits: Audits) -> list[Table]:
    rows = [
        [name, told.label, f"{told.sources[0]} or {told.sources[1]}", str(told.images), per_cent(told.auc)]
        for name, audit in audits.items()
        for told in audit.told
    ]
    if not rows:
        rows = [[NONE, f"no label has two sources of {ENOUGH} patients", NONE, NONE, NONE]]
    return [Table("The source, told from the features", ["head", "among", "source", "images", "AUC"], rows)]


def _left_out(audits: Audits) -> list[Table]:
    header = ["head", "left out", "with COVID", "without", "sensitivity", "specificity", "AUC"]
    none = [NONE, "no source: the others would be of one class", *[NONE] * 5]
    return [
        Table("With a publication left out of the training", header, _rows(audits, "publications")),
        Table("With a source left out of the training", header, _rows(audits, "sources") or [none]),
    ]


def _rows(audits: Audits, column: str) -> list[list[str]]:
    rows = []
    for name, audit in audits.items():
        of_head: Sequence[LeftOut] = getattr(audit, column)
        for one in of_head:
            figures = one.figures
            rates = (figures.sensitivity, figures.specificity, figures.auc)
            counts = (str(figures.positives), str(figures.negatives))
            rows.append([name, one.name, *counts, *map(per_cent, rates)])
    return rows
