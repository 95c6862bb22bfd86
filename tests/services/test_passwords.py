"""Which passwords are taken: by how soon they would be guessed, whoever's they are."""

import random
from collections.abc import Iterable
from time import process_time

import pytest
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from services import tokens
from services.errors import Code, Refused
from services.passwords import GUESSED_SOON, MAXIMUM_LENGTH, MINIMUM_LENGTH, problems_of
from services.platform import Platform
from store.tables import TokenPurpose

NAME, ADDRESS = "Ana María López", "ana.lopez@salta-norte.example"


async def refused_of(passwords: Iterable[str]) -> set[str]:
    """Those of them that would be guessed soon."""
    told = {password: await problems_of(password, NAME, ADDRESS) for password in passwords}
    assert {problem.message for problems in told.values() for problem in problems} <= {GUESSED_SOON}
    return {password for password, problems in told.items() if problems}


async def test_the_most_frequent_ones_are_refused() -> None:
    """The 3000 of ASVS 6.2.4, of those that are long enough."""
    frequent = [word for word in FREQUENCY_LISTS["passwords"] if len(word) >= MINIMUM_LENGTH][:3000]
    assert len(frequent) == 3000
    assert await refused_of(frequent) == set(frequent)


@pytest.mark.parametrize(
    "password",
    ["Password1", "P@$$w0rd1", "contraseña", "CONTRASEÑA", "asdfghjkl", "aaaaaaaa", "19841122", "a" * 256],
)
async def test_what_is_frequent_in_another_guise_is_refused(password: str) -> None:
    assert await refused_of([password])


OWN = [
    "Ana María López",
    "analopez-1",
    ADDRESS,
    ADDRESS.upper(),
    "saltanorte",
    "Covid-XR!",
    "covidxr2024",
    "Hospital2024",
    "radiografía de tórax",
]


@pytest.mark.parametrize("password", OWN)
async def test_names_that_anybody_knows_count_for_nothing(password: str) -> None:
    assert await refused_of([password])


@pytest.mark.parametrize(
    "password",
    [
        "bananas in pajamas",
        "x7Kq2mPz",
        "mi perro se llama",
        "correct horse",
        "12345678 y mi perro",
        "李雷和韩梅梅在医院里",
    ],
)
async def test_all_else_is_taken_of_whatever_characters(password: str) -> None:
    assert not await refused_of([password])


async def test_the_longest_is_judged_in_no_time() -> None:
    """zxcvbn alone takes half a minute of the last of these."""
    await problems_of("correct horse")  # reads its lists
    many_meanings = "4@8({[<369&#!1/|0$5+7%2"
    shuffled = "".join(random.Random(1).sample(many_meanings, len(many_meanings)))
    began = process_time()
    for password in ("a" * MAXIMUM_LENGTH, "1991" * 64, (shuffled * 12)[:MAXIMUM_LENGTH]):
        await problems_of(password, "n" * 900_000, ADDRESS)
    assert process_time() - began < 2


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_nobody_gets_one_in(platform: Platform) -> None:
    """By signing up, by the mailed link, or at the command line."""
    ana = await platform.accounts.sign_up(ADDRESS, "mi perro se llama", NAME, None)
    link = await tokens.issue(ana, TokenPurpose.RESET_PASSWORD)
    for attempt in (
        platform.accounts.sign_up("eva@h.example", "Eva-12345", "Eva", None),
        platform.accounts.reset_password(link, "ana.lopez1"),
        platform.accounts.create_admin("chief.of.all@h.example", "Chief-of-all"),
    ):
        with pytest.raises(Refused) as refused:
            await attempt
        assert [(one.code, one.field) for one in refused.value.problems] == [(Code.INVALID, "password")]
