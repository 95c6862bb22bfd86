"""Who asks a live server, and what there is to see for them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.live import Live
from tests.stand_ins import picture

ADMIN, MEMBER, PASSWORD = "chief@hospital.example", "ana@hospital.example", "correct horse battery"

SIGN_UP = "mutation($input: SignUpInput!) { signUp(input: $input) { errors { message } } }"
VERIFY = "mutation($input: VerifyEmailInput!) { verifyEmail(input: $input) { errors { message } } }"
LABEL = "mutation($input: SubmitLabelInput!) { submitLabel(input: $input) { errors { message } } }"
PUBLISH = "mutation($input: PublishNewsInput!) { publishNews(input: $input) { errors { message } } }"
CONTACT = (
    "mutation($input: SendContactMessageInput!) { sendContactMessage(input: $input) { errors { message } } }"
)


@dataclass(frozen=True)
class People:
    """The server, asked by each of them."""

    anybody: Live
    member: Live
    admin: Live


async def people_of(server: Live) -> People:
    """An administrator, and a member who has signed up through the mail."""
    server.run("create-admin", ADMIN, COVIDXR_ADMIN_PASSWORD=PASSWORD)
    await server.ask(SIGN_UP, input={"email": MEMBER, "password": PASSWORD, "name": "Ana"})
    await server.ask(VERIFY, input={"token": await server.mailed_token()})
    member, admin = [await server.sign_in(email, PASSWORD) for email in (MEMBER, ADMIN)]
    return People(server, member, admin)


async def furnish(people: People, folder: Path) -> None:
    """Something of each kind: images, predictions, a label, news and a message."""
    files = pictures(folder, range(100, 102))
    images = await people.member.upload(files, "id", waitSeconds=30)
    await people.member.ask(LABEL, input={"imageId": images[0]["image"]["id"], "finding": "COVID"})
    await people.admin.ask(PUBLISH, input={"title": "Opened", "body": "Today."})
    message = {"name": "Eva", "email": "eva@hospital.example", "subject": "Hello", "body": "Well done."}
    await people.anybody.ask(CONTACT, input=message)


def pictures(folder: Path, seeds: range) -> list[Path]:
    """A file of each of these pictures, no two of which are alike."""
    files = [folder / f"{seed}.png" for seed in seeds]
    for seed, file in zip(seeds, files, strict=True):
        file.write_bytes(picture(seed))
    return files
