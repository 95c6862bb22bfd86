"""The database's clock, by which processes on different machines agree what has run out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from store.tables import Deployment

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECONDS = {
    "mysql": "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6))",
    "sqlite": "CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000",
}
"""Since the epoch, as whole numbers: of a time in words each driver makes something else."""


async def now() -> datetime:
    """What the database's clock says, which lies a little in the past by the time anybody reads it."""
    database = Deployment._meta.db  # of the transaction under way, if any
    expression = MICROSECONDS[database.capabilities.dialect]
    (row,) = await database.execute_query_dict(f"SELECT {expression} AS passed")
    return EPOCH + timedelta(microseconds=row["passed"])
