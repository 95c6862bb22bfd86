"""Asking the GraphQL endpoint as its clients do, in the test's own process."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route, WebSocketRoute

from api.graphql import GraphQLView
from api.session_cookie import SessionCookie
from services import tokens
from services.platform import Platform
from store.tables import TokenPurpose, User

ORIGIN = "http://covidxr.test"
COOKIE = SessionCookie(ORIGIN)
PAGE = "<h1>GraphiQL</h1>"
VIEWERS = ("anybody", "owner", "other", "admin", "blocked", "unverified", "held-back")
"""Who asks, of the fixture `everybody`: administrators need a second factor, and the last one has none."""


def application(platform: Platform, cookie: SessionCookie = COOKIE, **options: Any) -> Starlette:
    """The endpoint alone, with more of its options, mounted as the application mounts it."""
    view = GraphQLView(lambda: platform, cookie, page=lambda: HTMLResponse(PAGE), **options)
    return Starlette(
        routes=[Route("/graphql", view, methods=["GET", "POST"]), WebSocketRoute("/graphql", view)]
    )


@dataclass(frozen=True)
class Asker:
    """A client of the endpoint, signed in or not."""

    client: httpx.AsyncClient
    token: str | None = None

    async def signed_in(self, user: User) -> Asker:
        """The same client in a new session of the user's."""
        return replace(self, token=await tokens.issue(user, TokenPurpose.SESSION))

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    async def ask(self, query: str, /, **variables: Any) -> dict[str, Any]:
        """The whole answer."""
        body = {"query": query, "variables": variables}
        answer: dict[str, Any] = (await self.client.post("/graphql", json=body, headers=self.headers)).json()
        return answer

    async def data(self, query: str, /, **variables: Any) -> Any:
        """The one root field of an answer without errors."""
        answer = await self.ask(query, **variables)
        assert "errors" not in answer, answer
        (only,) = answer["data"].values()
        return only

    async def code(self, query: str, /, **variables: Any) -> str:
        """The one code of all the errors."""
        answer = await self.ask(query, **variables)
        (code,) = {error["extensions"]["code"] for error in answer["errors"]}
        return str(code)

    async def mutate(self, name: str, fields: str, /, **given: Any) -> Any:
        """The payload of a mutation that takes an input; ``fields`` beside its errors."""
        kind = name[0].upper() + name[1:]
        query = f"mutation($input: {kind}Input!) {{ {name}(input: $input) {{ {fields} {ERRORS} }} }}"
        return await self.data(query, input=given)

    async def upload(self, files: Sequence[tuple[str, bytes]], fields: str, **given: Any) -> Any:
        """The payload of `uploadImages`, with these fields of each image."""
        asked = f"{ERRORS} results {{ filename {ERRORS} image {{ {fields} }} duplicateOf {{ {fields} }} }}"
        answer = await self.send(files, asked, **given)
        assert "errors" not in answer, answer
        return answer["data"]["uploadImages"]

    async def send(self, files: Sequence[tuple[str, bytes]], fields: str, **given: Any) -> dict[str, Any]:
        """The whole answer to `uploadImages`, with these fields of its payload."""
        query = f"mutation($input: UploadImagesInput!) {{ uploadImages(input: $input) {{ {fields} }} }}"
        operations = {"query": query, "variables": {"input": {"files": [None] * len(files), **given}}}
        places = {str(n): [f"variables.input.files.{n}"] for n in range(len(files))}
        response = await self.client.post(
            "/graphql",
            data={"operations": json.dumps(operations), "map": json.dumps(places)},
            files={str(n): file for n, file in enumerate(files)},
            headers=self.headers or {"GraphQL-Require-Preflight": "1"},
        )
        answer: dict[str, Any] = response.json()
        return answer


ERRORS = "errors { code message path }"


def codes(payload: Any) -> list[tuple[str, list[str] | None]]:
    """The codes and paths of a payload's errors."""
    return [(error["code"], error["path"]) for error in payload["errors"]]
