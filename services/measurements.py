"""What this process has counted and timed since it began, for Prometheus; `api.health` tells it.

Module-level, as Prometheus's library wants it: a process has one of each, whatever it serves. Labels are
enumerations of ours alone, never what somebody sends.
"""

from __future__ import annotations

import asyncio
from time import monotonic

from prometheus_client import CollectorRegistry, Counter, Histogram

REGISTRY, OF_PATIENTS = CollectorRegistry(), CollectorRegistry()
"""The latter has what tells of a hospital's patients."""

SHORT = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
"""Seconds of what people wait for."""
COARSE = (0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10)
"""Seconds of what there are many kinds of."""
LONG = (0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60, 300, 1800, 7200)
"""Seconds of what is done in the background."""

OPERATIONS = Histogram(
    "covidxr_operation_seconds",
    "Time of GraphQL operations, a subscription's until it stands, by the one root field or `several`",
    ["operation", "field", "outcome"],
    buckets=SHORT,
    registry=REGISTRY,
)
RESOLVERS = Histogram(
    "covidxr_resolver_seconds",
    "Time of resolvers, what they wait for included, in a sample of the operations",
    ["field"],
    buckets=COARSE,
    registry=REGISTRY,
)
UPLOADS = Counter(
    "covidxr_uploaded_files",
    "Files that were uploaded, by what became of them",
    ["outcome"],
    registry=REGISTRY,
)
BATCHES = Histogram(
    "covidxr_batch_images",
    "Images that the network saw at a time",
    buckets=(1, 2, 4, 8, 16, 32, 64),
    registry=REGISTRY,
)
INFERENCE = Histogram(
    "covidxr_inference_seconds", "Time of the network for a batch", buckets=SHORT, registry=REGISTRY
)
PREDICTIONS = Counter(
    "covidxr_predictions",
    "Predictions that were made here, by finding or abstention",
    ["outcome"],
    registry=OF_PATIENTS,
)
EVENT_LAG = Histogram(
    "covidxr_event_lag_seconds",
    "From the commit of an event to its publication, by the two clocks",
    buckets=SHORT,
    registry=REGISTRY,
)
JOBS = Histogram(
    "covidxr_job_seconds",
    "Time of each attempt at a job",
    ["group", "outcome"],
    buckets=LONG,
    registry=REGISTRY,
)
LOOP_LAG = Histogram(
    "covidxr_event_loop_lag_seconds",
    "By how much the event loop is late, looked at several times a second",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1),
    registry=REGISTRY,
)

LOOP_SECONDS = 0.2


async def watch_the_loop() -> None:
    """Look for ever how late the event loop is."""
    while True:
        began = monotonic()
        await asyncio.sleep(LOOP_SECONDS)
        LOOP_LAG.observe(max(0.0, monotonic() - began - LOOP_SECONDS))
