"""What clients are answered with."""

import pytest

from api.negotiation import EVENTS, HTML, JSON, RESPONSE_JSON, answer_type, wants

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
URQL = (
    "application/graphql-response+json, application/graphql+json, application/json, "
    "text/event-stream, multipart/mixed"
)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("application/json", JSON),
        ("image/png", JSON),
        ("application/graphql-response+json", RESPONSE_JSON),
        ("application/graphql-response+json; charset=utf-8", RESPONSE_JSON),
        ("APPLICATION/GraphQL-Response+JSON", RESPONSE_JSON),
        ("application/graphql-response+json, application/json", RESPONSE_JSON),
        ("application/json, application/graphql-response+json", RESPONSE_JSON),
        ("application/graphql-response+json;q=0.5, application/json", JSON),
        ("application/graphql-response+json, application/json;q=0.5", RESPONSE_JSON),
        ("application/graphql-response+json;q=0", JSON),
        ("application/graphql-response+json;q=0.9, */*;q=0.8", RESPONSE_JSON),
        ("application/graphql-response+json;q=x", JSON),
        (URQL, RESPONSE_JSON),
        (BROWSER, JSON),
        (",;,q=,;q=1", JSON),
    ],
)
def test_the_answer_is_of_the_type_that_is_wanted(accept: str, expected: str) -> None:
    assert answer_type(accept) == expected


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("text/event-stream", True),
        ("text/event-stream, application/json;q=0.9", True),
        ("text/event-stream, */*", True),
        ("text/event-stream;q=0.5, */*", False),
        ("text/event-stream, application/json", False),
        ("text/event-stream;q=0", False),
        ("text/*", False),
        ("*/*", False),
        ("", False),
        (URQL, False),
    ],
)
def test_events_are_streamed_to_who_wants_them_more_than_json(accept: str, expected: bool) -> None:
    assert wants(accept, EVENTS) is expected


@pytest.mark.parametrize(
    ("accept", "expected"),
    [(BROWSER, True), ("text/html", True), ("*/*", False), ("application/json", False)],
)
def test_a_page_is_for_browsers(accept: str, expected: bool) -> None:
    assert wants(accept, HTML) is expected
