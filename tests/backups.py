"""Places with everything in them, for tests that back up and restore, and all that one holds."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tortoise import connections
from tortoise.models import Model

from api.settings import Settings
from services.backing_up import BackedUp, BackingUp, check_version
from services.backup_blobs import Follow
from services.backup_files import read
from services.keys import CHECKPOINTS
from services.platform import Platform
from services.restoring import Place as Restored
from services.restoring import Restoring
from services.trail import note
from store import tables
from store.blobs import Blobs
from store.database import open_database, sqlite_url
from store.tables import (
    ContactMessage,
    DeletedFilm,
    Deployment,
    DriftWarning,
    Finding,
    FindingChange,
    Image,
    Label,
    ModelVersion,
    Notice,
    NoticeKind,
    OutboxEvent,
    Prediction,
    RecoveryCode,
    RetrainingPolicy,
    RunTrigger,
    SecondFactor,
    Tally,
    Token,
    TokenPurpose,
    TrailKind,
    TrainingRun,
    User,
)
from tests import databases
from tests.buckets import S3Server
from tests.live import ROOT
from tests.people import admin, member
from tests.runs import ended, label
from tests.stand_ins import picture
from tests.store_rows import image as image_row
from tests.trails import noted
from tests.uploading import upload

MODELS = [
    model
    for model in vars(tables).values()
    if isinstance(model, type)
    and issubclass(model, Model)
    and not model._meta.abstract
    and model is not Model
]
ODD = "Zoë \U0001f9b7 'q' \"d\" `b` \\n \\ %s {} 日本\n\tend"
POLICY = {
    "threshold": 3,
    "minutes_between": 0,
    "labels_per_class": 0,
    "sensitivity_margin": 0.1,
    "specificity_margin": 0.05,
    "auc_margin": 1 / 3,
    "share_per_user": 1.0,
}
AT = datetime(2026, 2, 28, 23, 59, 59, 999999, tzinfo=UTC)

Rows = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Place:
    """What the settings of one installation say."""

    data_dir: Path
    database_url: str
    blobs_url: str

    @property
    def settings(self) -> Settings:
        return Settings(
            data_dir=self.data_dir,
            database_url=self.database_url,
            blobs_url=self.blobs_url,
            retrain_threshold=1000,
        )

    @property
    def blobs(self) -> Blobs:
        return Blobs(self.settings.blobs)

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """A `covidxr` command of this installation, in a process of its own."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("COVIDXR_")}
        own = {
            "COVIDXR_DATA_DIR": str(self.data_dir),
            "COVIDXR_DATABASE_URL": self.database_url,
            "COVIDXR_BLOBS_URL": self.blobs_url,
        }
        return subprocess.run(
            [sys.executable, "-m", "api.cli", *command],
            cwd=ROOT,
            env=clean | own | environment,
            capture_output=True,
            text=True,
            timeout=240,
        )

    def does(self, *command: str, **environment: str) -> str:
        """The output of a command that succeeds."""
        done = self.run(*command, **environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def refuses(self, *command: str, **environment: str) -> str:
        """What a command says that fails, in its last line."""
        done = self.run(*command, **environment)
        assert done.returncode == 1, (done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        return done.stderr.strip().splitlines()[-1]


@contextmanager
def place(kind: str, folder: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    """An installation of "sqlite" and a folder, or "mysql" and a bucket, which holds nothing yet."""
    if kind == "sqlite":
        yield Place(folder, sqlite_url(folder / "covid-xr.sqlite"), f"file://{folder / 'blobs'}")
        return
    server: S3Server = request.getfixturevalue("s3")
    monkeypatch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    with databases.empty_mysql() as url:
        yield Place(folder, url, server.make_bucket())


async def fill(platform: Platform) -> None:
    """Something of everything, some of it odd."""
    chief, ana = await admin(), await member()
    await upload(platform, ana, picture(1), picture(2, 0.9), patient_ref=ODD[:50])
    await label(platform, ana, 4, first=10)
    await platform.retraining.request(chief)
    await ended()
    await platform.newsroom.publish(chief, "News", ODD)
    odd = await image_row(ana, ODD, width=1, fingerprint=None, features="another/network")
    await Image.filter(id=odd.id).update(uploaded_at=AT)
    await ContactMessage.create(name=ODD[:90], email="a@b.example", subject="", body=ODD * 100)
    await Notice.create(kind=NoticeKind.EMAIL_IN_USE, email="c@d.example", name=ODD[:90], locale="es")
    await Token.create(user=ana, purpose=TokenPurpose.SESSION, sha256="f" * 64, expires_at=AT)
    await User.filter(id=ana.id).update(second_factor_at=AT)
    await SecondFactor.create(user=ana, secret="JBSWY3DPEHPK3PXP", last_step=59_865_120)
    await RecoveryCode.create(user=ana, sha256="e" * 64)
    await Tally.create(key="d" * 64, whole_at=1_800_000_000 + 1 / 3)
    run = await TrainingRun.create(
        slot=1,
        trigger=RunTrigger.ADMIN,
        epochs=20,
        loss=0.1 + 0.2,
        losses=[1e-300, None, 1 / 3, 12345678901234.5],
        left_out={ODD: 3},
        lease_until=AT - timedelta(microseconds=1),
    )
    await Label.create(
        image=odd,
        finding=Finding.COVID,
        submitted_by=ana,
        claimed_by=run,
        withdrawn_at=AT,
        withdrawal_reason=ODD,
    )
    await ModelVersion.filter(number=1).update(record={"words": ODD, "nested": [{"a": [None, True, -0.5]}]})
    await OutboxEvent.create(uid="of-a-newer-version", kind="Unheard", payload={"of": ODD})
    await platform.images.blobs.put(f"{CHECKPOINTS}/{run.id}/large", os.urandom(3_000_000))
    await platform.images.blobs.put("odd/a folder/é#?&=%41", b"")
    await DeletedFilm.create(sha256="a" * 64, fingerprint=None, taught=True)
    first = await ModelVersion.get(number=1)
    await DriftWarning.create(model=first, signal="DISTANCE", open=1, sentence=ODD, figures={"mean": 0.1})
    await RetrainingPolicy.create(number=1, changed_by=chief, **POLICY)
    deployment, two = await Deployment.all().first(), await Prediction.all().limit(2)
    assert deployment
    await FindingChange.create(
        image_id=two[0].image_id, deployment=deployment, prediction=two[0], previous=two[1]
    )
    await noted(5, chief)


def ignored(done: int, total: int) -> None:
    """Nobody looks on."""


async def back_up(of: Place, folder: Path, follow: Follow = ignored) -> BackedUp:
    """As the command does, in this process."""
    async with open_database(of.database_url):
        secret = of.data_dir / "secret.key"
        return await BackingUp(of.blobs, secret, "database").back_up(folder, ignored, follow)


async def restore(to: Place, folder: Path, with_sessions: bool = True) -> None:
    """As the command does, in this process."""
    whole = read(folder)
    check_version(whole.manifest.migrations)
    whole.check(ignored)
    restoring = Restoring(
        whole, Restored(to.database_url, to.blobs, to.data_dir / "secret.key"), with_sessions
    )
    await restoring.check_place()
    await restoring.restore_blobs(ignored)
    restoring.restore_secret()
    await restoring.restore_rows(ignored)


async def note_unsealed() -> None:
    """A note of the trail that nobody seals."""
    await note(TrailKind.SIGNED_IN, None, value=ODD[:40])


async def rows(url: str) -> Rows:
    """Every row of every table, by its values."""
    async with open_database(url):
        found: Rows = {
            model._meta.db_table: await model.all().order_by(model._meta.pk_attr).values() for model in MODELS
        }
        links = "SELECT label_id, modelversion_id FROM model_label ORDER BY label_id, modelversion_id"
        found["model_label"] = await connections.all()[0].execute_query_dict(links)
        return found


async def blobs(of: Place) -> Mapping[str, bytes]:
    """Every blob."""
    keys = [blob.key async for some in of.blobs.list("") for blob in some]
    return {key: await of.blobs.get(key) for key in keys}
