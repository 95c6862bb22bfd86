"""What all the servers find in the database: people, images, predictions and labels."""

from __future__ import annotations

from uuid import uuid4

from benchmarks.scale.people import sign_in
from services import lookups
from store.database import open_database
from store.tables import Finding, Image, Label, Prediction, Role, User

PEOPLE, IMAGES = 5, 60
READER, UPLOADER = 0, 1
"""Who asks; the reader's list stays as it is while the other uploads."""


async def fill(database: str) -> list[str]:
    """The people's tokens. The reader's images are judged, and labelled by everybody in turn."""
    tokens = await sign_in(database, Role.MEMBER, PEOPLE)
    async with open_database(database):
        people = await User.all().order_by("id")
        deployment = await lookups.deployment()
        assert deployment
        film = {"media_type": "image/jpeg", "size": 1, "width": 64, "height": 64, "holdout": False}
        for number in range(IMAGES):
            key, finding = uuid4().hex, (Finding.NO_COVID, Finding.COVID)[number % 4 == 0]
            name = f"film {number}.jpg"
            image = await Image.create(owner=people[READER], key=key, filename=name, sha256=key * 2, **film)
            said = {"finding": finding, "probability": 0.9 if number % 4 == 0 else 0.1, "margin": 0.1}
            await Prediction.create(image=image, model_id=deployment.model_id, **said)
            await Label.create(image=image, finding=finding, submitted_by=people[number % PEOPLE])
    return tokens
