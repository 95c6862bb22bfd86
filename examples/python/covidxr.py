"""A client of COVID-XR in Python, with gql: sign in, upload, listen, and resume where it stopped.

    pip install 'gql[httpx,websockets]'
    COVIDXR_PASSWORD=… python covidxr.py http://127.0.0.1:8000 you@your-hospital.example chest.jpg …

For research, not for diagnosis.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gql import Client, FileVar, GraphQLRequest, gql
from gql.transport.exceptions import TransportClosed, TransportConnectionFailed
from gql.transport.httpx import HTTPXAsyncTransport
from gql.transport.websockets import WebsocketsTransport

SIGN_IN = gql("""
  mutation SignIn($input: SignInInput!) {
    signIn(input: $input) { token errors { code message path } }
  }
""")

UPLOAD = gql("""
  mutation Upload($input: UploadImagesInput!) {
    uploadImages(input: $input) {
      results { filename image { id } duplicateOf { id } errors { code message } }
      errors { code message path }
    }
  }
""")

LAST_CURSOR = gql("query LastCursor { lastCursor }")

PREDICTIONS = gql("""
  subscription Predictions($after: Cursor) {
    predictionMade(after: $after) {
      cursor
      prediction { finding probability abstained image { filename } }
    }
  }
""")


class Refused(Exception):
    """What stands in the way, in words for people."""


@dataclass(frozen=True)
class CovidXR:
    """A server, and a session there once somebody has signed in."""

    address: str
    token: str | None = None

    async def ask(self, request: GraphQLRequest, upload: bool = False, **variables: Any) -> Any:
        """The one field that is asked for.

        Raises:
            Refused: it is a payload with errors.
            TransportQueryError: the operation as a whole has; each error has a code in its extensions.
        """
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        transport = HTTPXAsyncTransport(f"{self.address}/graphql", headers=headers, timeout=60)
        request.variable_values = variables
        async with Client(transport=transport, execute_timeout=60) as session:
            answer = await session.execute(request, upload_files=upload)
        (payload,) = answer.values()
        if isinstance(payload, dict) and (errors := payload.get("errors")):
            raise Refused("; ".join(error["message"] for error in errors))
        return payload

    async def sign_in(self, email: str, password: str) -> CovidXR:
        """The same server in a new session, good for two weeks."""
        payload = await self.ask(SIGN_IN, input={"email": email, "password": password})
        return CovidXR(self.address, payload["token"])

    async def upload(self, files: list[Path], patient: str | None = None) -> list[dict[str, Any]]:
        """A result for each file: what is wrong with one stops no other."""
        given = {"files": [FileVar(str(file)) for file in files], "patientRef": patient}
        payload = await self.ask(UPLOAD, upload=True, input=given)
        results: list[dict[str, Any]] = payload["results"]
        return results

    async def last_cursor(self) -> str:
        """The place of now: what happens from here on is heard of ``after`` it."""
        cursor: str = await self.ask(LAST_CURSOR)
        return cursor

    async def predictions(self, after: str | None = None) -> AsyncGenerator[dict[str, Any], None]:
        """Predictions as they are made, those missed behind ``after`` first; connects again by itself."""
        while True:
            transport = WebsocketsTransport(
                f"{self.address.replace('http', 'ws', 1)}/graphql",
                init_payload={"authorization": f"Bearer {self.token}"},
                subprotocols=[WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL],
                ping_interval=20,
                pong_timeout=10,
            )
            try:
                async with Client(transport=transport) as session:
                    PREDICTIONS.variable_values = {"after": after}
                    async for event in session.subscribe(PREDICTIONS):
                        after = event["predictionMade"]["cursor"]
                        yield event["predictionMade"]
            except (TransportClosed, TransportConnectionFailed):
                await asyncio.sleep(1)


def in_words(prediction: dict[str, Any]) -> str:
    """A prediction in a line."""
    found = prediction["finding"] or f"no finding ({prediction['abstained']})"
    return f"{prediction['image']['filename']}: {found}, probability {prediction['probability']}"


async def main(address: str, email: str, files: list[Path]) -> None:
    """Upload file by file; hear of the first as it happens, and of the others by resuming behind it."""
    covidxr = await CovidXR(address).sign_in(email, os.environ["COVIDXR_PASSWORD"])
    first, *others = files
    now = await covidxr.last_cursor()  # a subscription does not say when it stands
    async with aclosing(covidxr.predictions(after=now)) as predictions:
        hearing = asyncio.ensure_future(anext(predictions))
        await covidxr.upload([first])
        event = await hearing
    print(in_words(event["prediction"]))
    if others:
        await covidxr.upload(others)  # while nobody listens
    heard = covidxr.predictions(after=event["cursor"])
    for _ in others:
        print(in_words((await anext(heard))["prediction"]))
    await heard.aclose()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], [Path(name) for name in sys.argv[3:]]))
