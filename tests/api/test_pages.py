"""The web pages as a browser gets them, built and not built."""

import base64
import hashlib
import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import unquote

import httpx
import pytest
from starlette.applications import Starlette
from starlette.types import Message

from api import pages
from api.safeguards import Guarded

WEB = Path(__file__).parents[2] / "web"


def client_for(dist: Path) -> httpx.AsyncClient:
    app = Guarded(routes=pages.routes(dist), exception_handlers={404: pages.missing(dist)})
    transport = httpx.ASGITransport(app)
    return httpx.AsyncClient(transport=transport, base_url="http://covid-xr.test")


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    """What ``npm run build`` leaves, in small, beside a file that is nobody's business."""
    dist = tmp_path / "dist"
    (dist / "assets" / "deep").mkdir(parents=True)
    (dist / "index.html").write_text("<title>the app</title>")
    (dist / "graphiql.html").write_text("<title>GraphiQL</title>")
    (dist / "favicon.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (dist / "assets" / "index-a1b2.js").write_text("export {}")
    (dist / "assets" / "deep" / "file.js").write_text("deep")
    (tmp_path / "secret.txt").write_text("secret")
    return dist


@pytest.fixture
async def built(dist: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with client_for(dist) as client:
        yield client


@pytest.fixture
async def unbuilt(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with client_for(tmp_path / "unbuilt") as client:
        yield client


def directives(policy: str) -> dict[str, str]:
    return dict(part.strip().partition(" ")[::2] for part in policy.split(";"))


@pytest.mark.parametrize("path", pages.PAGES)
async def test_built_page(built: httpx.AsyncClient, path: str) -> None:
    response = await built.get(path)
    assert response.status_code == 200
    assert "the app" in response.text
    assert response.headers["Content-Type"].startswith("text/html")
    assert response.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("path", pages.PAGES)
async def test_security_headers(built: httpx.AsyncClient, unbuilt: httpx.AsyncClient, path: str) -> None:
    for client in (built, unbuilt):
        headers = (await client.get(path)).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        policy = directives(headers["Content-Security-Policy"])
        assert policy["default-src"] == "'none'"
        assert policy["frame-ancestors"] == "'none'"
        assert "unsafe" not in headers["Content-Security-Policy"]


async def test_address_of_nothing_is_told_to_browsers_in_a_page(
    built: httpx.AsyncClient, unbuilt: httpx.AsyncClient
) -> None:
    for client, words in ((built, "the app"), (unbuilt, "There is no such page")):
        page = await client.get("/nothing/here", headers={"Accept": "text/html,*/*;q=0.8"})
        assert page.status_code == 404
        assert words in page.text
        assert directives(page.headers["Content-Security-Policy"])["default-src"] == "'none'"
        line = await client.get("/nothing/here")
        assert (line.status_code, line.text) == (404, "Not found")


def test_no_policy_names_an_outside_address_or_inline_script() -> None:
    for policy in (pages.APP_POLICY, pages.GRAPHIQL_POLICY, pages.PLAIN_POLICY):
        assert not re.search(r"https?:|\*|unsafe-eval", policy)
        assert directives(policy).get("script-src", "'none'") in ("'self'", "'none'")


async def test_asset_is_kept_for_ever(built: httpx.AsyncClient) -> None:
    response = await built.get("/assets/index-a1b2.js")
    assert response.status_code == 200
    assert "javascript" in response.headers["Content-Type"]
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    "path",
    [
        "/assets/none.js",
        "/assets/",
        "/assets/deep",
        "/assets/deep/file.js",
        "/assets/..",
        "/assets/%2e%2e",
        "/assets/../index.html",
        "/assets/%2e%2e%2findex.html",
        "/assets/..%2f..%2fsecret.txt",
        "/assets/%2e%2e/%2e%2e/secret.txt",
        "/assets/..%5c..%5csecret.txt",
        "/assets/%2fetc%2fpasswd",
        "/assets//etc/passwd",
        "/assets/index-a1b2.js%00",
        "/assets/" + "a" * 5000,
    ],
)
async def test_nothing_but_assets(dist: Path, path: str) -> None:
    status, body = await raw_get(dist, path)
    assert status == 404
    assert b"secret" not in body


async def raw_get(dist: Path, path: str) -> tuple[int, bytes]:
    """The answer to a path as it stands: httpx would take the dots out before sending it."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [],
    }
    await Starlette(routes=pages.routes(dist))(scope, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent)


@pytest.mark.parametrize("path", ["/favicon.svg", "/favicon.ico"])
async def test_icon(built: httpx.AsyncClient, unbuilt: httpx.AsyncClient, path: str) -> None:
    assert (await built.get(path)).headers["Content-Type"].startswith("image/svg+xml")
    assert (await unbuilt.get(path)).status_code == 404


async def test_head_and_other_methods(built: httpx.AsyncClient) -> None:
    assert (await built.head("/")).status_code == 200
    assert (await built.post("/")).status_code == 405


async def test_pages_appear_when_they_are_built(unbuilt: httpx.AsyncClient, tmp_path: Path) -> None:
    assert "make web" in (await unbuilt.get("/")).text
    (tmp_path / "unbuilt").mkdir()
    (tmp_path / "unbuilt" / "index.html").write_text("the app")
    assert (await unbuilt.get("/")).text == "the app"


async def test_plain_page_is_whole_in_itself(unbuilt: httpx.AsyncClient) -> None:
    response = await unbuilt.get("/")
    assert response.status_code == 200
    assert "not for diagnosis" in response.text
    assert "<script" not in response.text
    assert 'href="/graphql"' in response.text
    assert "http" not in response.text


async def test_plain_style_is_the_one_that_the_policy_admits(unbuilt: httpx.AsyncClient) -> None:
    style = re.search(r"<style>(.*)</style>", (await unbuilt.get("/")).text)
    assert style is not None
    assert style[1] == pages.STYLE
    policy = (await unbuilt.get("/")).headers["Content-Security-Policy"]
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert directives(policy)["style-src"] == f"'sha256-{digest}'"


async def test_plain_page_of_a_mail_gives_the_mutation(unbuilt: httpx.AsyncClient) -> None:
    text = (await unbuilt.get("/verify-email", params={"token": "ab-C_9"})).text
    assert r"verifyEmail(input: {token: \&quot;ab-C_9\&quot;})" in text
    assert "resetPassword" in (await unbuilt.get("/reset-password", params={"token": "x"})).text


@pytest.mark.parametrize("token", ["'; rm -rf ~ #", "<script>", "a b", "", "$(id)", "é"])
async def test_plain_page_repeats_no_token_that_a_shell_could_run(
    unbuilt: httpx.AsyncClient, token: str
) -> None:
    text = (await unbuilt.get("/verify-email", params={"token": token})).text
    assert r"\&quot;TOKEN\&quot;" in text
    assert not token or token not in text


def test_graphiql(dist: Path, tmp_path: Path) -> None:
    response = pages.graphiql_page(dist)
    assert response.headers["Content-Security-Policy"] == pages.GRAPHIQL_POLICY
    assert getattr(response, "path", None) == dist / "graphiql.html"
    plain = pages.graphiql_page(tmp_path / "none")
    assert b"make web" in plain.body
    assert b"For research" in plain.body


def test_every_page_of_the_app_has_its_route() -> None:
    table = re.search(r"const PAGES[^{]*\{(.*?)\};", (WEB / "src" / "routes.ts").read_text(), re.DOTALL)
    assert table is not None
    addresses = [re.sub(r":(\w+)", r"{\1}", path) for path in re.findall(r'"(/[^"]*)":', table[1])]
    assert addresses == list(pages.PAGES)
