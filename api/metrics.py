"""What Prometheus is told of a process and of its platform."""

from __future__ import annotations

import asyncio
import logging
from time import monotonic

from prometheus_client import CollectorRegistry, Gauge, PlatformCollector, ProcessCollector, generate_latest

from api.condition_metrics import ConditionMetrics
from api.drift_metrics import DriftMetrics
from services import measurements
from services.condition import condition
from services.platform import Platform

WITHIN_SECONDS = 5
LOOK_SECONDS = 1.0
"""What is told is made no oftener, however many ask."""

logger = logging.getLogger(__name__)


class Metrics:
    """The measurements of one process; ``of_patients`` those, too, that tell of a hospital's patients."""

    def __init__(self, platform: Platform, of_patients: bool = True) -> None:
        self._platform = platform
        self._condition = ConditionMetrics()
        self._looked_at, self._told = 0.0, b""
        own = _own(platform)
        own.register(self._condition)
        self._registries = [own, measurements.REGISTRY]
        if of_patients:
            own.register(DriftMetrics(platform.drift_watch))
            self._registries.append(measurements.OF_PATIENTS)

    async def text(self) -> bytes:
        """In Prometheus's text format."""
        if not self._told or monotonic() - self._looked_at >= LOOK_SECONDS:
            self._looked_at = monotonic()
            await self._look()
            self._told = b"".join(map(generate_latest, self._registries))
        return self._told

    async def _look(self) -> None:
        """Where the database does not say, what the process has counted is told all the same."""
        try:
            async with asyncio.timeout(WITHIN_SECONDS):
                self._condition.latest = await condition(self._platform.log)
        except Exception:
            self._condition.latest = None
            logger.exception("the platform's condition is not known")


def _own(platform: Platform) -> CollectorRegistry:
    """Of the process, as it is now."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    inference = platform.diagnosis.inference
    waiting = Gauge("covidxr_inference_queue", "Images that wait to be computed", registry=registry)
    waiting.set_function(lambda: float(inference.queue_length))
    model = Gauge("covidxr_model_deployment", "Number of the deployment in force here", registry=registry)
    model.set_function(lambda: float(inference.deployment))
    left = Gauge(
        "covidxr_features_left",
        "Images whose features are to be made anew, at who follows it",
        registry=registry,
    )
    left.set_function(lambda: float(platform.renewal.left))
    return registry
