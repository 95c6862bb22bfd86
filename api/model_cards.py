"""Serves model cards: as a page at /models/NUMBER, and as Markdown at /models/NUMBER.md."""

from __future__ import annotations

import html
import re
from itertools import chain

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from api.auth import bearer
from api.pages import PAGE_HEADERS, STYLE, plain_policy
from api.session_cookie import kept_in
from services.card_words import WARNING
from services.links import Asked
from services.model_card import Card, Part, Section, answers, as_markdown
from services.model_cards import Found
from services.platform import Platform
from services.study_tables import Table

NAME = re.compile(r"(?P<number>[0-9]{1,9})(?P<markdown>\.md)?", re.ASCII)
"""Nine digits: the numbers of versions are of 32 bits."""
FIGURE = re.compile(r"[-\d.,() %]+", re.ASCII)
"""A cell that must not be broken, since half an interval says something else."""
PRIVATE = {"Cache-Control": "private, no-store"}

CARD_STYLE = STYLE + (
    "body{max-width:56rem;margin:1.5rem auto}"
    "a{color:#0b6a87}"
    "h2{margin-top:2.5rem}"
    "h3{margin:1.5rem 0 .5rem;font-size:1.05rem}"
    "nav{display:flex;flex-wrap:wrap;gap:.25rem 1.5rem}"
    ".claim{margin-top:-.5rem;font-size:.85rem;opacity:.75}"
    # A shadow at each end that hides cells, as the reader scrolls.
    ".table{overflow-x:auto;background:"
    "linear-gradient(to right,Canvas 50%,transparent) left/2rem 100% no-repeat local,"
    "linear-gradient(to left,Canvas 50%,transparent) right/2rem 100% no-repeat local,"
    "linear-gradient(to right,#8889,transparent) left/.8rem 100% no-repeat scroll,"
    "linear-gradient(to left,#8889,transparent) right/.8rem 100% no-repeat scroll}"
    "table{border-collapse:collapse;font-size:.95rem;font-variant-numeric:tabular-nums}"
    "th,td{padding:.35rem .9rem .35rem 0;border-bottom:1px solid #8886;text-align:left;vertical-align:top}"
    "tbody th{font-weight:600}"
    "td{min-width:4.5rem}"
    ".pair td{overflow-wrap:anywhere}"
    ".figure{white-space:nowrap}"
    "@media(prefers-color-scheme:dark){a{color:#7fd0e8}}"
    "@media print{nav{display:none}}"
)
HEADERS = {**PAGE_HEADERS, "Vary": "Authorization", "Content-Security-Policy": plain_policy(CARD_STYLE)}

FRAME = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · COVID-XR</title>
<link rel="icon" href="data:,">
<link rel="alternate" type="text/markdown" href="{markdown}">
<style>{style}</style>
</head>
<body>
<nav><a href="/">COVID-XR</a><a href="{markdown}">This card as Markdown</a></nav>
<main>
<h1>{title}</h1>
<p class="warning"><strong>{warning}</strong></p>
{body}
</main>
</body>
</html>
"""


async def card(request: Request) -> Response:
    """The card; 404 where there is none, and to whom it is not for."""
    name = NAME.fullmatch(request.path_params["name"])
    found = await _found(request, int(name["number"])) if name else None
    if name is None or found is None:
        raise HTTPException(404)
    headers = HEADERS if found.public else HEADERS | PRIVATE
    if name["markdown"]:
        return Response(as_markdown(found.card), media_type="text/markdown", headers=headers)
    return HTMLResponse(_page(found.card, request.url.query), headers=headers)


async def _found(request: Request, number: int) -> Found | None:
    platform: Platform = request.app.state.platform
    token = bearer(request.headers.get("authorization"))
    viewer = await platform.accounts.authenticate(token) if token else None
    return await platform.cards.find(viewer, Asked.of(number, request.query_params, kept_in(request)))


def _page(shown: Card, query: str) -> str:
    markdown = f"/models/{shown.number}.md" + (f"?{query}" if query else "")
    sections = chain.from_iterable(_section(section) for section in shown.sections)
    return FRAME.format(
        title=html.escape(shown.title),
        markdown=html.escape(markdown),
        style=CARD_STYLE,
        warning=WARNING,
        body="\n".join([_paragraph(shown.summary), *sections]),
    )


def _section(section: Section) -> list[str]:
    claim = [f'<p class="claim">{html.escape(answers(section))}</p>'] if section.items else []
    return [f"<h2>{html.escape(section.title)}</h2>", *claim, *map(_part, section.parts)]


def _part(part: Part) -> str:
    return _paragraph(part) if isinstance(part, str) else _table(part)


def _paragraph(text: str) -> str:
    return f"<p>{_code(text)}</p>"


def _code(text: str) -> str:
    """Escaped, with what stands between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))


def _table(table: Table) -> str:
    heading = f"<h3>{html.escape(table.title)}</h3>" if table.title else ""
    header = "".join(f'<th scope="col">{_code(name)}</th>' for name in table.header)
    rows = "".join(f"<tr>{_row(row)}</tr>" for row in table.rows)
    kind = ' class="pair"' if len(table.header) == 2 else ""
    label = html.escape(table.title or ", ".join(table.header))
    return (
        f'{heading}<div class="table" tabindex="0" role="region" aria-label="{label}"><table{kind}>'
        f"<thead><tr>{header}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _row(row: list[str]) -> str:
    first, *others = row
    return f'<th scope="row">{_code(first)}</th>' + "".join(map(_cell, others))


def _cell(text: str) -> str:
    kind = ' class="figure"' if FIGURE.fullmatch(text) else ""
    return f"<td{kind}>{_code(text)}</td>"


def routes() -> list[Route]:
    """The address of cards."""
    return [Route("/models/{name}", card, methods=["GET"])]
