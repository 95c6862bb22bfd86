"""Told to schemathesis: how our scalars look, and what counts as a fault of the server."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import schemathesis
from hypothesis import strategies as st
from hypothesis_graphql import nodes

TIMES = ["2026-11-23T08:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-12:00", "yesterday"]
CURSORS = ["", "x", "MA==", "MQ==", "OTk5OTk5OTk5OTk5OTk5OTk5OQ=="]

schemathesis.graphql.scalar("DateTime", st.sampled_from(TIMES).map(nodes.String))
schemathesis.graphql.scalar("Cursor", st.sampled_from(CURSORS).map(nodes.String))
schemathesis.graphql.scalar("Upload", st.just(nodes.Null))

_outcomes: Counter[str] = Counter()


@schemathesis.check
def no_fault_of_the_server(
    context: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case
) -> None:
    """Refusals are no faults: a status of 5xx and the code INTERNAL are."""
    answer = json.loads(response.text)
    codes = [error["extensions"]["code"] for error in answer.get("errors", [])] or ["data"]
    _outcomes.update(codes[:1])
    Path(os.environ["FUZZ_OUTCOMES"]).write_text(json.dumps(_outcomes), encoding="utf-8")
    assert response.status_code < 500, response.text
    assert "INTERNAL" not in codes, response.text
