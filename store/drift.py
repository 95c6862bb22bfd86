"""What one model said of the images of some time, summed up by the database, by the day of their upload."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from store.tables import IN_CONFLICT, STRENGTH, AbstainReason, Prediction

SHA256 = re.compile("[0-9a-f]{64}")
CHEST = f"(prediction.abstained IS NULL OR prediction.abstained <> '{AbstainReason.NOT_A_CHEST_XRAY}')"
DAY = "SUBSTR(image.uploaded_at, 1, 10)"


@dataclass(frozen=True)
class Sums:
    """Of images uploaded on one day that taught the model nothing.

    ``weighed`` pictures are taken for chests, and probabilities are summed over them; ``measured`` are those
    of them whose distance is known. ``labelled`` images have a finding, and a label that counts and that
    nobody contradicts by equal evidence.
    """

    day: date
    images: int
    not_chests: int
    odd: int
    uncertain: int
    weighed: int
    probability: float
    probability_squared: float
    measured: int
    distance: float
    distance_squared: float
    labelled: int
    agreed: int


@dataclass(frozen=True)
class Asked:
    """Which images: judged by a model, uploaded from a moment on; ``base`` are files that taught it."""

    model_id: int
    since: datetime
    base: Collection[str] = ()

    @property
    def judged(self) -> str:
        """The rows, in SQL, one an image."""
        # SQLite takes CROSS for the order of the tables, and else reads all that the model has judged.
        return f"""image CROSS JOIN prediction
            ON prediction.image_id = image.id AND prediction.model_id = {self.model_id:d}"""

    @property
    def untaught(self) -> str:
        """Those of images that taught the model nothing, in SQL."""
        known = ", ".join(f"'{one}'" for one in sorted(self.base) if SHA256.fullmatch(one)) or "''"
        return f"""
            SELECT {DAY} AS day, image.id AS image_id, prediction.finding, prediction.abstained,
                CASE WHEN {CHEST} THEN prediction.probability END AS probability,
                CASE WHEN {CHEST} THEN prediction.distance END AS distance
            FROM {self.judged}
            WHERE {self.window} AND image.sha256 NOT IN ({known}) AND image.id NOT IN (
                SELECT label.image_id FROM model_label JOIN label ON label.id = model_label.label_id
                WHERE model_label.modelversion_id = {self.model_id:d}
            )"""  # noqa: S608 - of numbers, dates, hashes and our own names alone

    @property
    def truth(self) -> str:
        """The label that counts, in SQL, of images where people do not contradict one another."""
        return f"""
            SELECT image_id, finding FROM (
                SELECT label.image_id, label.finding, ROW_NUMBER() OVER (
                    PARTITION BY label.image_id ORDER BY {STRENGTH} DESC, label.id DESC
                ) AS place
                FROM image CROSS JOIN label ON label.image_id = image.id
                WHERE label.withdrawn_at IS NULL AND {self.window}
            ) AS weighed
            WHERE place = 1 AND image_id NOT IN ({IN_CONFLICT})"""  # noqa: S608 - as above

    @property
    def window(self) -> str:
        """The condition on the upload, in SQL: in whole seconds, which both engines compare."""
        return f"image.uploaded_at >= '{self.since.astimezone(UTC):%Y-%m-%d %H:%M:%S}'"


async def by_day(asked: Asked) -> list[Sums]:
    """The sums of each day on which there were images that taught nothing, in order."""
    rows = await _rows(f"""
        SELECT day, COUNT(*) AS images,
            {_count("abstained = 'NOT_A_CHEST_XRAY'")} AS not_chests,
            {_count("abstained = 'OUT_OF_DISTRIBUTION'")} AS odd,
            {_count("abstained = 'UNCERTAIN'")} AS uncertain,
            COUNT(probability) AS weighed, SUM(probability) AS probability,
            SUM(probability * probability) AS probability_squared,
            COUNT(distance) AS measured, SUM(distance) AS distance,
            SUM(distance * distance) AS distance_squared,
            {_count("judged.finding IS NOT NULL AND truth.finding IS NOT NULL")} AS labelled,
            {_count("judged.finding = truth.finding")} AS agreed
        FROM ({asked.untaught}) AS judged
        LEFT JOIN ({asked.truth}) AS truth ON truth.image_id = judged.image_id
        GROUP BY day ORDER BY day""")  # noqa: S608 - as above
    return [_sums(row) for row in rows]


async def judged_by_day(asked: Asked) -> dict[date, int]:
    """How many images were judged of each day, those that taught included."""
    rows = await _rows(
        f"SELECT {DAY} AS day, COUNT(*) AS images FROM {asked.judged} WHERE {asked.window} GROUP BY day"  # noqa: S608
    )
    return {date.fromisoformat(row["day"]): row["images"] for row in rows}


async def quantiles(asked: Asked, high: float) -> tuple[float | None, float | None]:
    """The median of the distances, and the smallest that a share ``high`` of them does not exceed."""
    (row,) = await _rows(f"""
        SELECT MIN(CASE WHEN place >= 0.5 * measured THEN distance END) AS middle,
            MIN(CASE WHEN place >= {high:f} * measured THEN distance END) AS high
        FROM (
            SELECT distance, ROW_NUMBER() OVER (ORDER BY distance) AS place, COUNT(*) OVER () AS measured
            FROM ({asked.untaught}) AS judged WHERE distance IS NOT NULL
        ) AS ranked""")  # noqa: S608 - as above
    return row["middle"], row["high"]


def _count(condition: str) -> str:
    return f"COUNT(CASE WHEN {condition} THEN 1 END)"


def _sums(row: dict[str, Any]) -> Sums:
    # Where all distances are unknown there is no sum of them.
    numbers: dict[str, Any] = {name: value or 0 for name, value in row.items()}
    return Sums(**numbers | {"day": date.fromisoformat(row["day"])})


async def _rows(statement: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = await Prediction._meta.db.execute_query_dict(statement)
    return rows
