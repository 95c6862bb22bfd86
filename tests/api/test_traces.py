"""Traces: spans of a request and of what came of it, at a collector on loopback; none where nobody asks."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from api.app import create_app
from api.settings import Settings
from api.traces import ENDPOINTS, traced
from api.wiring import Parts
from services import tracing
from store.tables import ModelVersion, OutboxEvent
from tests import databases, people
from tests.asking import Asker
from tests.people import eventually
from tests.stand_ins import picture


@dataclass
class Collector:
    """Takes what is exported, by OTLP over HTTP."""

    port: int = 0
    received: list[ExportTraceServiceRequest] = field(default_factory=list)

    @property
    def spans(self) -> list[Span]:
        return [
            span
            for request in self.received
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def named(self, name: str) -> list[Span]:
        return [span for span in self.spans if span.name == name]


@contextmanager
def collecting() -> Iterator[Collector]:
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.received.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector.port = server.server_address[1]
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield collector
        server.shutdown()
        thread.join()


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with collecting() as one:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{one.port}")
        monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=ward")
        yield one


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    return databases.sqlite_copy(sqlite_template, tmp_path)


async def story(settings: Settings, parts: Parts, tmp_path: Path) -> None:
    """Ana uploads films with labels, of which a model is made and put in service."""
    app = create_app(settings, parts, web=tmp_path / "dist")
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://covidxr.test") as client,
    ):
        ana = await Asker(client).signed_in(await people.member())
        films = [("gomez.png", picture(n)) for n in range(3)]
        await ana.upload(films, "id", patientRef="HC-1", label="COVID", waitSeconds=10)
        await eventually(lambda: ModelVersion.filter(number=2).exists())
        await client.get("/healthz")
        await eventually(_all_is_told)


async def _all_is_told() -> bool:
    return not await OutboxEvent.exists()


def told(span: Span) -> dict[str, Any]:
    values = {one.key.removeprefix("covidxr."): one.value for one in span.attributes}
    return {key: value.string_value or value.int_value for key, value in values.items()}


async def test_one_trace_leads_from_the_request_to_the_training(
    settings: Settings, parts: Parts, tmp_path: Path, collector: Collector
) -> None:
    with traced():
        await story(settings, parts, tmp_path)
    by_id = {span.span_id: span for span in collector.spans}

    def way(span: Span) -> list[str]:
        return [*(way(by_id[span.parent_span_id]) if span.parent_span_id else []), span.name]

    upload = ["POST", "mutation uploadImages"]
    assert upload in [way(span) for span in collector.named("mutation uploadImages")]
    judged = [*upload, "ImageUploaded", "diagnosis"]
    assert [way(span) for span in collector.named("features")] == [[*judged, "features"]] * 3
    (learn,) = collector.named("learn")
    due = [*upload, "LabelSubmitted", "threshold", "RetrainingRequested", "training"]
    assert way(learn) == [*due, "learn"]
    assert told(learn)["run_id"] == "1"
    (request,) = [span for span in collector.named("POST") if not span.parent_span_id]
    assert (told(request)["status"], told(request)["outcome"]) == (200, "OK")
    assert {told(span)["request_id"] for span in collector.spans if span.trace_id == request.trace_id} == {
        told(request)["request_id"]
    }
    assert not collector.named("GET")  # who looks after us is no request
    (resource,) = {str(one.resource_spans[0].resource) for one in collector.received}
    assert all(word in resource for word in ("covid-xr", "ward"))
    assert not [word for word in ("gomez", "HC-1", "hospital") if word in str(collector.received)]


async def test_a_failure_tells_its_kind_and_not_its_words(collector: Collector) -> None:
    with traced(), pytest.raises(ValueError, match="ana"), tracing.span("failing"):
        raise ValueError("ana@hospital.example")
    (span,) = collector.named("failing")
    assert told(span)["error.type"] == "ValueError"
    assert "hospital" not in str(span)


def nothing_is_kept() -> bool:
    return tracing.carried() == {} and tracing.span("a") is tracing.span("b")


@pytest.mark.parametrize("disabled", [True, False])
def test_nothing_is_kept_that_nobody_asked_for(
    disabled: bool, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    if disabled:
        monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    else:
        for name in ENDPOINTS:
            monkeypatch.delenv(name, raising=False)
    with traced():
        assert nothing_is_kept()


def test_without_the_extra_somebody_is_told_what_to_install(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with traced():
        assert nothing_is_kept()
    assert "install the extra" in caplog.text
