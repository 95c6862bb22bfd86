"""Who is behind a signed address when it is used, and what asking costs."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services import tokens
from services.links import Links
from services.viewers import Viewers
from store.tables import Image, Role, Token, TokenPurpose, User
from tests.addressed import asked
from tests.people import admin, member, signed_in
from tests.statements import counted
from tests.store_rows import image as image_row

LINKS = Links("http://here", b"secret")
VIEWERS, STRICT = Viewers(LINKS), Viewers(LINKS, admins_need_second_factor=True)


@pytest.fixture
async def ana(database: str) -> User:
    return await signed_in(await member())


@pytest.fixture
async def chief(database: str) -> User:
    return await signed_in(await admin())


@pytest.fixture
async def image(ana: User) -> Image:
    return await image_row(ana)


async def seen(viewer: User, image: Image, viewers: Viewers = VIEWERS) -> bool:
    """Whether an image is there for a viewer, by the address that was made for them."""
    found = await viewers.image("images", asked(LINKS.image(viewer, image.id)))
    return found is not None and found.id == image.id


async def test_an_image_is_there_for_its_owner_and_administrators_alone(
    ana: User, chief: User, image: Image
) -> None:
    eva = await signed_in(await member("eva@hospital.example"))
    assert [await seen(user, image) for user in (ana, chief, eva)] == [True, True, False]


async def test_a_viewer_is_there_as_long_as_the_session_lives(ana: User, image: Image) -> None:
    in_first = asked(LINKS.image(ana, image.id))
    await signed_in(ana)
    first, last = await Token.filter(user_id=ana.id).order_by("id")
    await first.delete()
    assert await VIEWERS.find("images", in_first) is None
    assert await seen(ana, image)
    now = datetime.now(UTC)
    for later, there in ((timedelta(minutes=1), True), (timedelta(0), False)):
        await Token.filter(id=last.id).update(expires_at=now + later)
        assert await seen(ana, image) is there


async def test_an_address_of_a_cookie_s_session_is_for_its_browser_alone(ana: User, image: Image) -> None:
    token, other = [await tokens.issue(ana, TokenPurpose.SESSION) for _ in range(2)]
    ana.session_id, ana.is_by_cookie = (await Token.get(sha256=tokens.digest(token))).id, True
    address = asked(LINKS.image(ana, image.id))
    for cookies, there in (((), False), ((other,), False), ((token,), True), ((other, token), True)):
        held = replace(address, cookies=frozenset(cookies))
        assert (await VIEWERS.image("images", held) is not None) is there, cookies
    programs = replace(address, session=address.session.removesuffix("c"))
    assert await VIEWERS.find("images", programs) is None, "signed otherwise"


async def test_outside_of_a_session_there_is_no_address(ana: User, image: Image) -> None:
    stranger = await User.get(id=ana.id)
    assert not await seen(stranger, image)


async def block(user: User) -> None:
    await User.filter(id=user.id).update(blocked_at=datetime.now(UTC))


async def remove(user: User) -> None:
    await User.filter(id=user.id).delete()


async def another_purpose(user: User) -> None:
    """Of a link that was mailed, which signs nobody in."""
    await Token.filter(user_id=user.id).update(purpose="RESET_PASSWORD")


@pytest.mark.parametrize("end", [block, remove, another_purpose])
async def test_whoever_may_not_come_in_is_nobody(
    ana: User, chief: User, image: Image, end: Callable[[User], Awaitable[None]]
) -> None:
    for user in (ana, chief):
        address = asked(LINKS.image(user, image.id))
        assert await VIEWERS.find("images", address)
        await end(user)
        assert await VIEWERS.find("images", address) is None
        assert await VIEWERS.image("images", address) is None


async def test_an_administrator_is_one_as_of_now(ana: User, chief: User, image: Image) -> None:
    own = await image_row(chief)
    assert [await seen(chief, one, STRICT) for one in (image, own)] == [False, True]
    await User.filter(id=chief.id).update(second_factor_at=datetime.now(UTC))
    assert [await seen(chief, one, STRICT) for one in (image, own)] == [True, True]
    await User.filter(id=chief.id).update(role=Role.MEMBER)
    assert [await seen(chief, one, STRICT) for one in (image, own)] == [False, True]
    assert await seen(ana, image, STRICT)


async def test_a_picture_costs_two_statements_and_what_is_forged_none(ana: User, image: Image) -> None:
    address = LINKS.thumbnail(ana, image.id)
    with counted() as statements:
        assert await VIEWERS.image("thumbnails", asked(address))
    assert len(statements) == 2, statements
    with counted() as statements:
        assert await VIEWERS.image("thumbnails", asked(address + "0")) is None
    assert statements == []
