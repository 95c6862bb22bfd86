"""A mail server that is away for an hour, which here takes two seconds."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP

from api.mail import SmtpPost
from api.settings import Settings
from api.wiring import running
from services import notices, reactions
from services.platform import Platform
from store.tables import ContactMessage, Notice, NoticeKind
from tests import databases, stand_ins
from tests.api.test_mail import SENDER, Mailbox
from tests.people import admin, eventually, member

HOUR = 2.0
SUBJECTS = {
    "Confirm your e-mail address for COVID-XR": "new@hospital.example",
    "Choose a new password for COVID-XR": "ana@hospital.example",
    "Your COVID-XR account is deleted": "gone@hospital.example",
    "[COVID-XR] Hello": "chief@hospital.example",
}


@pytest.fixture
def settings(tmp_path: Path, sqlite_template: Path) -> Settings:
    return Settings(data_dir=tmp_path, database_url=databases.sqlite_copy(sqlite_template, tmp_path))


async def four_mails_are_due(platform: Platform) -> None:
    await admin("chief@hospital.example")
    await platform.accounts.sign_up("new@hospital.example", "correct horse battery", "New", "en")
    await member("ana@hospital.example")
    await platform.accounts.request_password_reset("ana@hospital.example", locale="en")
    await platform.contact.send("Eva", "eva@hospital.example", "Hello", "Well done.")
    gone = await member("gone@hospital.example")
    await platform.accounts.outbox.commit(lambda: notices.tell(NoticeKind.ACCOUNT_DELETED, gone))


async def test_what_is_to_be_mailed_meanwhile_is_mailed_once_even_after_a_restart(
    settings: Settings, free_tcp_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FIRST_PAUSE_SECONDS", "LONGEST_PAUSE_SECONDS"):
        monkeypatch.setattr(reactions, name, getattr(reactions, name) * HOUR / 3600)
    parts = stand_ins.parts(post=SmtpPost(f"smtp://127.0.0.1:{free_tcp_port}", SENDER))
    async with running(settings, parts) as platform:
        await four_mails_are_due(platform)
        await asyncio.sleep(HOUR / 2)
    async with running(settings, parts):
        await asyncio.sleep(HOUR / 2)
        assert await Notice.exists()
        mailbox = Mailbox()
        loop = asyncio.get_running_loop()
        async with await loop.create_server(lambda: SMTP(mailbox), "127.0.0.1", free_tcp_port):
            await eventually(lambda: asyncio.sleep(0, len(mailbox.envelopes) >= len(SUBJECTS)))
            await asyncio.sleep(HOUR / 10)  # for what comes twice
        assert not await Notice.exists()
        assert not await ContactMessage.filter(delivered_at__isnull=True).exists()
    sent = Counter((message["Subject"], message["To"]) for message in mailbox.messages)
    assert sent == Counter(SUBJECTS.items())
