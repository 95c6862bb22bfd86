"""Sends spans by OpenTelemetry's protocol, where `OTEL_…` says so and the extra `traces` is installed."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Timer
from typing import TYPE_CHECKING

from services.following import ids
from services.tracing import PARENT, Kind, Value, kept_by

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
"""The standard's default is a collector on this machine: without either we send nothing."""
SERVICE = "covid-xr"
FAREWELL_SECONDS = 2.0
"""How long a process that ends goes on sending."""
LACKING = "%s is set, and nothing is traced: install the extra: make extra-traces"

logger = logging.getLogger(__name__)


@contextmanager
def traced() -> Iterator[None]:
    """Within this, spans are sent to where the environment says, if it does."""
    wanted = [name for name in ENDPOINTS if os.environ.get(name)]
    if not wanted or os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        yield
        return
    try:
        exporter, provider = _sending()
    except ImportError:
        logger.warning(LACKING, wanted[0])
        yield
        return
    try:
        with kept_by(OpenTelemetry(provider)):
            yield
    finally:
        # Else whoever stops waits for a collector that is away as long as for one that is there.
        late = Timer(FAREWELL_SECONDS, exporter.shutdown)
        late.start()
        provider.shutdown()
        late.cancel()


def _sending() -> tuple[SpanExporter, TracerProvider]:
    """What sends, and what samples and collects for it, each as `OTEL_…` has it."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    named = Resource.create({"service.name": SERVICE}).merge(OTELResourceDetector().detect())
    provider = TracerProvider(resource=named, shutdown_on_exit=False)
    exporter = OTLPSpanExporter()
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return exporter, provider


class OpenTelemetry:
    """See `services.tracing.Tracer`."""

    def __init__(self, provider: TracerProvider) -> None:
        from opentelemetry import trace
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._trace, self._tracer = trace, provider.get_tracer(SERVICE)
        self._format = TraceContextTextMapPropagator()

    @contextmanager
    def span(self, name: str, kind: Kind, parent: str | None, told: Mapping[str, Value]) -> Iterator[object]:
        within = self._format.extract({PARENT: parent}) if parent else None
        with self._tracer.start_as_current_span(
            name,
            context=within,
            kind=self._trace.SpanKind[kind.upper()],
            attributes=_attributes({**ids(), **told}),
            record_exception=False,  # their words may be of people
            set_status_on_exception=False,
        ) as one:
            try:
                yield one
            except BaseException as error:
                one.set_attribute("error.type", type(error).__name__)
                one.set_status(self._trace.StatusCode.ERROR)
                raise

    def tell(self, told: Mapping[str, Value]) -> None:
        self._trace.get_current_span().set_attributes(_attributes(told))

    def here(self) -> str | None:
        carrier: dict[str, str] = {}
        self._format.inject(carrier)
        return carrier.get(PARENT)


def _attributes(told: Mapping[str, Value]) -> dict[str, str | int | float]:
    return {f"covidxr.{name}": value for name, value in told.items() if value is not None}
