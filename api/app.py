"""The web application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route, WebSocketRoute
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from api import cross_site, exports, health, model_cards, pages, pixels
from api.graphql import GraphQLView
from api.metrics import Metrics
from api.request_ids import RequestIds
from api.safeguards import Guarded
from api.session_cookie import SessionCookie
from api.settings import Settings
from api.trusted import register_of
from api.wiring import Parts, running

WEB = Path(__file__).parents[1] / "web" / "dist"


def create_app(settings: Settings, parts: Parts, web: Path = WEB) -> Starlette:
    """An application whose platform runs from its start-up to its shutdown.

    Raises:
        CannotStart: the documents to be trusted alone are no manifest or do not fit the schema.
    """

    token = settings.metrics_token

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with running(settings, parts, works=not settings.scales_out) as platform:
            app.state.platform = platform
            app.state.metrics = Metrics(platform, of_patients=token is not None)
            yield

    register = register_of(settings.trusted_documents, web)
    view = GraphQLView(
        lambda: app.state.platform,
        SessionCookie(settings.own_origin),
        partial(pages.graphiql_page, web),
        allowed_origins=[settings.own_origin, *settings.other_origins],
        register=register,
    )
    routes = [
        Route("/graphql", view, methods=["GET", "POST"]),
        WebSocketRoute("/graphql", view),
        *health.routes(token),
        *pixels.routes(),
        *exports.routes(),
        *model_cards.routes(),
        *pages.routes(web),
    ]
    app: Starlette = Guarded(
        by_tls=settings.address.startswith("https://"),
        lifespan=lifespan,
        routes=routes,
        middleware=_at_the_edge(settings),
        exception_handlers={404: pages.missing(web)},
    )
    return app


def _at_the_edge(settings: Settings) -> list[Middleware]:
    """What a request passes first; an id is believed of whom the socket itself shows to be a proxy."""
    proxies = settings.trusted_proxies
    return [
        Middleware(RequestIds, trusted=proxies),
        *([Middleware(ProxyHeadersMiddleware, trusted_hosts=proxies)] if proxies else []),
        *cross_site.middleware(settings.other_origins),
    ]
