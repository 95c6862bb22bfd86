"""The platform's condition for Prometheus, taken anew at each scrape."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from services.condition import Condition
from store.tables import ACTIVE_STATES


class ConditionMetrics(Collector):
    """Gauges of a condition; without one, since the database is away, there are none."""

    def __init__(self) -> None:
        self.latest: Condition | None = None

    def describe(self) -> list[Metric]:
        """Nothing, which spares the registry a look while it begins."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The gauges."""
        if self.latest is not None:
            yield from _gauges(self.latest)


def _gauges(found: Condition) -> Iterator[Metric]:
    for name, words, value in (
        ("images_waiting", "Images that wait to be judged, in whatever process", found.waiting),
        ("images_waiting_age_seconds", "How long one of them has waited", found.oldest_waiting),
        ("images_given_up", "Images that were given up for a fault of ours", found.given_up),
        ("events_unpublished", "Events that are committed and not published", found.unpublished),
        ("events_unpublished_age_seconds", "How long one of them has waited", found.oldest_unpublished),
        ("trail_unsealed", "Notes of the audit trail that are not sealed", found.unsealed),
        ("trail_unsealed_age_seconds", "How long one of them has waited", found.oldest_unsealed),
        ("labels_new", "Labels that no run has claimed", found.new_labels),
        ("model_number", "Number of the model in service", found.model),
    ):
        family = GaugeMetricFamily(f"covidxr_{name}", words)
        if value is not None:
            family.add_metric([], value)
        yield family
    runs = GaugeMetricFamily("covidxr_run", "Whether a run is in this state, 0 or 1", labels=["state"])
    for state in ACTIVE_STATES:
        runs.add_metric([state.value], float(state.value == found.run))
    yield runs
    figures = GaugeMetricFamily(
        "covidxr_model_figure",
        "Of the model in service, on the images that judged it, 0 to 1",
        labels=["figure"],
    )
    for name, figure in found.figures.items():
        figures.add_metric([name], figure)
    yield figures
