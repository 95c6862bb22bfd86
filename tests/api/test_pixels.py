"""The pixels of an image and the heatmaps of its predictions, for whoever holds a signed address of it."""

from collections.abc import AsyncIterator
from io import BytesIO
from urllib.parse import urlsplit

import httpx
import pytest
from PIL import Image as Pillow
from starlette.applications import Starlette

from api import pixels
from ml.formats.stripping import strip
from services import links, thumbnails
from services.keys import thumbnail_key
from services.platform import Platform
from store.blobs import BlobMissing
from store.tables import Image, Prediction, User
from tests.dicom_files import NAME, dicom
from tests.people import eventually, member
from tests.stand_ins import picture
from tests.store_rows import model as model_row
from tests.uploading import upload


@pytest.fixture
async def client(platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(routes=pixels.routes())
    app.state.platform = platform
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=platform.images.links.public_url) as client:
        yield client


@pytest.fixture
async def image(platform: Platform) -> Image:
    (image,) = await upload(platform, await member(), picture(1), wait=0)
    return image


FILES = {
    "PNG": (picture(1, format="PNG"), "image/png"),
    "JPEG": (picture(1, format="JPEG"), "image/jpeg"),
    "TIFF": (picture(1, format="TIFF"), "image/png"),
    "DICOM": (dicom(), "image/png"),
}


@pytest.mark.parametrize("name", FILES)
async def test_serves_the_picture_in_a_format_that_browsers_show(
    platform: Platform, client: httpx.AsyncClient, name: str
) -> None:
    data, media_type = FILES[name]
    (image,) = await upload(platform, await member(), data, wait=0)
    response = await client.get(platform.images.links.image(image.id))
    assert (response.status_code, response.content) == (200, strip(data))
    assert response.headers["content-type"] == media_type
    assert response.headers["content-length"] == str(len(strip(data)))
    assert NAME.encode() not in response.content


async def test_a_browser_neither_guesses_nor_runs_nor_shares_it(
    platform: Platform, client: httpx.AsyncClient, image: Image
) -> None:
    headers = (await client.get(platform.images.links.image(image.id))).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in headers["content-security-policy"]
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["cache-control"].startswith("private")
    assert int(headers["cache-control"].partition("max-age=")[2]) <= links.LIFETIME_SECONDS


async def test_a_head_tells_as_much_without_the_pixels(
    platform: Platform, client: httpx.AsyncClient, image: Image
) -> None:
    response = await client.head(platform.images.links.image(image.id))
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-length"] == str(len(strip(picture(1))))


async def test_an_expired_address_is_gone(
    platform: Platform, client: httpx.AsyncClient, image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = platform.images.links.image(image.id)
    later = links.time() + links.LIFETIME_SECONDS + 61
    monkeypatch.setattr(links, "time", lambda: later)
    response = await client.get(address)
    assert response.status_code == 404
    assert "expired" in response.text


async def test_nothing_but_the_address_as_it_was_signed_is_served(
    platform: Platform, client: httpx.AsyncClient, image: Image
) -> None:
    path, query = urlsplit(platform.images.links.image(image.id))[2:4]
    addresses = [
        path,
        f"{path}?",
        f"{path}?expires=9999999999&signature=0",
        f"{path}?{query}0",
        f"{path}?{query.replace('expires', 'Expires')}",
        f"{path}?expires=%FF%00&signature=%FF",
        f"{path}?signature={'0' * 64}&expires=99999999999999999999",
        f"/images/{image.id + 1}?{query}",
        f"/images/{'9' * 30}?{query}",
        f"/images/{'9' * 5000}?{query}",
        f"/images/-{image.id}?{query}",
        f"/images/{image.id}_0?{query}",
        f"/images/%20{image.id}?{query}",
        f"/images/%D9%A1?{query}",
        f"/images/{image.id}.png?{query}",
        f"/images/../images/x?{query}",
        f"/images/?{query}",
    ]
    for address in addresses:
        assert (await client.get(address)).status_code == 404, address
    assert (await client.get(f"{path}?{query}")).status_code == 200
    assert (await client.post(f"{path}?{query}")).status_code == 405


async def test_the_pixels_of_a_deleted_image_are_gone(
    platform: Platform, client: httpx.AsyncClient, image: Image
) -> None:
    address = platform.images.links.image(image.id)
    await platform.images.delete(await image.owner, image.id)
    assert (await client.get(address)).status_code == 404


# ------------------------------------------------------------------ thumbnails


async def test_a_thumbnail_is_small_and_keeps_the_proportions(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    wide = BytesIO()
    Pillow.new("L", (900, 600), 90).save(wide, "PNG")
    (image,) = await upload(platform, await member(), wide.getvalue(), wait=0)
    response = await client.get(platform.thumbnails.links.thumbnail(image.id))
    assert (response.status_code, response.headers["content-type"]) == (200, "image/jpeg")
    assert response.headers["cache-control"].startswith("private")
    small = Pillow.open(BytesIO(response.content))
    assert (small.size, small.getextrema()) == ((320, 213), (90, 90))


async def test_a_thumbnail_is_made_once_and_goes_with_the_image(
    platform: Platform, client: httpx.AsyncClient, image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = platform.thumbnails.links.thumbnail(image.id)
    first = await client.get(address)
    monkeypatch.setattr(thumbnails, "thumbnail", None)
    assert (await client.get(address)).content == first.content
    await platform.images.delete(await User.get(), image.id)
    assert (await client.get(address)).status_code == 404

    async def is_gone() -> bool:
        try:
            return not await platform.images.blobs.get(thumbnail_key(image.key))
        except BlobMissing:
            return True

    await eventually(is_gone)


async def test_the_address_of_a_thumbnail_opens_nothing_else(
    platform: Platform, client: httpx.AsyncClient, image: Image
) -> None:
    address = platform.thumbnails.links.thumbnail(image.id)
    other = platform.images.links.image(image.id).replace("/images/", "/thumbnails/")
    for wrong in (address.replace("/thumbnails/", "/images/"), address + "0", other):
        assert (await client.get(wrong)).status_code == 404


# ------------------------------------------------------------------ heatmaps


async def prediction_of(image: Image) -> Prediction:
    await eventually(lambda: image.predictions.all().exists())
    return await image.predictions.all().get()


async def test_the_heatmap_of_a_prediction_is_a_png_as_private_as_the_pixels(
    platform: Platform, client: httpx.AsyncClient, image: Image
) -> None:
    prediction = await prediction_of(image)
    response = await client.get(platform.heatmaps.links.heatmap(prediction.id))
    assert (response.status_code, response.headers["content-type"]) == (200, "image/png")
    with Pillow.open(BytesIO(response.content)) as drawn:
        assert (drawn.format, drawn.size, drawn.info) == ("PNG", (image.width, image.height), {})
    pixels_headers = (await client.get(platform.images.links.image(image.id))).headers
    for name in pixels.HEADERS:
        assert response.headers[name] == pixels_headers[name]


async def test_no_heatmap_without_its_own_address(
    platform: Platform, client: httpx.AsyncClient, image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    prediction = await prediction_of(image)
    address = platform.heatmaps.links.heatmap(prediction.id)
    path, query = urlsplit(address)[2:4]
    other = urlsplit(platform.images.links.image(prediction.id))[3]
    for wrong in (path, f"{path}?{other}", f"{path}?{query}0", f"/heatmaps/x?{query}", f"{path}9?{query}"):
        response = await client.get(wrong)
        assert response.status_code == 404, wrong
        assert "heatmap" in response.text
    later = links.time() + links.LIFETIME_SECONDS + 61
    monkeypatch.setattr(links, "time", lambda: later)
    assert (await client.get(address)).status_code == 404


async def test_says_why_a_heatmap_cannot_be_drawn(
    platform: Platform, client: httpx.AsyncClient, image: Image
) -> None:
    prediction = await prediction_of(image)
    foreign = await model_row(2)
    await Prediction.filter(id=prediction.id).update(model_id=foreign.id)
    response = await client.get(platform.heatmaps.links.heatmap(prediction.id))
    assert response.status_code == 503
    assert "model 2 reads none" in response.text
    assert "cache-control" not in response.headers
