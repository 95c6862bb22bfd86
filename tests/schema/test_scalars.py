"""Moments, cursors and files as GraphQL reads and writes them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from graphql import GraphQLError

from schema.scalars import format_moment, parse_cursor, parse_moment, parse_upload

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-23T12:00:00Z", NOON),
        ("2026-11-23t12:00:00z", NOON),
        ("2026-11-23 12:00:00+00:00", NOON),
        ("2026-11-23T09:00:00-03:00", NOON),
        ("2026-11-23T12:00:00.25Z", NOON + timedelta(milliseconds=250)),
        ("2026-11-23T12:00:00.123456789Z", NOON + timedelta(microseconds=123456)),
    ],
)
def test_a_moment_is_read_whatever_its_offset(text: str, moment: datetime) -> None:
    assert parse_moment(text) == moment
    assert parse_moment(text).tzinfo is UTC


@pytest.mark.parametrize(
    "value",
    [
        "",
        "now",
        "2026-11-23",
        "2026-11-23T12:00:00",
        "2026-11-23T12:00Z",
        "20261123T120000Z",
        "2026-02-30T12:00:00Z",
        "2026-11-23T25:00:00Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "2026-11-23T12:00:00Z ",
        1_795_000_000,
        None,
        ["2026-11-23T12:00:00Z"],
    ],
)
def test_nothing_else_is_a_moment(value: object) -> None:
    with pytest.raises(GraphQLError, match="DateTime"):
        parse_moment(value)


def test_a_moment_is_written_in_utc() -> None:
    salta = timezone(timedelta(hours=-3))
    assert format_moment(NOON.astimezone(salta)) == "2026-11-23T12:00:00Z"
    assert parse_moment(format_moment(NOON + timedelta(microseconds=1))) == NOON + timedelta(microseconds=1)


@pytest.mark.parametrize("value", [5, None, ["x"], {"x": 1}])
def test_a_cursor_is_a_text(value: object) -> None:
    assert parse_cursor("x") == "x"
    with pytest.raises(GraphQLError, match="Cursor"):
        parse_cursor(value)


@pytest.mark.parametrize("value", ["x.png", 5, None, {"name": "x.png"}, b"PNG"])
def test_only_a_file_is_an_upload(value: object) -> None:
    with pytest.raises(GraphQLError, match="Upload"):
        parse_upload(value)
