"""The GraphQL endpoint: one address for POST, GET, WebSocket and server-sent events."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import nullcontext
from datetime import timedelta
from functools import cached_property, partial
from typing import Any, cast

import orjson
from cross_web import AsyncHTTPRequestAdapter, HTTPException
from graphql import GraphQLError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError, MissingQueryError
from strawberry.http import GraphQLHTTPResponse, GraphQLRequestData
from strawberry.http.streaming import SSETransport
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.subscriptions import GRAPHQL_SSE_PROTOCOL, GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import Operation
from strawberry.types import ExecutionResult, SubscriptionExecutionResult
from strawberry.types.graphql import OperationType

from api.auth import authorization_of, bearer, source_of
from api.bodies import UPLOAD, BoundedBody, is_request_error, limits_of, retry_after, status_of
from api.freshness import is_public, revalidated
from api.multipart import BoundedRequest, put_files, refuse_other_sites, text_of
from api.negotiation import EVENTS, HTML, answer_type, wants
from api.patience import ADJOURNMENT, ENDLESS, FAREWELL, REASON
from api.seats import RETRY_SECONDS, NoSeat, Seats, holder_of
from api.session_cookie import SessionCookie
from api.sockets import RESTARTS, Handler, Wire
from api.trusted import BadManifest, Register
from api.turns import Turns
from schema.audience import Audience
from schema.context import Session
from schema.errors import BAD_USER_INPUT, RATE_LIMITED, RESTARTING, TOO_SLOW, fault
from schema.schema import Schema, build_schema
from services.platform import Platform

INIT_TIMEOUT = timedelta(seconds=10)
MAX_OPERATIONS_PER_SOCKET = 100
FORMS_AT_ONCE = 8
"""Forms of uploads that are read at the same time; others wait."""
FORMS_OF_ONE = 3
"""Of these, one user's: as many as a web page sends at once. Whoever sends slowly holds up nobody else."""

security = logging.getLogger("security")

READING = {OperationType.QUERY}
WRITING = {OperationType.QUERY, OperationType.MUTATION}
HEADERS = {"Vary": "Accept", "Cache-Control": "no-store"}


class EventStream(SSETransport):
    """Server-sent events, for clients that want them more than JSON; many name them on every request."""

    def accepts(self, accept: str) -> bool:
        return wants(accept, EVENTS)

    def last_words(self, reason: str, code: str, encode_json: Callable[[object], str]) -> bytes:
        """The last that a client reads whose stream the server ends: the reason, and that it is all."""
        error: Any = {"message": reason, "extensions": {"code": code}}
        return (self.encode_next({"errors": [error]}, encode_json) + self.encode_complete()).encode()


class GraphQLView(GraphQL[Session, None]):
    """The endpoint, to be mounted as a route for GET and POST and as a WebSocket route.

    Args:
        platform: gives the use cases; asked at each request, since they start after the routes are made.
        cookie: in which our own pages keep their session.
        page: what a browser gets that opens the address.
        allowed_origins: other origins whose pages may open sockets, besides our own.
        register: what clients name by a hash, and what is trusted.

    Raises:
        BadManifest: a trusted document does not fit the schema.
    """

    request_adapter_class = BoundedRequest
    websocket_adapter_class = Wire
    graphql_transport_ws_handler_class = Handler

    def __init__(
        self,
        platform: Callable[[], Platform],
        cookie: SessionCookie,
        page: Callable[[], Response] | None = None,
        allowed_origins: Sequence[str] = (),
        register: Register | None = None,
    ) -> None:
        self.register = register or Register()
        self.seats = Seats()
        super().__init__(
            _schema_for(self.register),
            graphql_ide="graphiql" if page else None,
            # The older protocol of subscriptions-transport-ws is left out on purpose.
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL, GRAPHQL_SSE_PROTOCOL),
            connection_init_wait_timeout=INIT_TIMEOUT,
            multipart_uploads_enabled=True,
            max_subscriptions_per_connection=MAX_OPERATIONS_PER_SOCKET,
            allowed_origins=allowed_origins,
        )
        self.stream_transport_classes_by_protocol = {GRAPHQL_SSE_PROTOCOL: EventStream}
        self._platform = platform
        self._page = page
        self._cookie = cookie
        self.turns = Turns(FORMS_AT_ONCE, FORMS_OF_ONE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await super().__call__(scope, receive, send)
            return
        request = Request(scope, BoundedBody(scope, receive))
        try:
            response = await self._respond(request)
            await response(scope, receive, send)
        except ClientDisconnect:
            return
        finally:
            await request.close()
            if seat := getattr(request.state, "seat", None):
                seat.leave()

    async def _respond(self, request: Request) -> Response:
        accept = request.headers.get("accept", "")
        try:
            response = await self.run(request)
            self._keep_session(request, response)
            return revalidated(request, response) if _may_be_kept(request) else response
        except HTTPException as error:
            body = {"message": error.reason, "extensions": {"code": BAD_USER_INPUT}}
            return self._errors(body, accept, error.status_code)
        except NoSeat as error:
            limited = {"code": RATE_LIMITED, "retryAfter": RETRY_SECONDS}
            return self._errors({"message": str(error), "extensions": limited}, accept, 429)
        except ClientDisconnect:
            raise
        except Exception as error:
            told = fault(error, "the endpoint").formatted
            return self._errors(told, accept, status_of({"errors": [told]}, ""))

    def _keep_session(self, request: Request, response: Response) -> None:
        """Tell the browser what its cookie is from now on, where that has changed."""
        session: Session | None = getattr(request.state, "session", None)
        if session and session.cookie != request.state.cookie:
            self._cookie.put(request, response, session.cookie)

    def _errors(self, error: Mapping[str, Any], accept: str, status: int) -> Response:
        code = error["extensions"]["code"]
        if status < 500:
            security.info("refused", extra={"fields": {"codes": [code], "status": status}})
        response = self._answer({"errors": [error]}, answer_type(accept), status)
        if wait := retry_after({"errors": [error]}):
            response.headers["Retry-After"] = wait
        if status == 405:
            response.headers["Allow"] = "GET, POST"
        if status == 408:
            response.headers["Connection"] = "close"  # or the rest of the body would be waited for
        return response

    def _answer(self, body: object, media_type: str, status: int) -> Response:
        return Response(
            self.encode_json(body),
            status_code=status,
            headers={**HEADERS, "Content-Type": f"{media_type}; charset=utf-8"},
        )

    # ------------------------------------------------------------------ who is asking

    @cached_property
    def _audience(self) -> Audience:
        return Audience(self._platform())

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Session:
        source, cookie = source_of(request.client), self._cookie.token_of(request)
        if isinstance(request, WebSocket):  # a token may come with connection_init
            return Session(self._audience, source=source, cookie=cookie)
        given, client = request.headers.get("authorization"), request.headers.get("user-agent", "")
        token = cookie if given is None else bearer(given)
        is_own = self._cookie.is_own_page(request)
        session = Session(self._audience, token, source, client, cookie, keeps_cookie=is_own)
        await session.begin()
        request.state.session, request.state.cookie = session, cookie
        request.state.limits = limits_of(request.headers, is_signed_in=session.viewer is not None)
        request.state.sender = session.spender
        return session

    async def on_ws_connect(self, context: Session) -> Any:
        given = authorization_of(context.connection_params or {})
        if given is not None and context.viewer is None:
            raise ConnectionRejectionError  # closes with 4403
        return await super().on_ws_connect(context)

    # ------------------------------------------------------------------ what is asked

    def decode_json(self, data: str | bytes) -> object:
        return orjson.loads(data)

    def parse_json(self, data: str | bytes) -> Any:
        parsed = super().parse_json(data)
        if not isinstance(parsed, dict):
            raise HTTPException(400, "A GraphQL request and all JSON in it are objects")
        return parsed

    def parse_query_params(self, params: Mapping[str, Any]) -> dict[str, Any]:
        return super().parse_query_params({name: value for name, value in params.items() if value != "null"})

    async def parse_multipart(self, request: AsyncHTTPRequestAdapter) -> dict[str, Any]:
        assert isinstance(request, BoundedRequest)
        refuse_other_sites(request.headers)
        # Small forms take no turn: nobody known could hold up the uploads of everybody else.
        async with self.turns.turn(request.sender) if request.limits == UPLOAD else nullcontext():
            form = (await request.get_form_data()).form
        operations = self.parse_json(text_of(form, "operations"))
        put_files(operations, self.parse_json(text_of(form, "map")), form)
        return dict(operations)

    async def parse_http_body(
        self, request: AsyncHTTPRequestAdapter
    ) -> GraphQLRequestData | list[GraphQLRequestData]:
        media_type = (request.content_type or "").partition(";")[0].strip()
        if request.method == "POST" and media_type not in ("application/json", "multipart/form-data"):
            raise HTTPException(415, "The body is application/json, or multipart/form-data with files")
        data = await super().parse_http_body(request)
        if isinstance(data, GraphQLRequestData) and not isinstance(data.operation_name, str | None):
            raise HTTPException(400, "The `operationName` must be a string or null, if provided.")
        return data

    async def execute_operation(
        self,
        request: Request,
        request_adapter: AsyncHTTPRequestAdapter,
        request_data: GraphQLRequestData | list[GraphQLRequestData],
        context: Session,
        root_value: None,
        sub_response: Response,
    ) -> ExecutionResult | list[ExecutionResult] | SubscriptionExecutionResult:
        assert isinstance(request_data, GraphQLRequestData), "batches are refused as they are read"
        is_stream = self._get_stream_transport(request_data.protocol) is not None
        try:
            if is_stream:
                context.keeps_cookie = False  # its headers are sent before anything is done
                request.state.seat = self.seats.take(holder_of(context))
            request_data.query = self.register.text_of(
                request_data.query, request_data.extensions, is_admin=context.is_admin
            )
            setattr(request.state, ENDLESS, partial(self.listens, request_data))
        except GraphQLError as error:
            result = ExecutionResult(data=None, errors=[error])
            return cast(SubscriptionExecutionResult, _alone(result)) if is_stream else result
        return await super().execute_operation(
            request, request_adapter, request_data, context, root_value, sub_response
        )

    def listens(self, asked: GraphQLRequestData | Operation[Session, None]) -> bool:
        """Whether what was asked is a subscription, which has no end of its own."""
        schema = cast(Schema, self.schema)
        return schema.documents.check(asked.query or "").listens(asked.operation_name)

    async def execute_single(
        self,
        request: Request,
        request_adapter: AsyncHTTPRequestAdapter,
        sub_response: Response,
        context: Session,
        root_value: None,
        request_data: GraphQLRequestData,
    ) -> ExecutionResult:
        is_get = request_adapter.method == "GET"
        try:
            return await self.schema.execute(
                request_data.query,
                variable_values=request_data.variables,
                context_value=context,
                operation_name=request_data.operation_name,
                allowed_operation_types=READING if is_get else WRITING,
            )
        except MissingQueryError as error:
            raise HTTPException(400, "There is no query in the request") from error
        except CannotGetOperationTypeError as error:
            raise HTTPException(400, error.as_http_error_reason()) from error
        except InvalidOperationTypeError as error:
            if error.operation_type is OperationType.SUBSCRIPTION:
                raise HTTPException(
                    400, "Subscriptions need a WebSocket, or Accept: text/event-stream"
                ) from error
            raise HTTPException(405, "Mutations need POST") from error

    # ------------------------------------------------------------------ what is answered

    def encode_json(self, data: object) -> str:
        return orjson.dumps(data).decode()  # as bytes, it would go out as a binary frame

    async def create_streaming_response(
        self,
        request: Request | WebSocket,
        stream: Callable[[], AsyncIterator[str]],
        sub_response: Response,
        headers: Mapping[str, str],
    ) -> Response:
        last_words = partial(EventStream().last_words, encode_json=self.encode_json)
        setattr(request.state, FAREWELL, last_words(REASON, TOO_SLOW))
        setattr(request.state, ADJOURNMENT, last_words(RESTARTS, RESTARTING))
        return await super().create_streaming_response(request, stream, sub_response, headers)

    async def get_sub_response(self, request: Request | WebSocket) -> Response:
        response = await super().get_sub_response(request)
        response.media_type = answer_type(request.headers.get("accept", ""))
        return response

    async def process_result(self, request: Request, result: ExecutionResult) -> GraphQLHTTPResponse:
        response = await super().process_result(request, result)
        request.state.has_failed = bool(result.errors)
        if is_request_error(result):
            del response["data"]
        return response

    def create_response(
        self, response_data: GraphQLHTTPResponse | list[GraphQLHTTPResponse], sub_response: Response
    ) -> Response:
        media_type = sub_response.media_type or ""
        response = self._answer(response_data, media_type, status_of(response_data, media_type))
        if wait := retry_after(response_data):
            response.headers["Retry-After"] = wait
        return response

    def should_render_graphql_ide(self, request: Any) -> bool:
        is_page = request.method == "GET" and request.query_params.get("query") is None
        return self._page is not None and is_page and wants(request.headers.get("accept", ""), HTML)

    async def render_graphql_ide(self, request: Request) -> Response:
        assert self._page is not None
        return self._page()


def _may_be_kept(request: Request) -> bool:
    """Whether anybody may know the answer, and all of it is there; streams and pages are no results."""
    return is_public(request) and not getattr(request.state, "has_failed", True)


async def _alone(result: ExecutionResult) -> AsyncGenerator[ExecutionResult, None]:
    """A stream of one result."""
    yield result


def _schema_for(register: Register) -> Schema:
    """The schema, with what is trusted parsed and checked.

    Raises:
        BadManifest: it does not fit.
    """
    schema = build_schema()
    for text in register.trusted:
        for error in schema.documents.trust(text):
            raise BadManifest(f"has an operation that cannot run here: {error.message}: {text[:60]!r}")
    return schema
