"""Pictures in full: what comes of an address, and of one that is no good."""

import hashlib
import hmac
from dataclasses import replace
from pathlib import Path

import pytest

from ml.image import ImageError
from services import links as links_module
from services.decoding import Decoding
from services.keys import pixels_key
from services.links import LIFETIME_SECONDS, Asked, Links
from services.pictures import Pictures
from services.platform import Platform
from services.viewers import Viewers
from store.blobs import Blobs
from store.tables import Image, User
from tests.addressed import asked
from tests.people import admin, member, signed_in
from tests.rendered import rendered
from tests.stand_ins import DECODER, picture
from tests.store_rows import image as image_row
from tests.uploading import upload


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(f"file://{tmp_path / 'blobs'}")


@pytest.fixture
def pictures(blobs: Blobs, database: str) -> Pictures:
    return Pictures(Decoding(DECODER, blobs), Viewers(Links("http://here", b"secret")))


def signed(pictures: Pictures, viewer: User, image: Image) -> Asked:
    """What the address of an image's pixels says that was made for this viewer."""
    return asked(pictures.viewers.links.image(viewer, image.id))


async def kept(blobs: Blobs, owner: User, name: str) -> Image:
    image = await image_row(owner, name)
    await blobs.put(pixels_key(image.key), picture(1))
    return image


async def test_a_signed_address_gives_the_picture(platform: Platform) -> None:
    ana = await signed_in(await member())
    (image,) = await upload(platform, ana, picture(1), wait=0)
    found = await platform.pictures.png(signed(platform.pictures, ana, image))
    assert found is not None
    assert rendered(b"".join(found)) == rendered(picture(1))


async def test_one_that_is_damaged_is_told_of(pictures: Pictures, blobs: Blobs) -> None:
    ana = await signed_in(await member())
    image = await kept(blobs, ana, "1")
    await blobs.put(pixels_key(image.key), picture(1)[:300])
    with pytest.raises(ImageError):
        await pictures.png(signed(pictures, ana, image))


async def test_an_address_is_good_for_a_quarter_of_an_hour(
    pictures: Pictures, blobs: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana = await signed_in(await member())
    image = await kept(blobs, ana, "1")
    start = 1_800_000_059.9
    monkeypatch.setattr(links_module, "time", lambda: start)
    address = signed(pictures, ana, image)
    for later, good in ((0, True), (LIFETIME_SECONDS, True), (LIFETIME_SECONDS + 61, False), (10**6, False)):
        monkeypatch.setattr(links_module, "time", lambda later=later: start + later)
        assert (await pictures.png(address) is not None) is good


async def test_no_address_can_be_forged(pictures: Pictures, blobs: Blobs) -> None:
    ana, chief = await signed_in(await member()), await signed_in(await admin())
    first, second = [await kept(blobs, ana, name) for name in ("1", "2")]
    genuine = signed(pictures, ana, first)
    expires, signature = genuine.expires, genuine.signature
    elsewhere = asked(Links("http://here", b"another secret").image(ana, first.id))
    unnamed = hmac.new(b"secret", f"images:{first.id}:{expires}".encode(), hashlib.sha256).hexdigest()
    forged = [
        replace(genuine, number=second.id),
        replace(genuine, viewer=str(chief.id)),
        replace(genuine, viewer=f"0{ana.id}"),
        replace(genuine, viewer="é"),
        replace(genuine, viewer=""),
        replace(genuine, viewer=f"{ana.id}:{expires}", expires=""),
        replace(genuine, viewer="", signature=unnamed),
        replace(genuine, session=""),
        replace(genuine, session=str(chief.session_id)),
        replace(genuine, session=f"{ana.session_id}c"),
        replace(genuine, session=f"{ana.session_id}:{expires}", expires=""),
        replace(genuine, expires=str(int(expires) + 60)),
        replace(genuine, expires=f" {expires}"),
        replace(genuine, expires=f"0{expires}"),
        replace(genuine, expires=expires.replace("1", "١")),
        replace(genuine, expires="9" * 5000),
        replace(genuine, expires="-1"),
        Asked(first.id, "", "", "", ""),
        replace(genuine, signature=signature[:-1]),
        replace(genuine, signature=signature.upper()),
        replace(genuine, signature="é"),
        replace(genuine, signature=elsewhere.signature),
    ]
    for address in forged:
        assert await pictures.png(address) is None, address
    assert await pictures.png(genuine) is not None


async def test_the_address_of_a_deleted_image_gives_nothing(pictures: Pictures, blobs: Blobs) -> None:
    ana = await signed_in(await member())
    gone, lost = await kept(blobs, ana, "1"), await image_row(ana, "2")
    address, other = signed(pictures, ana, gone), signed(pictures, ana, lost)
    await gone.delete()
    assert await pictures.png(address) is None
    assert await pictures.png(other) is None  # its pixels went a moment before its row
