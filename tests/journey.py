"""What somebody does with the platform from signing up to leaving, and what goes wrong on the way."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import pyotp
import pytest

from services.letters import Letter
from store.blobs import Blobs
from store.tables import ModelVersion
from tests import people
from tests.asking import Asker
from tests.people import eventually
from tests.stand_ins import Pigeonhole, picture

T = TypeVar("T")

EMAIL, MOVED = "ana.telling@hospital.example", "ana.telling@clinic.example"
FORGOTTEN, PASSWORD, WRONG = "correct horse battery", "another horse battery", "wrong donkey battery"
HERE, ELSEWHERE = "203.0.113.77", "2001:db8:7e11:9::5"
"""Where Ana is, and who guesses at her password."""
FILE, PATIENT = "gomez-maria-1960.png", "HC-998877"
VISITOR, SUBJECT, BODY = "Berta Besorgt", "a lost phone", "my recovery codes went with it"
PUBLIC_URL = "http://127.0.0.1:8000"
SIGN_IN = "mutation($input: SignInInput!) { signIn(input: $input) { token } }"


async def same(value: T) -> T:
    return value


async def away(*_: object) -> None:
    raise OSError("the store is away")


class Refusing:
    """A post whose errors quote the addresses, as those of real servers do."""

    async def send(self, letter: Letter) -> None:
        raise OSError("refused") from ValueError(f"550 {letter.to} {letter.reply_to} unknown")


@dataclass
class Journey:
    """Ana's, by whoever has not signed in; what must never be told of it grows on the way.

    Args:
        written: all that has been logged.
    """

    anybody: Asker
    post: Pigeonhole
    written: Callable[[], str]
    secrets: list[str] = field(
        default_factory=lambda: [
            *("telling", "hospital.example", "clinic.example", "nobody@", HERE, ELSEWHERE.rpartition(":")[0]),
            *(FORGOTTEN, PASSWORD, WRONG, FILE, PATIENT, VISITOR, SUBJECT, BODY),
        ]
    )

    async def whole(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """From the beginning to the end."""
        await people.admin()
        self.comes_from(HERE)
        await self.signs_up()
        await self.is_guessed_at()
        await self.forgets_the_password()
        ana = replace(self.anybody, token=await self.signs_in())
        await self.uploads(ana, monkeypatch)
        await self.takes_all_along(ana)
        code, another = await self.turns_a_second_factor_on(ana)
        browser = await self.signs_in_by_cookie(EMAIL, code)
        await self.moves(browser)
        browser = await self.signs_in_by_cookie(MOVED, another)
        await self.writes_to_administrators(browser)
        monkeypatch.setattr(self.post, "send", Refusing().send)
        await self.writes_to_administrators(browser)
        await self.told("contact: attempt 1")
        await self.leaves(browser)
        await self.told("notice: attempt 1")

    def comes_from(self, address: str) -> None:
        """As the proxy tells it."""
        self.anybody.client.headers["X-Forwarded-For"] = address

    async def signs_up(self) -> None:
        await done(self.anybody, "signUp", "user { id }", email=EMAIL, password=FORGOTTEN, name="Ana Telling")
        await done(self.anybody, "verifyEmail", "user { id }", token=await self.mailed("verify-email"))

    async def is_guessed_at(self) -> None:
        """Also in the text of an operation and in a value of no type, which errors quote to whoever asks."""
        self.comes_from(ELSEWHERE)
        for email in (EMAIL, EMAIL, "nobody@hospital.example"):
            await self.anybody.mutate("signIn", "token", email=email, password=WRONG)
        asked = f'mutation {{ signIn(input: {{email: "{EMAIL}", password: "{WRONG}", pin: 1}}) {{ token }} }}'
        assert "errors" in await self.anybody.ask(asked)
        assert "errors" in await self.anybody.ask(SIGN_IN, input={"email": EMAIL, "password": [WRONG]})
        await self.anybody.client.get("/graphql", params={"query": asked})
        self.comes_from(HERE)

    async def forgets_the_password(self) -> None:
        await done(self.anybody, "requestPasswordReset", "requested", email=EMAIL)
        token = await self.mailed("reset-password")
        await self.anybody.mutate("resetPassword", "user { id }", token=token, password=EMAIL)
        await done(self.anybody, "resetPassword", "user { id }", token=token, password=PASSWORD)
        await self.anybody.mutate("resetPassword", "user { id }", token=token, password=PASSWORD)

    async def signs_in(self) -> str:
        """The token that a program sends."""
        token: str = (await done(self.anybody, "signIn", "token", email=EMAIL, password=PASSWORD))["token"]
        self.secrets.append(token)
        return token

    async def uploads(self, ana: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
        """Films that teach a model, one that is none, and one that the store does not take."""
        films = [(FILE, picture(n, 0.2 * n + 0.1)) for n in range(4)]
        fields = "id url thumbnailUrl prediction { heatmapUrl }"
        uploaded = await ana.upload([*films, (FILE, b"no film")], fields, patientRef=PATIENT, waitSeconds=10)
        images = [result["image"] for result in uploaded["results"][:4]]
        pixels = await self.looks_at(images[0]["url"])
        await self.looks_at(images[0]["thumbnailUrl"])
        await self.looks_at(images[0]["prediction"]["heatmapUrl"])
        assert pixels.startswith(b"\x89PNG")
        self.secrets.append("x89PNG")  # as Python writes it, but for the backslash, of which JSON makes two
        for image, finding in zip(images, ("NO_COVID", "NO_COVID", "COVID", "COVID"), strict=True):
            await done(ana, "submitLabel", "label { finding }", imageId=image["id"], finding=finding)
        await eventually(lambda: ModelVersion.filter(number=2).exists())
        with monkeypatch.context() as broken:
            broken.setattr(Blobs, "put", away)
            await ana.upload([(FILE, picture(9))], "id")
        await done(ana, "deleteImage", "deletedId", id=images[0]["id"])
        assert await ana.code("{ users { totalCount } }") == "FORBIDDEN"

    async def takes_all_along(self, ana: Asker) -> None:
        assert (await self.looks_at((await done(ana, "exportAccount", "url"))["url"])).startswith(b"PK")

    async def turns_a_second_factor_on(self, ana: Asker) -> list[str]:
        """Two recovery codes."""
        made = await done(ana, "beginSecondFactor", "secret", password=PASSWORD)
        code = pyotp.TOTP(made["secret"]).now()
        await ana.mutate("confirmSecondFactor", "recoveryCodes", code=f"{code}0")
        confirmed = await done(ana, "confirmSecondFactor", "recoveryCodes", code=code)
        self.secrets += [made["secret"], code, *confirmed["recoveryCodes"]]
        first, second = (one.replace("-", "") for one in confirmed["recoveryCodes"][:2])
        self.secrets += [first, second]
        return [first, second]

    async def signs_in_by_cookie(self, email: str, code: str) -> Asker:
        """In a browser, whose session no script can read."""
        self.anybody.client.headers["Sec-Fetch-Site"] = "same-origin"
        known = {"email": email, "password": PASSWORD, "cookie": True}
        await self.anybody.mutate("signIn", "token", **known)
        await self.anybody.mutate("signIn", "token", **known, code=f"{code}0")
        await done(self.anybody, "signIn", "token", **known, code=code)
        self.secrets.append(self.anybody.client.cookies["covidxr"])
        return self.anybody

    async def moves(self, browser: Asker) -> None:
        """To another address, which ends the session."""
        await browser.mutate("requestEmailChange", "requested", email=MOVED, password=WRONG)
        await done(browser, "requestEmailChange", "requested", email=MOVED, password=PASSWORD)
        await done(browser, "confirmEmailChange", "user { id }", token=await self.mailed("confirm-email"))
        assert await browser.data("{ viewer { id } }") is None

    async def writes_to_administrators(self, browser: Asker) -> None:
        message = {"name": VISITOR, "email": MOVED, "subject": SUBJECT, "body": BODY}
        await done(browser, "sendContactMessage", "message { id }", **message)

    async def leaves(self, browser: Asker) -> None:
        await browser.mutate("deleteAccount", "deleted", password=WRONG)
        await done(browser, "deleteAccount", "deleted", password=PASSWORD)

    async def told(self, words: str) -> None:
        """Wait for these in the log."""
        await eventually(lambda: same(words in self.written()))

    async def mailed(self, page: str) -> str:
        """The token of the link to a page, once it has come."""

        async def found() -> list[str]:
            return [
                one
                for letter in self.post.letters
                for one in re.findall(rf"/{page}\?token=(\S+)", letter.body)
            ]

        self.secrets.append((await eventually(found))[-1])
        return self.secrets[-1]

    async def looks_at(self, url: str) -> bytes:
        """What is at a signed address, of which somebody makes up another."""
        self.secrets += re.findall(r"signature=(\w+)", url)
        address = url.removeprefix(PUBLIC_URL)
        assert (await self.anybody.client.get(address + "0")).status_code == 404
        response = await self.anybody.client.get(address)
        assert response.status_code == 200
        return response.content


async def done(asker: Asker, name: str, fields: str, /, **given: Any) -> Any:
    """The payload of a mutation that succeeds."""
    if not given:
        payload = await asker.data(f"mutation {{ {name} {{ {fields} errors {{ code }} }} }}")
    else:
        payload = await asker.mutate(name, fields, **given)
    assert payload["errors"] == [], (name, payload)
    return payload
