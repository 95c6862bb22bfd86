"""Server-sent events, for clients without a WebSocket."""

import asyncio
import json

import httpx

from services.platform import Platform
from tests.asking import Asker
from tests.listening import NEWS


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
