"""The copy of all that is somebody's own, as a browser gets it."""

from collections.abc import AsyncIterator
from io import BytesIO
from zipfile import ZipFile

import httpx
import pytest

from api import exports
from api.safeguards import Guarded
from services.export import DOWNLOADS
from services.platform import Platform
from tests.people import member, signed_in
from tests.stand_ins import picture
from tests.uploading import upload


@pytest.fixture
async def client(platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    app = Guarded(routes=exports.routes())
    app.state.platform = platform
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=platform.links.public_url) as client:
        yield client


async def test_a_browser_keeps_it_as_a_file_and_nowhere_else(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    ana = await signed_in(await member())
    await upload(platform, ana, picture(1), wait=0)
    response = await client.get(await platform.export.address(ana))
    assert response.status_code == 200
    assert ZipFile(BytesIO(response.content)).testzip() is None
    assert response.headers["content-type"] == "application/zip"
    assert response.headers["content-disposition"].startswith('attachment; filename="covid-xr-')
    assert response.headers["cache-control"] == "private, no-store"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in response.headers["content-security-policy"]


async def test_an_address_that_is_no_good_gives_nothing(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    ana = await signed_in(await member())
    address = await platform.export.address(ana)
    for forged in (address[:-1], address.partition("?")[0], "/exports/x", f"/exports/{'9' * 30}"):
        assert (await client.get(forged)).status_code == 404
    await platform.sessions.end_all(ana)
    response = await client.get(address)
    assert (response.status_code, "expired" in response.text) == (404, True)


async def test_too_many_downloads_have_to_wait(platform: Platform, client: httpx.AsyncClient) -> None:
    address = await platform.export.address(await signed_in(await member()))
    statuses = [(await client.get(address)).status_code for _ in range(DOWNLOADS.points + 1)]
    assert statuses == [200] * DOWNLOADS.points + [429]
    assert int((await client.get(address)).headers["retry-after"]) > 0
