"""Mail: to a real SMTP server on loopback, and into a folder."""

import asyncio
import email.policy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from api.mail import FolderPost, SmtpPost
from services import letters
from services.letters import Letter, Undeliverable

SENDER = "COVID-XR <covid-xr@localhost>"
LETTER = Letter(
    ("ana@hospital.example",), "Héllo 李", "Grüße,\n\n.\n..\n" + "x" * 2000 + "\n", "eva@h.example"
)


class Mailbox:
    """Takes mails, or refuses what a test names; its methods are named as aiosmtpd calls them."""

    def __init__(self, **refusals: str) -> None:
        self.envelopes: list[Envelope] = []
        self.refusals = refusals

    async def handle_MAIL(self, *args: Any) -> str:  # noqa: N802
        _, _, envelope, address, _ = args
        envelope.mail_from = address
        return self.refusals.get("MAIL", "250 OK")

    async def handle_RCPT(self, *args: Any) -> str:  # noqa: N802
        _, _, envelope, address, _ = args
        if "RCPT" in self.refusals and not address.startswith("good"):
            return self.refusals["RCPT"]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, *args: Any) -> str:  # noqa: N802
        if "DATA" not in self.refusals:
            self.envelopes.append(args[2])
        return self.refusals.get("DATA", "250 OK")

    @property
    def messages(self) -> list[EmailMessage]:
        return [parsed(envelope.content) for envelope in self.envelopes]


def parsed(data: bytes) -> EmailMessage:
    return email.message_from_bytes(data, policy=email.policy.default)


def address_in(header: str, data: bytes) -> str:
    """The one address in a header in UTF-8, which Python would take for damage if it parsed bytes."""
    message = email.message_from_string(data.decode(), policy=email.policy.default)
    (address,) = message[header].addresses
    return address.addr_spec


def check_password(
    server: Any, session: Session, envelope: Envelope, mechanism: str, data: Any
) -> AuthResult:
    known = LoginPassword(b"covid@xr", b"p/w:?#%")
    return AuthResult(success=data == known, handled=False)


@asynccontextmanager
async def smtp_server(mailbox: Mailbox, **options: Any) -> AsyncIterator[str]:
    """The host and port of a server that gives its mails to a mailbox."""
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(mailbox, **options), "127.0.0.1", 0)
    async with server:
        yield "{}:{}".format(*server.sockets[0].getsockname())


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


async def test_hands_a_letter_to_a_server(mailbox: Mailbox) -> None:
    async with smtp_server(mailbox) as server:
        await SmtpPost(f"smtp://{server}", SENDER).send(LETTER)
    (envelope,), (message,) = mailbox.envelopes, mailbox.messages
    assert (envelope.mail_from, envelope.rcpt_tos) == ("covid-xr@localhost", ["ana@hospital.example"])
    assert (message["From"], message["To"], message["Reply-To"]) == (
        SENDER,
        "ana@hospital.example",
        "eva@h.example",
    )
    assert message["Subject"] == "Héllo 李"
    assert message.get_content().replace("\r\n", "\n") == LETTER.body
    assert message["Date"].datetime.tzinfo is not None
    assert message["Message-ID"]


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
async def test_signs_in_where_the_url_has_a_user(mailbox: Mailbox) -> None:
    async with smtp_server(
        mailbox, authenticator=check_password, auth_required=True, auth_require_tls=False
    ) as server:
        await SmtpPost(f"smtp://covid%40xr:p%2Fw%3A%3F%23%25@{server}", SENDER).send(LETTER)
        assert len(mailbox.envelopes) == 1
        for user in ("covid%40xr:wrong@", "nobody:wrong@", ""):
            with pytest.raises(OSError, match="mail server") as refused:
                await SmtpPost(f"smtp://{user}{server}", SENDER).send(LETTER)
            assert "wrong" not in str(refused.value)
    assert len(mailbox.envelopes) == 1


async def test_reaches_every_recipient_that_the_server_takes() -> None:
    mailbox = Mailbox(RCPT="550 no such person")
    async with smtp_server(mailbox) as server:
        to = ("bad@h.example", "good@h.example", "good2@h.example")
        await SmtpPost(f"smtp://{server}", SENDER).send(Letter(to, "Hello", "Body"))
    assert mailbox.envelopes[0].rcpt_tos == ["good@h.example", "good2@h.example"]


@pytest.mark.parametrize("refusal", [{"RCPT": "550 no such person"}, {"DATA": "554 not that"}])
async def test_a_letter_that_is_refused_for_good_is_undeliverable(refusal: dict[str, str]) -> None:
    async with smtp_server(Mailbox(**refusal)) as server:
        post = SmtpPost(f"smtp://{server}", SENDER)
        with pytest.raises(Undeliverable):
            await post.send(LETTER)


@pytest.mark.parametrize(
    "refusal",
    [
        {"RCPT": "450 later, please"},
        {"DATA": "451 later, please"},
        {"MAIL": "451 later, please"},
        {"MAIL": "550 who are you?"},
    ],
)
async def test_a_letter_that_is_refused_for_now_is_worth_another_attempt(refusal: dict[str, str]) -> None:
    async with smtp_server(Mailbox(**refusal)) as server:
        post = SmtpPost(f"smtp://{server}", SENDER)
        with pytest.raises(OSError, match="mail server"):
            await post.send(LETTER)


async def test_a_server_that_is_away_is_worth_another_attempt(free_tcp_port: int) -> None:
    with pytest.raises(OSError, match="mail server"):
        await SmtpPost(f"smtp://127.0.0.1:{free_tcp_port}", SENDER).send(LETTER)


async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


@pytest.fixture
async def mute_server() -> AsyncIterator[int]:
    """The port of a server that takes connections and says nothing."""
    server = await asyncio.start_server(mute, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_a_server_that_says_nothing_is_not_waited_for(
    mute_server: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.mail.TIMEOUT_SECONDS", 0.2)
    with pytest.raises(OSError, match="mail server"):
        await SmtpPost(f"smtp://127.0.0.1:{mute_server}", SENDER).send(LETTER)


async def test_no_password_goes_to_a_server_that_only_seems_to_speak_tls(
    mute_server: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.mail.TIMEOUT_SECONDS", 0.2)
    with pytest.raises(OSError, match="mail server"):
        await SmtpPost(f"smtps://u:p@127.0.0.1:{mute_server}", SENDER).send(LETTER)


@pytest.mark.parametrize("address", ["ñandú@hospital.example", "ana@españa.example"])
async def test_addresses_of_every_alphabet_arrive(mailbox: Mailbox, address: str) -> None:
    async with smtp_server(mailbox, enable_SMTPUTF8=True, decode_data=False) as server:
        await SmtpPost(f"smtp://{server}", SENDER).send(Letter((address,), "Hello", "Body", address))
    (envelope,) = mailbox.envelopes
    assert envelope.rcpt_tos == [address]
    assert address_in("To", envelope.content) == address_in("Reply-To", envelope.content) == address


async def test_an_alphabet_that_the_server_cannot_is_undeliverable(mailbox: Mailbox) -> None:
    async with smtp_server(mailbox) as server:
        post = SmtpPost(f"smtp://{server}", SENDER)
        with pytest.raises(Undeliverable):
            await post.send(Letter(("ñandú@h.example",), "Hello", "Body"))


async def test_letters_of_the_platform_arrive_as_they_were_written(mailbox: Mailbox) -> None:
    link = "http://here/verify-email?token=" + "Ab-_" * 11
    sent = [
        letters.verification("ana@h.example", "Ánä 李", link, "en"),
        letters.password_reset("ana@h.example", "Ánä 李", link, "es"),
        letters.contact(("a@h.example", "b@h.example"), "Ánä", "eva@h.example", "¿?", "Body"),
    ]
    async with smtp_server(mailbox) as server:
        for letter in sent:
            await SmtpPost(f"smtp://{server}", SENDER).send(letter)
    for letter, message in zip(sent, mailbox.messages, strict=True):
        assert message["Subject"] == letter.subject
        assert message.get_content().replace("\r\n", "\n").rstrip() == letter.body.rstrip()


def written(folder: Path) -> list[bytes]:
    """The mails in a folder, by name."""
    assert {file.suffix for file in folder.iterdir()} == {".eml"}
    return [file.read_bytes() for file in sorted(folder.iterdir())]


async def test_writes_letters_into_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "not yet" / "there"
    post = FolderPost(folder, SENDER)
    await asyncio.gather(*(post.send(LETTER) for _ in range(20)))
    assert len(written(folder)) == 20
    message = parsed(written(folder)[0])
    assert (message["To"], message["Reply-To"]) == ("ana@hospital.example", "eva@h.example")
    assert message["Subject"] == "Héllo 李"
    assert message.get_content() == LETTER.body


@pytest.mark.parametrize("address", ["ñandú@hospital.example", "ana@españa.example"])
async def test_addresses_of_every_alphabet_stand_in_the_file(tmp_path: Path, address: str) -> None:
    await FolderPost(tmp_path, SENDER).send(Letter((address,), "Hello", "Body", address))
    (data,) = written(tmp_path)
    assert f"To: {address}".encode() in data
    assert address_in("To", data) == address_in("Reply-To", data) == address


async def test_letters_are_named_in_the_order_in_which_they_were_written(tmp_path: Path) -> None:
    post = FolderPost(tmp_path, SENDER)
    for number in range(5):
        await post.send(Letter(("ana@h.example",), f"{number}", "Body"))
    subjects = [parsed(data)["Subject"] for data in written(tmp_path)]
    assert subjects == ["0", "1", "2", "3", "4"]


async def test_a_folder_that_cannot_be_written_is_worth_another_attempt(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        await FolderPost(tmp_path / "file" / "mail", SENDER).send(LETTER)
