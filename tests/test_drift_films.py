"""Drift on real films through GraphQL: those that judged the default model are none, and blurred ones are."""

import csv
import hashlib
from collections.abc import AsyncIterator, Sequence
from functools import partial
from io import BytesIO
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageFilter

from api.classifier import load_head
from api.settings import Settings
from api.wiring import running
from events.log import encode_cursor
from ml import default_model, model_file
from ml.classifier import FeatureExtractor
from services.models import NewModel
from services.platform import Platform
from store.tables import Finding, Image, Prediction, User
from tests import databases, people, stand_ins
from tests.asking import Asker, application
from tests.drifting import ago
from tests.listening import joined, listening
from tests.uploading import upload

COUNT = 60
AT_ONCE = 20
DRIFT = """{ drift { lastMonth { images leftOut labelled agreement meanDistance } reference { meanDistance }
  signals { signal differs lastMonth sentence } } }"""
WARNED = """subscription($after: Cursor) { driftWarned(after: $after) { warning {
  comparison { signal sentence } } } }"""

pytestmark = pytest.mark.slow

Film = tuple[bytes, Finding]


@pytest.fixture(scope="module")
def films(site_a: Path, site_b: Path) -> list[Film]:
    """Films of both sites that have not taught the default model, with their truth."""
    base = default_model.load().base_set
    held = set(base.sha256[base.holdout].tolist())
    found = []
    for site in (site_a, site_b):
        with (site / "manifest.csv").open(newline="") as file:
            for row in csv.DictReader(file):
                data = (site / row["file"]).read_bytes()
                if hashlib.sha256(data).hexdigest() in held:
                    found.append((data, Finding.COVID if row["label"] == "covid" else Finding.NO_COVID))
    return [found[row] for row in np.random.default_rng(0).permutation(len(found))[:COUNT]]


@pytest.fixture
async def platform(
    extractor: FeatureExtractor, sqlite_template: Path, tmp_path: Path
) -> AsyncIterator[Platform]:
    """The platform on the real network and the shipped model; nothing is trained."""
    shipped = default_model.load()
    model, base = shipped.model, shipped.base_set
    first = NewModel(
        data=model_file.save(model),
        backbone=model.backbone.network,
        head=model.head.name,
        extractor=extractor.name,
        trained_on=model.positives + model.negatives,
        evaluation=shipped.evaluation.as_dict(),
        verdict="As shipped.",
        record=default_model.load_record(),
    )
    parts = stand_ins.parts(
        extractor=extractor,
        load_head=partial(load_head, extractor=extractor),
        default_model=first,
        base_holdout=dict(zip(base.sha256.tolist(), base.holdout.tolist(), strict=True)),
    )
    url = databases.sqlite_copy(sqlite_template, tmp_path)
    settings = Settings(data_dir=tmp_path / "data", database_url=url, retrain_threshold=100_000)
    async with running(settings, parts) as running_platform:
        yield running_platform


def blurred(film: bytes) -> bytes:
    """The film as a badly focused device would have it, a hundredth of its length."""
    picture = Pillow.open(BytesIO(film)).convert("L")
    buffer = BytesIO()
    picture.filter(ImageFilter.GaussianBlur(max(picture.size) / 100)).save(buffer, "PNG")
    return buffer.getvalue()


async def bring(platform: Platform, by: User, films: Sequence[Film]) -> list[Image]:
    """Upload films and label them, and wait until they are judged."""
    images: list[Image] = []
    for start in range(0, len(films), AT_ONCE):
        some = films[start : start + AT_ONCE]
        images += await upload(platform, by, *(data for data, _ in some))
    assert len(images) == len(films)

    async def all_are() -> bool:
        return await Prediction.filter(image_id__in=[image.id for image in images]).count() == len(images)

    await people.eventually(all_are, seconds=300)
    for image, (_, finding) in zip(images, films, strict=True):
        await platform.labelling.submit(by, image.id, finding, None)
    return images


async def test_blurred_films_are_told_and_sharp_ones_are_not(platform: Platform, films: list[Film]) -> None:
    ana, chief = await people.member(), await people.admin()
    transport = httpx.ASGITransport(application(platform))
    async with (
        httpx.AsyncClient(transport=transport, base_url="http://covidxr.test") as client,
        listening(platform) as address,
    ):
        admin = await Asker(client).signed_in(chief)
        sharp = await bring(platform, ana, films)
        begin = encode_cursor(await platform.log.head())
        await platform.drift_watch.look()
        found = await admin.data(DRIFT)
        month = found["lastMonth"]
        assert (month["images"], month["leftOut"]) == (COUNT, 0)
        assert month["labelled"] > 50
        assert month["agreement"] > 0.85
        assert month["meanDistance"] == pytest.approx(found["reference"]["meanDistance"], abs=0.5)
        assert [one for one in found["signals"] if one["differs"]] == []

        await Image.filter(id__in=[image.id for image in sharp]).update(uploaded_at=ago(40))
        await bring(platform, ana, [(blurred(data), finding) for data, finding in films])
        for _ in range(2):
            await platform.drift_watch.look()
        found = await admin.data(DRIFT)
        assert found["lastMonth"]["images"] == COUNT
        assert found["lastMonth"]["meanDistance"] > month["meanDistance"] + 0.5
        differing = {one["signal"] for one in found["signals"] if one["differs"]}
        assert {"DISTANCE", "PROBABILITY"} <= differing
        async with joined(address, admin.token) as socket:
            await socket.subscribe(WARNED, after=begin)
            told = [(await socket.event())["warning"]["comparison"]["signal"] for _ in differing]
            await socket.settle()
            assert not [message for message in socket._kept if message["id"] == "1"]
        assert set(told) == differing
