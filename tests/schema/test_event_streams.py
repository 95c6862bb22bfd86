"""Server-sent events, for clients without a WebSocket."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from api.patience import PatientHttp
from events.log import encode_cursor
from services import tokens
from services.platform import Platform
from store.tables import Token, TokenPurpose
from tests.asking import Asker
from tests.listening import NEWS, listening

STREAM = {"Accept": "text/event-stream"}
POSTS = 60
BODY = "x" * 9_000
WITH_BODY = "subscription($after: Cursor) { newsPublished(after: $after) { cursor post { title body } } }"


class Impatient(PatientHttp):
    unread_seconds = 0.5


async def test_events_without_a_socket(address: str, admin: Asker) -> None:
    headers = {"Accept": "text/event-stream", **admin.headers}
    async with httpx.AsyncClient(base_url=f"http://{address}", headers=headers, timeout=10) as client:
        async with client.stream("POST", "/graphql", json={"query": NEWS}) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            await asyncio.sleep(0.2)  # a stream does not say when it stands
            await admin.mutate("publishNews", "post { id }", title="t", body="b")
            lines = response.aiter_lines()
            event = [await anext(lines), await anext(lines)]
        assert event[0] == "event: next"
        data = json.loads(event[1].removeprefix("data: "))["data"]["newsPublished"]
        assert data["post"]["title"] == "t"
        await admin.mutate("publishNews", "post { id }", title="missed", body="b")
        body = {"query": NEWS, "variables": {"after": data["cursor"]}}
        async with client.stream("POST", "/graphql", json=body) as response:
            lines = response.aiter_lines()
            event = [await anext(lines), await anext(lines)]
        data = json.loads(event[1].removeprefix("data: "))["data"]["newsPublished"]
        assert data["post"]["title"] == "missed"


async def test_a_stream_tells_its_errors_and_ends(address: str, platform: Platform) -> None:
    async with httpx.AsyncClient(base_url=f"http://{address}", timeout=10) as client:
        for query, code in (
            ("subscription { predictionMade { cursor } }", "UNAUTHENTICATED"),
            ('subscription { newsPublished(after: "x") { cursor } }', "BAD_USER_INPUT"),
            ("subscription {", "BAD_USER_INPUT"),
        ):
            response = await client.post(
                "/graphql", json={"query": query}, headers={"Accept": "text/event-stream"}
            )
            first, data, _, last = response.text.split("\r\n")[:4]
            assert (first, last) == ("event: next", "event: complete")
            assert json.loads(data.removeprefix("data: "))["errors"][0]["extensions"]["code"] == code


async def test_a_session_that_expires_ends_its_stream_at_that_moment(address: str, member: Asker) -> None:
    ends = datetime.now(UTC) + timedelta(seconds=3)
    begun = ends - tokens.LIFETIMES[TokenPurpose.SESSION]
    await Token.all().update(created_at=begun, expires_at=ends)
    headers = {**STREAM, **member.headers}
    async with asyncio.timeout(9), httpx.AsyncClient(base_url=f"http://{address}", headers=headers) as client:
        text = (await client.post("/graphql", json={"query": NEWS}, timeout=9)).text
    assert "UNAUTHENTICATED" in text
    assert "event: complete" in text


async def payloads(client: httpx.AsyncClient, after: str | None, pause: float) -> list[dict[str, Any]]:
    """What a stream brings to a client that begins to read after a pause, to its end or its last post."""
    body = {"query": WITH_BODY, "variables": {"after": after}}
    found: list[dict[str, Any]] = []
    async with client.stream("POST", "/graphql", json=body) as response:
        await asyncio.sleep(pause)
        async for line in response.aiter_lines():
            if line.startswith("data: {"):
                found.append(json.loads(line.removeprefix("data: ")))
                if found[-1].get("data") and _title(found[-1]) == str(POSTS - 1):
                    break
    return found


def _title(payload: dict[str, Any]) -> str:
    return str(payload["data"]["newsPublished"]["post"]["title"])


async def test_a_stream_that_is_not_read_ends_with_its_reason_and_can_be_resumed(
    platform: Platform, admin: Asker
) -> None:
    beginning = encode_cursor(await platform.log.head())
    for number in range(POSTS):
        await admin.mutate("publishNews", "post { id }", title=str(number), body=BODY)
    async with (
        listening(platform, http=Impatient) as address,
        httpx.AsyncClient(base_url=f"http://{address}", timeout=10, headers=STREAM) as client,
    ):
        *heard, last = await payloads(client, beginning, pause=3)
        assert last["errors"][0]["extensions"]["code"] == "TOO_SLOW"
        assert 0 < len(heard) < POSTS
        cursor = heard[-1]["data"]["newsPublished"]["cursor"]
        heard += await payloads(client, cursor, pause=0)
    assert [_title(payload) for payload in heard] == [str(number) for number in range(POSTS)]


async def test_a_server_that_is_stopped_ends_its_streams_and_says_why(
    platform: Platform, admin: Asker
) -> None:
    async with asyncio.timeout(20), httpx.AsyncClient(timeout=30, headers=STREAM) as client:
        async with listening(platform, http=PatientHttp) as address:
            request = client.build_request("POST", f"http://{address}/graphql", json={"query": NEWS})
            response = await client.send(request, stream=True)
            lines = response.aiter_lines()
            await asyncio.sleep(0.2)  # a stream does not say when it stands
            await admin.mutate("publishNews", "post { id }", title="t", body="b")
            assert await anext(lines) == "event: next"
        rest = [line async for line in lines]  # to the end of the answer, or this would raise
    *_, name, data, _, end, nothing, _ = rest
    assert (name, end, nothing) == ("event: next", "event: complete", "data: ")
    (error,) = json.loads(data.removeprefix("data: "))["errors"]
    assert error["extensions"] == {"code": "RESTARTING"}, "a client that goes on from its cursor"
