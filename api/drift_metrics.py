"""The figures of drift for Prometheus, as the last hourly look left them."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from services.drift import DAYS, Report
from services.drift_watch import DriftWatch

OF = f"of images of the last {DAYS} days that have not taught the model in service"


class DriftMetrics(Collector):
    """Gauges of the last look; what is of no images, or compared with nothing, is left out."""

    def __init__(self, watch: DriftWatch) -> None:
        self._watch = watch

    def describe(self) -> list[Metric]:
        """Nothing, which spares the registry a look while it begins."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The gauges."""
        report = self._watch.latest
        if report is not None:
            yield from _counts(report)
            yield from _figures(report)
            yield _differing(report)


def _counts(report: Report) -> Iterator[Metric]:
    yield _gauge("model", "Number of the model in service when drift was looked for", report.model.number)
    at = report.at.timestamp()
    yield _gauge("look_timestamp_seconds", "When drift was looked for", at)
    yield _gauge("images", f"Number {OF}", report.month.images)
    yield _gauge("labelled_images", f"Number {OF}, with a finding and a label", report.month.labelled)


def _figures(report: Report) -> Iterator[Metric]:
    month = report.month
    shares = GaugeMetricFamily("covidxr_drift_abstention_share", f"Share {OF}, by reason", labels=["reason"])
    for reason, count in month.abstained.items():
        if month.images:
            shares.add_metric([reason], count / month.images)
    yield shares
    for name, what, value in (
        ("mean_probability", "Mean probability of COVID", month.probability.value),
        ("mean_distance", "Mean distance from known chests", month.distance.value),
        ("median_distance", "Median distance from known chests", month.median),
        ("agreement_share", "Share of findings that labels confirm", month.agreement.value),
    ):
        yield _gauge(name, f"{what}, {OF}", value)


def _differing(report: Report) -> Metric:
    words = "Whether the signal differs from what judged the model in service, 0 or 1"
    family = GaugeMetricFamily("covidxr_drift_differs", words, labels=["signal"])
    for signal in report.signals:
        if signal.difference is not None:
            family.add_metric([signal.name], float(signal.differs))
    return family


def _gauge(name: str, words: str, value: float | None) -> Metric:
    family = GaugeMetricFamily(f"covidxr_drift_{name}", words)
    if value is not None:
        family.add_metric([], value)
    return family
