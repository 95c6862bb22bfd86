"""Serves the web pages of ``web/dist``, and plain ones that need no script where they are not built."""

import base64
import hashlib
import html
import re
from collections.abc import Callable

# Unlike Path.is_file before Python 3.14, this answers "no" to a name too long to exist.
from os.path import isfile
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

# The pages that web/src/routes.ts chooses between, by address.
PAGES = (
    "/",
    "/news",
    "/news/{id}",
    "/contact",
    "/sign-up",
    "/sign-in",
    "/forgotten-password",
    "/verify-email",
    "/reset-password",
    "/confirm-email",
    "/account",
    "/examine",
    "/examine/{id}",
    "/label-queue",
    "/admin",
    "/admin/retraining",
    "/admin/models",
    "/admin/models/{id}",
    "/admin/drift",
    "/admin/users",
    "/admin/label-conflicts",
    "/admin/news",
    "/admin/messages",
    "/admin/trail",
)

PAGE_HEADERS = {"Cache-Control": "no-cache"}
ICON_HEADERS = {"Cache-Control": "public, max-age=86400"}


def _policy(*, style: str = "'self'", font: str = "'self'", images: str = "'self' data:") -> str:
    return (
        f"default-src 'none'; script-src 'self'; style-src {style}; font-src {font}; img-src {images}; "
        "connect-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


# The preview of a file that is chosen for upload is a blob of the page's own.
APP_POLICY = _policy(images="'self' data: blob:")
# A worker of GraphiQL's editor is an asset, and obeys the policy that it came with, not its page's.
ASSET_POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
# Vite names an asset after its content: what has been fetched once never changes.
ASSET_HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Security-Policy": ASSET_POLICY,
}
# GraphiQL's editor writes style elements as it runs, and its style sheet carries its fonts.
GRAPHIQL_POLICY = _policy(style="'self' 'unsafe-inline'", font="'self' data:")


def routes(dist: Path) -> list[BaseRoute]:
    """The routes of the pages, their assets and the icon, all from ``dist`` as it is at each request.

    GraphiQL has no route here, since it shares its address with the API: see :func:`graphiql_page`.
    """

    def page(request: Request) -> Response:
        return _built(dist / "index.html", APP_POLICY) or _plain_page(request)

    def asset(request: Request) -> Response:
        return _file(dist / "assets" / request.path_params["name"], ASSET_HEADERS)

    def icon(_: Request) -> Response:
        return _file(dist / "favicon.svg", ICON_HEADERS)

    return [
        *(Route(path, page, methods=["GET"]) for path in PAGES),
        Route("/assets/{name}", asset, methods=["GET"]),
        Route("/favicon.svg", icon, methods=["GET"]),
        Route("/favicon.ico", icon, methods=["GET"]),
    ]


def graphiql_page(dist: Path) -> Response:
    """What a browser gets at the address of the API: GraphiQL, or a plain page where it is not built."""
    return _built(dist / "graphiql.html", GRAPHIQL_POLICY) or _plain(GRAPHIQL_BODY)


def missing(dist: Path) -> Callable[[Request, Exception], Response]:
    """The answer where there is no such address: a page for a browser, a line for everything else."""

    def answer(request: Request, _: Exception) -> Response:
        if "text/html" not in request.headers.get("Accept", ""):
            return PlainTextResponse("Not found", 404)
        return _built(dist / "index.html", APP_POLICY, 404) or _plain(MISSING_BODY, 404)

    return answer


def _built(file: Path, policy: str, status: int = 200) -> Response | None:
    if not isfile(file):
        return None
    return FileResponse(file, status, headers={**PAGE_HEADERS, "Content-Security-Policy": policy})


def _file(file: Path, headers: dict[str, str]) -> Response:
    return FileResponse(file, headers=headers) if isfile(file) else PlainTextResponse("Not found", 404)


# ------------------------------------------------------------------ the plain pages

STYLE = (
    ":root{color-scheme:light dark}"
    "body{max-width:42rem;margin:3rem auto;padding:0 1rem;font:1.05rem/1.6 system-ui,sans-serif}"
    "pre{padding:1rem;white-space:pre-wrap;overflow-wrap:anywhere;border:1px solid #8886;border-radius:.4rem}"
    ".warning{padding:.75rem 1rem;border-left:.3rem solid #d98324;background:#d983241f}"
)


def plain_policy(style: str) -> str:
    """For a page without scripts that holds this style and no other."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
        "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    )


PLAIN_POLICY = plain_policy(STYLE)

FRAME = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>COVID-XR</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<h1>COVID-XR</h1>
<p class="warning"><strong>For research, not for diagnosis.</strong></p>
{body}
</body>
</html>
"""

HOME_BODY = """<p>COVID-19 findings on chest X-rays, from a classifier that grows with your ground truth.</p>
<p>The server is up, and its API answers at <a href="/graphql">/graphql</a>. Its web pages have not been
built: install Node.js 20.19 or newer with npm, and run <code>make web</code>.</p>"""

MISSING_BODY = """<p>There is no such page. <a href="/">Back to the start</a></p>"""

GRAPHIQL_BODY = """<p>This is the address of the GraphQL API, for operations by POST, GET and WebSocket
(ADDRESS is this server's):</p>
<pre>curl ADDRESS/graphql -H 'Content-Type: application/json' \\
  -d '{"query": "{ model { number head } }"}'</pre>
<p>GraphiQL, the page to explore it with, has not been built: install Node.js 20.19 or newer with npm, and run
<code>make web</code>.</p>"""

MAIL_BODY = """<p>The page that this link leads to has not been built. The same by hand, with ADDRESS for
this server's:</p>
<pre>curl ADDRESS/graphql -H 'Content-Type: application/json' \\
  -d '{"query": "mutation { %s { errors { message } } }"}'</pre>"""

MUTATIONS = {
    "/verify-email": r"verifyEmail(input: {token: \"%s\"})",
    "/reset-password": r"resetPassword(input: {token: \"%s\", password: \"NEW PASSWORD\"})",
}


def _plain_page(request: Request) -> Response:
    mutation = MUTATIONS.get(request.url.path)
    return _plain(MAIL_BODY % _with_token(mutation, request) if mutation else HOME_BODY)


def _with_token(mutation: str, request: Request) -> str:
    """The mutation with the link's token. Readers paste it into a shell: nothing else may come that way."""
    token = request.query_params.get("token", "")
    return html.escape(mutation % (token if re.fullmatch(r"[\w-]+", token, re.ASCII) else "TOKEN"))


def _plain(body: str, status: int = 200) -> Response:
    return HTMLResponse(
        FRAME.format(style=STYLE, body=body),
        status,
        headers={**PAGE_HEADERS, "Content-Security-Policy": PLAIN_POLICY},
    )
