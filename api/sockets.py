"""GraphQL over WebSocket: what Strawberry's handler of graphql-transport-ws takes for granted is checked."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from graphql import GraphQLError
from starlette import websockets
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler
from strawberry.subscriptions.protocols.graphql_transport_ws.types import (
    ConnectionInitMessage,
    Message,
    SubscribeMessage,
)

from api.auth import authorization_of, bearer
from api.patience import LEAVE
from api.seats import TOO_MANY, NoSeat, holder_of
from schema import streams
from schema.context import Session
from schema.errors import AWAY_SECONDS, RATE_LIMITED, UNAUTHENTICATED, fault

if TYPE_CHECKING:
    from api.graphql import GraphQLView

ENDED = "The session has ended: sign in again"
RESTART = 1012
"""The close code of a server that ends: clients connect again, and come to another."""
TRY_AGAIN = 1013
"""The close code where somebody cannot be let in now."""
RESTARTS = "The server restarts: connect again, and subscribe with the last cursor as `after`"
REASON_BYTES = 123
"""A close frame holds no longer reason."""


class Wire(ASGIWebSocketAdapter):
    """A socket that can be closed for any reason, and whose client may hang up at any time."""

    async def send_json(self, message: Mapping[str, object]) -> None:
        try:
            await super().send_json(message)
        except websockets.WebSocketDisconnected as error:  # the second message to a client that is gone
            raise WebSocketDisconnected from error
        except RuntimeError as error:
            if "close" not in str(error):
                raise
            raise WebSocketDisconnected from error  # of Starlette or uvicorn, behind a close of either side

    async def close(self, code: int, reason: str) -> None:
        with suppress(websockets.WebSocketDisconnect, websockets.WebSocketDisconnected):
            await super().close(code, reason.encode()[:REASON_BYTES].decode(errors="ignore"))


class Handler(BaseGraphQLTransportWSHandler[Session, None]):
    """One socket. A message out of shape closes it with 4400; an operation's errors end that one alone."""

    _watching: asyncio.Task[None] | None = None
    _leaving: asyncio.Task[None] | None = None

    async def handle(self) -> None:
        setattr(cast("Wire", self.websocket).ws.state, LEAVE, self.leave)
        try:
            self._seat = self._view.seats.take(holder_of(self.context))
        except NoSeat as error:
            await self.websocket.close(TOO_MANY, str(error))
            return
        try:
            await super().handle()
        finally:
            self._seat.leave()

    @property
    def _view(self) -> GraphQLView:
        return cast("GraphQLView", self.view)

    def leave(self) -> None:
        """Begin nothing more, answer what is under way, and send the client to another server."""
        self._leaving = asyncio.create_task(self._leave())

    async def _leave(self) -> None:
        if tasks := [
            one.task for one in self.operations.values() if one.task and not self._view.listens(one)
        ]:
            await asyncio.wait(tasks)
        await self.websocket.close(RESTART, RESTARTS)

    async def shutdown(self) -> None:
        for task in filter(None, (self._watching, self._leaving)):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await super().shutdown()

    async def handle_connection_init(self, message: ConnectionInitMessage) -> None:
        try:
            if not self.connection_init_received:
                await self._sign_in(message.get("payload") or {})
        except NoSeat as error:
            await self.websocket.close(TOO_MANY, str(error))
            return
        except Exception as error:
            await self.websocket.close(TRY_AGAIN, fault(error, "connection_init").message)
            return
        await super().handle_connection_init(message)
        if self.connection_acknowledged and not self._watching:
            self._watching = asyncio.create_task(self._watch())

    async def _sign_in(self, parameters: Mapping[str, object]) -> None:
        given, session = authorization_of(parameters), self.context
        session.token = session.cookie if given is None else bearer(given)
        await session.begin()
        self._seat.move(holder_of(self.context))

    async def _watch(self) -> None:
        """Close the socket once its session has expired or was revoked, whether or not anything happens."""
        while not self.context.has_ended:
            await self.context.wait_for_end(streams.SILENT_SECONDS)
            try:
                await self.context.refresh(older_than=streams.SILENT_SECONDS)
            except Exception as error:  # a session outlives a database that is away for a while
                fault(error, "the watch of a session")
                await asyncio.sleep(AWAY_SECONDS)
        await self._end_operations()
        await self.websocket.close(4403, ENDED)  # clients may come again, with another token

    async def _end_operations(self) -> None:
        for operation in list(self.operations.values()):
            await operation.send_initial_errors([_ended()])
            if operation.task:
                operation.task.cancel()

    async def handle_message(self, message: Message) -> None:
        problem = problem_of(message)
        if problem is None:
            await super().handle_message(message)
        else:
            await self.handle_invalid_message(problem)

    async def handle_subscribe(self, message: SubscribeMessage) -> None:
        if self._leaving:
            return  # whoever asked hears of the end, and knows that it was not begun
        if not self.connection_acknowledged:
            await super().handle_subscribe(message)  # which closes with 4401
            return
        try:
            await self._use()  # a session ended elsewhere does nothing more here
            self._check_session()
            self._check_room()
            message["payload"]["query"] = self._text_of(message["payload"])
        except GraphQLError as error:
            await self.send_message({"id": message["id"], "type": "error", "payload": [error.formatted]})
        else:
            await super().handle_subscribe(message)

    async def _use(self) -> None:
        try:
            await self.context.use()
        except Exception as error:
            raise fault(error, "a socket's session") from error

    def _check_session(self) -> None:
        if self.context.has_ended:
            raise _ended()

    def _check_room(self) -> None:
        most = self.max_subscriptions_per_connection
        if most and len(self.operations) >= most:
            text = f"at most {most} operations at once on a socket"
            raise GraphQLError(text, extensions={"code": RATE_LIMITED})

    def _text_of(self, payload: Mapping[str, Any]) -> str:
        query, extensions = payload.get("query"), payload.get("extensions")
        return self._view.register.text_of(query, extensions, is_admin=self.context.is_admin) or ""

    async def handle_task_exception(self, error: Exception) -> None:
        if not isinstance(error, WebSocketDisconnected):  # clients may leave in mid-answer
            await super().handle_task_exception(error)

    @staticmethod
    def _get_pre_execution_close_reason(error: GraphQLError) -> str | None:
        return None  # Strawberry would close the socket, and with it everybody else's operations


def _ended() -> GraphQLError:
    return GraphQLError(ENDED, extensions={"code": UNAUTHENTICATED})


def problem_of(message: object) -> str | None:
    """What is wrong with the shape of a client's message."""
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        return "A message is an object with a type"
    if message["type"] in ("subscribe", "complete") and not _is_text(message.get("id")):
        return "The id of an operation is a text that is not empty"
    if message["type"] == "subscribe":
        return _problem_of_operation(message.get("payload"))
    if not isinstance(message.get("payload"), dict | None):
        return "The payload is an object"
    return None


def _problem_of_operation(payload: object) -> str | None:
    if not isinstance(payload, dict) or not _names_a_document(payload):
        return "The payload of subscribe is an object with a query"
    if not isinstance(payload.get("operationName"), str | None):
        return "The name of an operation is a text"
    if not all(isinstance(payload.get(name), dict | None) for name in ("variables", "extensions")):
        return "Variables and extensions are objects"
    return None


def _names_a_document(payload: Mapping[str, Any]) -> bool:
    extensions = payload.get("extensions")
    is_by_hash = isinstance(extensions, dict) and extensions.get("persistedQuery") is not None
    return isinstance(payload.get("query"), str | None if is_by_hash else str)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""
