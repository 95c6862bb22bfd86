"""The contact form: what is taken, and the mail that goes to the administrators."""

import asyncio
from collections.abc import Awaitable

import pytest

from api.mail import compose
from api.wiring import Parts
from events.messages import ContactMessageReceived
from services import names, reactions
from services.contact import BODY_LENGTH, SUBJECT_LENGTH
from services.errors import Code, Forbidden, Refused, Unauthenticated
from services.platform import Platform
from store.pages import Window
from store.tables import ContactMessage
from tests.people import admin, eventually, member

FORM = ("Ana", "ana@hospital.example", "Hello", "How does it work?")


async def refusals(doing: Awaitable[object]) -> list[tuple[str | None, Code]]:
    with pytest.raises(Refused) as refused:
        await doing
    return [(problem.field, problem.code) for problem in refused.value.problems]


async def everything_is_delivered() -> bool:
    return not await ContactMessage.exists(delivered_at__isnull=True)


async def test_a_message_is_mailed_to_all_administrators_once(platform: Platform, parts: Parts) -> None:
    await admin("chief@hospital.example")
    await admin("deputy@hospital.example")
    await member()
    message = await platform.contact.send(*FORM)
    await eventually(everything_is_delivered)
    await platform.contact.mail_admins(ContactMessageReceived(message.id))
    (letter,) = parts.post.letters
    assert letter.to == ("chief@hospital.example", "deputy@hospital.example")
    assert letter.subject == "[COVID-XR] Hello"
    assert letter.reply_to == "ana@hospital.example"
    assert "How does it work?" in letter.body


@pytest.mark.parametrize(
    "subject",
    [
        "Hello\r\nBcc: everyone@hospital.example",
        "Hello\nBcc: everyone@hospital.example",
        "Hello\rBcc: everyone@hospital.example",
        "Hello\x0b\x0c\x1c\x85\u2028Bcc: everyone@hospital.example",
    ],
)
@pytest.mark.parametrize("field", [0, 2])
async def test_no_line_break_makes_a_header(
    platform: Platform, parts: Parts, subject: str, field: int
) -> None:
    await admin()
    form = [*FORM]
    form[field] = subject
    await platform.contact.send(*form)
    await eventually(everything_is_delivered)
    (letter,) = parts.post.letters
    message = compose(letter, "covid-xr@localhost")
    assert message["Bcc"] is None
    headers = bytes(message).partition(b"\n\n")[0]
    assert b"\nBcc" not in headers
    assert b"\rBcc" not in headers
    assert (await ContactMessage.get()).name.isprintable()


@pytest.mark.parametrize(
    "address",
    [
        "ana@hospital.example\r\nBcc: all@h.example",
        "ana@hospital.example, bob@h.example",
        "Ana <ana@h.example>",
        "ana@@h.example",
        "ana",
        "",
        "@h.example",
        "a" * 300 + "@h.example",
        pytest.param("a" * 900_000 + "@h.example", marks=pytest.mark.timeout(5)),
    ],
)
async def test_answers_go_to_one_proper_address(platform: Platform, address: str) -> None:
    sending = platform.contact.send("Ana", address, "Hello", "Body")
    assert await refusals(sending) == [("email", Code.INVALID)]
    assert not await ContactMessage.exists()


async def test_names_everything_wrong_with_a_form_at_once(platform: Platform) -> None:
    assert await refusals(platform.contact.send(" ", "x", "", "\n")) == [
        ("name", Code.REQUIRED),
        ("email", Code.INVALID),
        ("subject", Code.REQUIRED),
        ("body", Code.REQUIRED),
    ]
    long = ("x" * (names.MAXIMUM_LENGTH + 1), FORM[1], "x" * (SUBJECT_LENGTH + 1), "x" * (BODY_LENGTH + 1))
    assert await refusals(platform.contact.send(*long)) == [
        ("name", Code.TOO_LARGE),
        ("subject", Code.TOO_LARGE),
        ("body", Code.TOO_LARGE),
    ]


@pytest.mark.parametrize("field", [0, 2, 3])
async def test_takes_no_nul_anywhere(platform: Platform, field: int) -> None:
    form = [*FORM]
    form[field] = "He\0llo"
    expected = ("name", "email", "subject", "body")[field]
    assert await refusals(platform.contact.send(*form)) == [(expected, Code.INVALID)]


async def test_a_name_does_not_turn_the_letter_around(platform: Platform) -> None:
    assert await refusals(platform.contact.send("\u202eanA", *FORM[1:])) == [("name", Code.INVALID)]


async def test_keeps_the_body_as_it_was_written(platform: Platform) -> None:
    body = "  Grüße,\r\n\r\n.\n.\n李 \t<b>&amp;\n"
    await platform.contact.send("Ana", " ana@hospital.example ", "Hello", body)
    message = await ContactMessage.get()
    assert (message.body, message.email) == (body, "ana@hospital.example")


async def test_no_message_is_lost_while_the_mail_server_is_away(
    platform: Platform, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reactions, "FIRST_PAUSE_SECONDS", 0.01)
    await admin()
    parts.post.shut = True
    for number in range(10):
        await platform.contact.send("Ana", "ana@h.example", f"Message {number}", "Body")
    await asyncio.sleep(0.1)
    assert await ContactMessage.filter(delivered_at__isnull=True).count() == 10
    parts.post.shut = False
    await eventually(everything_is_delivered)
    subjects = [letter.subject for letter in parts.post.letters]
    assert sorted(subjects) == [f"[COVID-XR] Message {number}" for number in range(10)]


async def test_without_an_administrator_a_message_waits_to_be_read(platform: Platform, parts: Parts) -> None:
    message = await platform.contact.send(*FORM)
    await platform.contact.mail_admins(ContactMessageReceived(message.id))
    assert parts.post.letters == []
    assert (await ContactMessage.get()).delivered_at is None
    chief = await admin()
    assert [row.id for row in (await platform.contact.page(chief, Window(9))).rows] == [message.id]


async def test_only_administrators_read_messages(platform: Platform) -> None:
    chief, ana = await admin(), await member()
    messages = [await platform.contact.send(*FORM) for _ in range(2)]
    ids = [message.id for message in messages]
    assert [row.id for row in (await platform.contact.page(chief, Window(9))).rows] == ids[::-1]
    assert set(await platform.contact.find(chief, [*ids, 10**17])) == set(ids)
    for viewer, error in ((ana, Forbidden), (None, Unauthenticated)):
        with pytest.raises(error):
            await platform.contact.page(viewer, Window(9))
        assert await platform.contact.find(viewer, ids) == {}
