"""The pixels of an image and the heatmaps of its predictions, at addresses that are signed for one viewer."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from io import BytesIO
from types import SimpleNamespace
from urllib.parse import urlsplit
from zipfile import ZipFile

import httpx
import pytest
from PIL import Image as Pillow
from PIL.PngImagePlugin import PngInfo
from starlette.types import Message

from api import pixels
from api.safeguards import Guarded
from api.settings import Settings
from api.wiring import Parts, running
from ml import full_size
from ml.formats.stripping import strip
from services import links, passwords, thumbnails
from services.keys import pixels_key, thumbnail_key
from services.links import Asked
from services.pictures import Pictures
from services.platform import Platform
from store.blobs import BlobMissing
from store.tables import Image, Prediction, Role, Token, User
from tests.dicom_files import NAME, dicom
from tests.people import admin, eventually, member, signed_in
from tests.rendered import rendered
from tests.stand_ins import picture
from tests.store_rows import model as model_row
from tests.uploading import upload


@asynccontextmanager
async def browser(platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    app = Guarded(routes=pixels.routes())
    app.state.platform = platform
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=platform.links.public_url) as client:
        yield client


@pytest.fixture
async def client(platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(platform) as client:
        yield client


@pytest.fixture
async def ana(platform: Platform) -> User:
    """A member, signed in."""
    return await signed_in(await member())


@pytest.fixture
async def image(platform: Platform, ana: User) -> Image:
    """One of Ana's."""
    (image,) = await upload(platform, ana, picture(1), wait=0)
    return image


SECRET = b"Jane Doe, 1952-02-29, <script>alert(1)</script>"


def hostile(format: str) -> bytes:
    """A file that is more than a picture: text, EXIF, a profile, and an archive behind its end."""
    exif, text, archive = Pillow.Exif(), PngInfo(), BytesIO()
    exif[315], exif[274] = SECRET.decode(), 6
    text.add_text("Comment", SECRET.decode())
    with ZipFile(archive, "w") as file:
        file.writestr("evil.jar", SECRET)
    made, options = BytesIO(), {"pnginfo": text} if format == "PNG" else {"comment": SECRET}
    film = Pillow.open(BytesIO(picture(1)))
    film.save(made, format, exif=exif, icc_profile=SECRET * 9, **options)
    return made.getvalue() + archive.getvalue()


FILES = {
    **{format: picture(1, format=format) for format in ("PNG", "JPEG", "WEBP", "TIFF")},
    **{f"hostile {format}": hostile(format) for format in ("PNG", "JPEG", "WEBP")},
    "DICOM": dicom(),
}


@pytest.mark.parametrize("name", FILES)
async def test_serves_the_picture_and_nothing_of_the_file(
    platform: Platform, client: httpx.AsyncClient, ana: User, name: str
) -> None:
    (image,) = await upload(platform, ana, FILES[name], wait=0)
    response = await client.get(platform.links.image(ana, image.id))
    assert (response.status_code, response.headers["content-type"]) == (200, "image/png")
    assert response.headers["content-length"] == str(len(response.content))
    kept = await platform.images.blobs.get(pixels_key(image.key))
    assert rendered(response.content) == rendered(kept)
    with Pillow.open(BytesIO(response.content)) as shown:
        assert (shown.size, shown.info, dict(shown.getexif())) == ((image.width, image.height), {}, {})
    for told in (SECRET[:8], b"script", b"PK", NAME.encode(), kept[64:96], kept[-96:-64]):
        assert told not in response.content


async def test_what_is_kept_stays_as_it_was(
    platform: Platform, client: httpx.AsyncClient, ana: User, image: Image
) -> None:
    await client.get(platform.links.image(ana, image.id))
    assert await platform.images.blobs.get(pixels_key(image.key)) == strip(picture(1))


async def test_one_that_is_damaged_is_told_of(
    platform: Platform, client: httpx.AsyncClient, ana: User, image: Image
) -> None:
    await platform.images.blobs.put(pixels_key(image.key), picture(1)[:300])
    response = await client.get(platform.links.image(ana, image.id))
    assert (response.status_code, response.text) == (500, pixels.DAMAGED)
    assert "cache-control" not in response.headers


class Lookers:
    """Who asks for pictures in full, which are made and read when they are let."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, platform: Platform) -> None:
        self.making: list[str] = []
        self.are_made, self.are_read = asyncio.Event(), asyncio.Event()
        self._route = pixels.InFull()
        self._app = SimpleNamespace(state=SimpleNamespace(platform=platform))

        async def png(_: Pictures, address: Asked) -> list[bytes]:
            self.making.append(address.viewer)
            await self.are_made.wait()
            return [b"1", b"2"]

        monkeypatch.setattr(Pictures, "asker", lambda _, address: address.viewer or None)
        monkeypatch.setattr(Pictures, "png", png)

    async def look(self, viewer: str, hears: Message | None = None) -> None:
        scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "path_params": {"number": "1"}}
        asked = scope | {"query_string": f"viewer={viewer}".encode(), "app": self._app}

        async def receive() -> Message:
            return hears or await asyncio.Future()

        async def send(_: Message) -> None:
            await self.are_read.wait()

        await self._route(asked, receive, send)


@pytest.fixture
def lookers(monkeypatch: pytest.MonkeyPatch, platform: Platform) -> Lookers:
    return Lookers(monkeypatch, platform)


async def test_whoever_reads_slowly_gets_no_more_than_some(lookers: Lookers) -> None:
    """Huge ones are in memory until they are read."""
    lookers.are_made.set()
    looking = [asyncio.create_task(lookers.look(one)) for one in ["1"] * (pixels.OF_ONE + 2) + ["2"]]
    await eventually(lambda: asyncio.sleep(0, len(lookers.making) > pixels.OF_ONE))
    assert sorted(lookers.making) == ["1"] * pixels.OF_ONE + ["2"]
    lookers.are_read.set()
    await asyncio.gather(*looking)
    assert len(lookers.making) == pixels.OF_ONE + 3


async def test_one_is_made_at_a_time_and_nobody_waits_for_all_of_another_s(lookers: Lookers) -> None:
    lookers.are_read.set()
    looking = [asyncio.create_task(lookers.look(one)) for one in ("1", "1", "1", "2")]
    await eventually(lambda: asyncio.sleep(0, lookers.making))
    await asyncio.sleep(0.05)
    assert lookers.making == ["1"]
    lookers.are_made.set()
    await asyncio.gather(*looking)
    assert lookers.making == ["1", "2", "1", "1"]


async def test_who_names_somebody_by_no_signature_takes_none_of_their_turns(
    client: httpx.AsyncClient, ana: User, image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pixels.Turns, "turn", None)  # whoever asks for one fails
    forged = f"/images/{image.id}?viewer={ana.id}&session={ana.session_id}&expires=9999999999&signature=x"
    assert (await client.get(forged)).status_code == 404


async def test_one_that_is_too_large_is_told_of(
    platform: Platform, client: httpx.AsyncClient, ana: User, image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> None:
        full_size.full_size(picture(1))

    monkeypatch.setattr(full_size, "LARGEST", image.width * image.height - 1)
    monkeypatch.setattr(Pictures, "png", refuse)
    response = await client.get(platform.links.image(ana, image.id))
    assert response.status_code == 413
    assert response.text.startswith("This picture is too large to be shown with all its pixels")


async def test_who_reads_without_end_is_left(lookers: Lookers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pixels, "READING_SECONDS", 0.05)
    lookers.are_made.set()
    await asyncio.wait_for(lookers.look("1"), 5)
    assert lookers.making == ["1"]


async def test_none_is_made_for_whoever_has_gone_while_it_waited(lookers: Lookers) -> None:
    await lookers.look("1", {"type": "http.disconnect"})
    assert lookers.making == []


async def test_a_browser_neither_guesses_nor_runs_nor_shares_it(
    platform: Platform, client: httpx.AsyncClient, ana: User, image: Image
) -> None:
    headers = (await client.get(platform.links.image(ana, image.id))).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in headers["content-security-policy"]
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["cache-control"].startswith("private")
    assert int(headers["cache-control"].partition("max-age=")[2]) <= links.LIFETIME_SECONDS


async def test_a_head_tells_as_much_without_the_pixels(
    platform: Platform, client: httpx.AsyncClient, ana: User, image: Image
) -> None:
    response = await client.head(platform.links.image(ana, image.id))
    assert (response.status_code, response.content) == (200, b"")
    shown = await client.get(platform.links.image(ana, image.id))
    assert response.headers["content-length"] == str(len(shown.content))


async def test_an_expired_address_is_gone(
    platform: Platform, client: httpx.AsyncClient, ana: User, image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = platform.links.image(ana, image.id)
    later = links.time() + links.LIFETIME_SECONDS + 61
    monkeypatch.setattr(links, "time", lambda: later)
    response = await client.get(address)
    assert response.status_code == 404
    assert "expired" in response.text


async def test_nothing_but_the_address_as_it_was_signed_is_served(
    platform: Platform, client: httpx.AsyncClient, ana: User, image: Image
) -> None:
    path, query = urlsplit(platform.links.image(ana, image.id))[2:4]
    chief = await signed_in(await admin())
    addresses = [
        path,
        f"{path}?",
        f"{path}?{query.replace(f'viewer={ana.id}', f'viewer={chief.id}')}",
        f"{path}?{query.replace(f'viewer={ana.id}', f'viewer=0{ana.id}')}",
        f"{path}?{query.replace(f'&viewer={ana.id}', '')}",
        f"{path}?{query}&viewer={chief.id}",
        f"{path}?{query.replace('viewer', 'Viewer')}",
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
    platform: Platform, client: httpx.AsyncClient, ana: User, image: Image
) -> None:
    address = platform.links.image(ana, image.id)
    await platform.images.delete(await image.owner, image.id)
    assert (await client.get(address)).status_code == 404


# ------------------------------------------------------------------ thumbnails


async def test_a_thumbnail_is_small_and_keeps_the_proportions(
    platform: Platform, client: httpx.AsyncClient, ana: User
) -> None:
    wide = BytesIO()
    Pillow.new("L", (900, 600), 90).save(wide, "PNG")
    (image,) = await upload(platform, ana, wide.getvalue(), wait=0)
    response = await client.get(platform.links.thumbnail(ana, image.id))
    assert (response.status_code, response.headers["content-type"]) == (200, "image/jpeg")
    assert response.headers["cache-control"].startswith("private")
    small = Pillow.open(BytesIO(response.content))
    assert (small.size, small.getextrema()) == ((320, 213), (90, 90))


async def test_a_thumbnail_is_made_once_and_goes_with_the_image(
    platform: Platform, client: httpx.AsyncClient, ana: User, image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = platform.links.thumbnail(ana, image.id)
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
    platform: Platform, client: httpx.AsyncClient, ana: User, image: Image
) -> None:
    address = platform.links.thumbnail(ana, image.id)
    other = platform.links.image(ana, image.id).replace("/images/", "/thumbnails/")
    for wrong in (address.replace("/thumbnails/", "/images/"), address + "0", other):
        assert (await client.get(wrong)).status_code == 404


# ------------------------------------------------------------------ heatmaps


async def prediction_of(image: Image) -> Prediction:
    await eventually(lambda: image.predictions.all().exists())
    return await image.predictions.all().get()


async def test_the_heatmap_of_a_prediction_is_a_png_as_private_as_the_pixels(
    platform: Platform, client: httpx.AsyncClient, ana: User, image: Image
) -> None:
    prediction = await prediction_of(image)
    response = await client.get(platform.links.heatmap(ana, prediction.id))
    assert (response.status_code, response.headers["content-type"]) == (200, "image/png")
    with Pillow.open(BytesIO(response.content)) as drawn:
        assert (drawn.format, drawn.size, drawn.info) == ("PNG", (image.width, image.height), {})
    pixels_headers = (await client.get(platform.links.image(ana, image.id))).headers
    for name in pixels.HEADERS:
        assert response.headers[name] == pixels_headers[name]


async def test_no_heatmap_without_its_own_address(
    platform: Platform, client: httpx.AsyncClient, ana: User, image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    prediction = await prediction_of(image)
    address = platform.links.heatmap(ana, prediction.id)
    path, query = urlsplit(address)[2:4]
    other = urlsplit(platform.links.image(ana, prediction.id))[3]
    for wrong in (path, f"{path}?{other}", f"{path}?{query}0", f"/heatmaps/x?{query}", f"{path}9?{query}"):
        response = await client.get(wrong)
        assert response.status_code == 404, wrong
        assert "heatmap" in response.text
    later = links.time() + links.LIFETIME_SECONDS + 61
    monkeypatch.setattr(links, "time", lambda: later)
    assert (await client.get(address)).status_code == 404


async def test_says_why_a_heatmap_cannot_be_drawn(
    platform: Platform, client: httpx.AsyncClient, ana: User, image: Image
) -> None:
    prediction = await prediction_of(image)
    foreign = await model_row(2)
    await Prediction.filter(id=prediction.id).update(model_id=foreign.id)
    response = await client.get(platform.links.heatmap(ana, prediction.id))
    assert response.status_code == 503
    assert "model 2 reads none" in response.text
    assert "cache-control" not in response.headers


# ------------------------------------------------------------------ whose they are

PASSWORD = "correct horse battery"
End = Callable[[Platform, User, User], Awaitable[object]]


async def blocked(platform: Platform, eva: User, chief: User) -> None:
    await platform.blocking.block(chief, eva.id, "she has left")


async def demoted(platform: Platform, eva: User, chief: User) -> None:
    await platform.accounts.set_role(chief, eva.id, Role.MEMBER)


async def signed_out(platform: Platform, eva: User, chief: User) -> None:
    (last,) = await platform.sessions.all(eva)
    await platform.sessions.end(eva, last.id)


async def signed_out_everywhere(platform: Platform, eva: User, chief: User) -> None:
    await platform.sessions.end_all(await signed_in(eva))


async def expired(platform: Platform, eva: User, chief: User) -> None:
    await Token.filter(user_id=eva.id).update(expires_at=datetime.now(UTC))


async def gone(platform: Platform, eva: User, chief: User) -> None:
    await platform.newsroom.publish(eva, "Title", "stays, of somebody without a name")
    await User.filter(id=eva.id).update(password_hash=await passwords.hashed(PASSWORD))
    await platform.leaving.delete_account(await User.get(id=eva.id), PASSWORD)


async def addresses(platform: Platform, viewer: User, image: Image) -> list[str]:
    """All that shows the image, for this viewer."""
    prediction = await prediction_of(image)
    return [
        platform.links.image(viewer, image.id),
        platform.links.thumbnail(viewer, image.id),
        platform.links.heatmap(viewer, prediction.id),
    ]


async def statuses(client: httpx.AsyncClient, addresses: list[str]) -> list[int]:
    return [(await client.get(address)).status_code for address in addresses]


@pytest.mark.parametrize("end", [blocked, demoted, signed_out, signed_out_everywhere, expired, gone])
async def test_an_address_ends_with_its_viewer_s_right_to_look(
    platform: Platform, client: httpx.AsyncClient, ana: User, image: Image, end: End
) -> None:
    chief, eva = await admin(), await signed_in(await admin("eva@hospital.example"))
    hers, anas = await addresses(platform, eva, image), await addresses(platform, ana, image)
    assert await statuses(client, hers) == await statuses(client, anas) == [200] * 3
    await end(platform, eva, chief)
    for address in hers:
        response = await client.get(address)
        assert (response.status_code, "expired" in response.text) == (404, True), address
    assert await statuses(client, anas) == [200] * 3


async def test_who_may_not_see_an_image_has_no_good_address_of_it(
    platform: Platform, client: httpx.AsyncClient, image: Image
) -> None:
    eva = await signed_in(await member("eva@hospital.example"))
    assert await statuses(client, await addresses(platform, eva, image)) == [404] * 3


async def test_an_administrator_who_comes_to_owe_a_second_factor_goes_on_to_see_their_own(
    settings: Settings, parts: Parts
) -> None:
    async with running(settings, parts) as platform, browser(platform) as client:
        ana, chief = await signed_in(await member()), await signed_in(await admin())
        images = [(await upload(platform, user, picture(1)))[0] for user in (ana, chief)]
        of_ana, own = [await addresses(platform, chief, image) for image in images]
        assert await statuses(client, of_ana + own) == [200] * 6
    strict = settings.model_copy(update={"admin_second_factor": True})
    async with running(strict, parts) as platform, browser(platform) as client:
        assert await statuses(client, of_ana + own) == [404] * 3 + [200] * 3
        await User.filter(id=chief.id).update(second_factor_at=datetime.now(UTC))
        assert await statuses(client, of_ana + own) == [200] * 6


async def test_an_address_stays_the_same_for_a_minute_for_each_viewer(
    platform: Platform, ana: User, image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a browser asks once for what it keeps."""
    chief, start = await admin(), 1_800_000_000
    seen = []
    for seconds in (0, 59, 60):
        monkeypatch.setattr(links, "time", lambda seconds=seconds: start + seconds)
        seen.append([platform.links.thumbnail(viewer, image.id) for viewer in (ana, chief)])
    assert seen[0] == seen[1] != seen[2]
    assert seen[0][0] != seen[0][1]
