"""Cursors: opaque, and refused where they are not ours."""

import base64

import pytest

from events.log import CursorError, decode_cursor, encode_cursor


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize("position", [0, 1, 9, 10, 4095, 2**31, 2**53 + 1, 2**63 - 1])
def test_a_cursor_stands_for_its_place(position: int) -> None:
    assert decode_cursor(encode_cursor(position)) == position


def test_a_cursor_can_stand_in_an_address() -> None:
    cursors = [encode_cursor(position) for position in range(2000)]
    assert all(cursor.replace("-", "").replace("_", "").isalnum() for cursor in cursors)
    assert len(set(cursors)) == 2000


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "=",
        "====",
        "12",
        "not a cursor",
        "ZXZlbnQ6MQ\n",
        "ZXZl!!bnQ6MQ",
        "é",
        "日本",
        "\ud800",
        "\x00",
        "A" * 10_000,
    ],
)
def test_refuses_what_is_malformed(cursor: str) -> None:
    with pytest.raises(CursorError):
        decode_cursor(cursor)


@pytest.mark.parametrize(
    "text",
    [
        "event:",
        "event:-1",
        "event:+1",
        "event: 1",
        "event:1.5",
        "event:1e3",
        "event:1_000",
        "event:٣",
        "event:²",
        "event:01",
        "event:9223372036854775808",
        "event:" + "9" * 5000,
        "event:1:2",
        "image:1",
        "Event:1",
        "1",
        "event",
    ],
)
def test_refuses_what_is_not_of_this_log(text: str) -> None:
    with pytest.raises(CursorError):
        decode_cursor(encoded(text))


def test_refuses_bytes_that_are_no_text() -> None:
    with pytest.raises(CursorError):
        decode_cursor(base64.urlsafe_b64encode(b"\xff\xfe\xfd").decode())


def test_the_refusal_of_a_long_text_is_short() -> None:
    with pytest.raises(CursorError) as refused:
        decode_cursor("A" * 10_000)
    assert len(str(refused.value)) < 100
