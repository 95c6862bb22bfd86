"""Looks for drift every hour: keeps the figures for the metrics, and warns once where a signal differs."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial

from tortoise.exceptions import IntegrityError

from events.messages import DriftWarned
from ml.drift import Signal
from services import lookups
from services.drift import Drift, Report
from services.drift_words import sentence
from services.outbox import Outbox, record
from store.tables import DriftSignal, DriftWarning

FIRST_SECONDS = 30.0
"""After the start, when there is other work to do."""
EVERY_SECONDS = 3600.0

logger = logging.getLogger(__name__)


class DriftWatch:
    """The watch of one process. What it has warned of stands in the database, where all processes see it."""

    def __init__(self, drift: Drift, outbox: Outbox) -> None:
        self._drift = drift
        self._outbox = outbox
        self.latest: Report | None = None
        """The last look; None before the first."""

    async def serve(self) -> None:
        """Look soon and every hour; what fails is tried again the next time."""
        await asyncio.sleep(FIRST_SECONDS)
        while True:
            try:
                await self.look()
            except Exception:
                logger.exception("looking for drift failed, trying again in an hour")
            await asyncio.sleep(EVERY_SECONDS)

    async def look(self) -> Report:
        """Take the figures anew, end the warnings that are over, and give those that are due."""
        report = await self._drift.report()
        self.latest = report
        current = await lookups.deployment()
        if current is not None and current.model_id == report.model.id:  # else the next look is of another
            await self._end(report)
            await self._warn(report)
        return report

    async def _end(self, report: Report) -> None:
        over = [DriftSignal(signal.name) for signal in report.signals if signal.is_over]
        ended = {"open": None, "ended_at": datetime.now(UTC)}
        await DriftWarning.under_way().exclude(model_id=report.model.id).update(**ended)
        await DriftWarning.under_way().filter(model_id=report.model.id, signal__in=over).update(**ended)

    async def _warn(self, report: Report) -> None:
        standing = await self._drift.warnings(report)
        for signal in report.signals:
            if signal.differs and DriftSignal(signal.name) not in standing:
                words = sentence(signal, report.reference, report.month)
                try:
                    await self._outbox.commit(partial(_give, report, signal, words))
                except IntegrityError:
                    logger.debug("another process has warned of %s", signal.name)
                else:
                    logger.warning("drift: model %d: %s", report.model.number, words)


async def _give(report: Report, signal: Signal, words: str) -> None:
    warning = await DriftWarning.create(
        model_id=report.model.id,
        signal=DriftSignal(signal.name),
        open=1,
        sentence=words,
        figures=asdict(signal),
    )
    await record(DriftWarned(warning.id))
