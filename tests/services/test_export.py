"""A copy of all that is somebody's own: what is in it, what is not, and what it costs."""

import json
import tracemalloc
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest

from ml.formats.stripping import strip
from services.errors import TooMany, Unauthenticated
from services.export import DOWNLOADS, EXPORTS
from services.keys import pixels_key
from services.platform import Platform
from services.tokens import issue
from store.tables import ContactMessage, Finding, Image, SecondFactor, Token, TokenPurpose, TrailKind, User
from tests import people
from tests.addressed import asked
from tests.stand_ins import picture
from tests.store_rows import image as image_row
from tests.trails import told
from tests.uploading import upload


async def copied(platform: Platform, user: User) -> ZipFile:
    return ZipFile(BytesIO(b"".join([part async for part in await parts_of(platform, user)])))


async def parts_of(platform: Platform, user: User) -> Any:
    opened = await platform.export.open(asked(await platform.export.address(user)))
    assert opened is not None
    return opened


def listed(archive: ZipFile, name: str) -> Any:
    return json.loads(archive.read(name))


async def test_all_that_is_hers_is_in_it_and_nothing_of_others(platform: Platform) -> None:
    ana, eva = await people.member(), await people.member("eva@hospital.example")
    chief = await people.admin()
    (hers,) = await upload(platform, ana, picture(1, 0.9), finding=Finding.COVID, patient_ref="P-7")
    await upload(platform, eva, picture(2), finding=Finding.NO_COVID, patient_ref="P-8")
    await platform.labelling.submit(chief, hers.id, Finding.NO_COVID, None)
    for user in (ana, eva):
        await ContactMessage.create(name=user.name, email=user.email, subject="s", body=f"of {user.name}")
        await issue(user, TokenPurpose.SESSION, client="Firefox")
        user.session_id = (await Token.get(user_id=user.id)).id
    await SecondFactor.create(user=ana, secret="SECRETOFTHEAPP")
    await User.filter(id=ana.id).update(second_factor_at=datetime(2026, 11, 29, tzinfo=UTC))
    archive = await copied(platform, ana)

    assert archive.testzip() is None
    assert archive.namelist() == [
        "README.txt",
        f"pictures/{hers.id}.png",
        "account.json",
        "images.json",
        "labels-of-others-images.json",
        "sessions.json",
        "messages.json",
        "news.json",
        "trail.json",
    ]
    assert archive.read(f"pictures/{hers.id}.png") == strip(picture(1, 0.9))
    (account,) = listed(archive, "account.json")
    assert account["email"] == "ana@hospital.example"
    assert account["second factor since"] == "2026-11-29T00:00:00+00:00"
    (image,) = listed(archive, "images.json")
    assert (image["filename"], image["patient"]) == ("0.png", "P-7")
    (prediction,) = image["predictions"]
    assert (prediction["model"], prediction["finding"]) == (1, "COVID")
    assert [(one["finding"], one["by you"]) for one in image["labels"]] == [
        ("COVID", True),
        ("NO_COVID", False),
    ]
    assert [one["browser"] for one in listed(archive, "sessions.json")] == ["Firefox"]
    assert [one["message"] for one in listed(archive, "messages.json")] == ["of Ana"]
    assert listed(archive, "labels-of-others-images.json") == listed(archive, "news.json") == []
    everything = b"".join(archive.read(name) for name in archive.namelist() if name.endswith("json"))
    for foreign in (b"eva", b"Eva", b"P-8", b"chief", b"argon2", b"none", b"SECRET"):
        assert foreign not in everything
    assert (TrailKind.ACCOUNT_EXPORTED, ana.id, {"User": ana.id}, None) in await told()


async def test_an_administrator_takes_labels_and_news_along(platform: Platform) -> None:
    ana, chief = await people.member(), await people.signed_in(await people.admin())
    (hers,) = await upload(platform, ana, picture(1))
    await platform.labelling.submit(chief, hers.id, Finding.NO_COVID, None)
    await platform.newsroom.publish(chief, "Title", "Body")
    archive = await copied(platform, chief)
    assert listed(archive, "images.json") == []
    (label,) = listed(archive, "labels-of-others-images.json")
    assert (label["image"], label["finding"]) == (hers.id, "NO_COVID")
    assert [post["title"] for post in listed(archive, "news.json")] == ["Title"]
    assert "0.png" not in archive.read("labels-of-others-images.json").decode()


async def test_the_readme_is_in_the_language_of_the_account(platform: Platform) -> None:
    ana = await people.signed_in(await people.member())
    assert "all that is yours" in (await copied(platform, ana)).read("README.txt").decode()
    await User.filter(id=ana.id).update(locale="es")
    assert "todo lo suyo" in (await copied(platform, ana)).read("README.txt").decode()


async def test_what_is_deleted_meanwhile_is_left_out(platform: Platform) -> None:
    ana = await people.signed_in(await people.member())
    gone, lost = await upload(platform, ana, picture(1), picture(2))
    await platform.images.blobs.delete([pixels_key(lost.key)])
    parts = await parts_of(platform, ana)
    data = await anext(parts)
    await platform.images.delete(ana, gone.id)
    archive = ZipFile(BytesIO(data + b"".join([part async for part in parts])))
    assert archive.testzip() is None
    assert [image["picture"] for image in listed(archive, "images.json")] == [None]


async def test_it_is_never_held_whole(platform: Platform) -> None:
    ana, size = await people.signed_in(await people.member()), 2_000_000
    for number in range(20):
        row = await image_row(ana, str(number))
        await platform.images.blobs.put(pixels_key(row.key), number.to_bytes(1, "big") * size)
    parts = await parts_of(platform, ana)
    tracemalloc.start()
    total = 0
    async for part in parts:
        total += len(part)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert total > 20 * size
    assert peak < 8 * size
    assert await Image.all().count() == 20


async def test_an_address_is_good_for_its_user_alone_and_while_there_is_one(platform: Platform) -> None:
    ana, eva = await people.member(), await people.member("eva@hospital.example")
    for user in (ana, eva):
        await people.signed_in(user)
    hers = asked(await platform.export.address(ana))
    for forged in ({"number": eva.id}, {"viewer": str(eva.id)}, {"expires": "1"}):
        assert await platform.export.open(replace(hers, **forged)) is None
    assert await platform.export.open(replace(hers, number=eva.id, viewer=str(eva.id))) is None
    of_image = asked(platform.links.image(ana, ana.id))
    assert await platform.export.open(of_image) is None
    assert await platform.export.open(hers)
    await User.filter(id=ana.id).update(blocked_at=datetime.now(UTC))
    assert await platform.export.open(hers) is None
    with pytest.raises(Unauthenticated):
        await platform.export.address(None)


async def test_an_address_ends_with_its_session(platform: Platform) -> None:
    ana = await people.signed_in(await people.member())
    token = await issue(ana, TokenPurpose.SESSION)
    hers = asked(await platform.export.address(ana))
    await platform.accounts.sign_out(token)
    assert await platform.export.open(hers)
    await platform.sessions.end_all(ana)
    assert await platform.export.open(hers) is None


async def test_both_asking_and_having_are_throttled(platform: Platform) -> None:
    ana = await people.signed_in(await people.member())
    for _ in range(EXPORTS.points):
        address = await platform.export.address(ana)
    with pytest.raises(TooMany):
        await platform.export.address(ana)
    for _ in range(DOWNLOADS.points):
        assert await platform.export.open(asked(address))
    with pytest.raises(TooMany):
        await platform.export.open(asked(address))
