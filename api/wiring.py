"""The composition root: builds the parts from the settings and puts them together."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from api.mail import FolderPost, SmtpPost
from api.settings import Settings
from api.trainer import TrainerProcess, learning_from
from events import jetstream
from events.log import EventLog
from events.memory import InProcessLog
from services import letters, reactions, sealing, tokens
from services.accounts import Accounts
from services.blocking import Blocking
from services.budget import Budget
from services.contact import Contact
from services.decoding import Decoding
from services.diagnosis import Diagnosis
from services.door import Door
from services.drift import Drift
from services.drift_watch import DriftWatch
from services.fingerprints import Fingerprints
from services.heatmaps import Heatmaps
from services.holdout import Holdout
from services.images import Images
from services.inference import Extractor, Head, Inference
from services.journal import DatabaseJournal
from services.labelling import Labelling
from services.links import Links
from services.model_cards import ModelCards
from services.models import Models, NewModel
from services.newsroom import Newsroom
from services.outbox import Outbox
from services.platform import Platform
from services.policy import Policies
from services.remaking import Remaking
from services.renewal import Renewal
from services.retraining import Retraining
from services.retrying import Retrying
from services.sweeping import Sweeping
from services.throttle import Throttle
from services.thumbnails import Thumbnails
from services.training import Trainer, Training
from services.uploads import Uploads
from store.blobs import Blobs
from store.database import STATEMENT_SECONDS, migrate, open_database

WORK_SECONDS = 600.0
"""How long a statement may take of a process that works: some go over all images."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Parts:
    """What costs time to load or touches the world outside, and what tests put others in place of."""

    extractor: Extractor
    load_head: Callable[[bytes], Head]
    default_model: NewModel
    base_holdout: Mapping[str, bool]
    base_fingerprints: Mapping[str, str]
    trainer: Trainer
    post: letters.Post


def post_of(settings: Settings) -> letters.Post:
    """Where mails go."""
    if settings.smtp_url:
        return SmtpPost(settings.smtp_url, settings.mail_from)
    return FolderPost(settings.data_dir / "mail", settings.mail_from)


def load_parts(settings: Settings) -> Parts:
    """The real parts. Takes seconds: jax is imported, weights are read, the network is compiled."""
    from api import classifier
    from ml import default_model

    classifier.prepare_jax(settings.data_dir, settings.device)
    beginning = classifier.load_beginning(settings.data_dir, settings.default_model)
    base = beginning.default.base_set
    return Parts(
        extractor=beginning.extractor,
        load_head=partial(classifier.load_head, extractor=beginning.extractor),
        default_model=beginning.first_model(),
        base_holdout=dict(zip(base.sha256.tolist(), base.holdout.tolist(), strict=True)),
        base_fingerprints=default_model.load_fingerprints(beginning.folder),
        trainer=TrainerProcess(settings.device, learning_from(beginning.folder)),
        post=post_of(settings),
    )


@asynccontextmanager
async def event_log(settings: Settings) -> AsyncIterator[EventLog]:
    """What carries events, as long as the context lasts."""
    if settings.scales_out:
        async with jetstream.connected(settings.events_url, kept=_kept(settings)) as log:
            yield log
    else:
        journal = DatabaseJournal()
        _, newest = await journal.bounds()
        yield InProcessLog(journal, newest)


def build(settings: Settings, parts: Parts, log: EventLog) -> tuple[Platform, Outbox, Inference]:
    """All the use cases, put together."""
    blobs = Blobs(settings.blobs)
    outbox = Outbox(log)
    inference, decoding = Inference(parts.extractor), Decoding()
    holdout = Holdout(parts.base_holdout, parts.base_fingerprints)
    models = Models(outbox, blobs, inference, parts.load_head)
    retraining = Retraining(outbox, Policies(settings.retrain_threshold), settings.retrain_epochs)
    links = Links(settings.address, secret_of(settings))
    scratch = settings.data_dir / "scratch"
    diagnosis = Diagnosis(outbox, blobs, inference, models, decoding)
    remaking = Remaking(diagnosis)
    drift = Drift(holdout.taught_by)
    throttle = Throttle()
    door = Door(throttle)
    platform = Platform(
        log=log,
        accounts=Accounts(outbox, parts.post, settings.address, door),
        blocking=Blocking(outbox),
        budget=Budget(throttle, settings.points_per_minute),
        contact=Contact(outbox, parts.post, door),
        diagnosis=diagnosis,
        drift=drift,
        drift_watch=DriftWatch(drift, outbox),
        heatmaps=Heatmaps(blobs, inference, models, decoding, links),
        images=Images(outbox, blobs, links, holdout),
        labelling=Labelling(outbox),
        cards=ModelCards(links),
        models=models,
        newsroom=Newsroom(outbox),
        renewal=Renewal(diagnosis, Retrying(diagnosis), remaking),
        retraining=retraining,
        thumbnails=Thumbnails(blobs, decoding, links),
        training=Training(
            outbox,
            blobs,
            models,
            retraining,
            parts.trainer,
            Fingerprints(blobs, decoding, holdout),
            remaking,
            scratch,
        ),
        uploads=Uploads(outbox, blobs, log, holdout, decoding),
    )
    return platform, outbox, inference


@asynccontextmanager
async def running(settings: Settings, parts: Parts, works: bool = True) -> AsyncIterator[Platform]:
    """The platform at work: tables up to date, a model in service, every reaction alive.

    Of processes that share the work some answer alone: what they commit is published, and they hear of what
    all of them must know.
    """
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    await migrate(settings.database)
    async with AsyncExitStack() as stack:
        patience = WORK_SECONDS if works else STATEMENT_SECONDS
        await stack.enter_async_context(open_database(settings.database, patience))
        log = await stack.enter_async_context(event_log(settings))
        platform, outbox, inference = build(settings, parts, log)
        await platform.models.install(parts.default_model)
        await platform.models.refresh()
        tasks = [
            outbox.relay(),
            sealing.seal_for_ever(),
            inference.serve(),
            reactions.listen(platform),
            platform.drift_watch.serve(),
        ]
        if works:
            await tokens.sweep()
            journal = None if settings.scales_out else DatabaseJournal()  # the broker drops old events itself
            sweeping = Sweeping(platform.images.blobs, platform.training.scratch, journal, _kept(settings))
            tasks += [
                reactions.work(platform),
                platform.retraining.watch(),
                platform.renewal.retrying.serve(),
                sweeping.serve(),
            ]
        for task in tasks:
            stack.push_async_callback(_stop, asyncio.create_task(task))
        yield platform


def _kept(settings: Settings) -> timedelta:
    return timedelta(days=settings.events_kept_days)


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    (outcome,) = await asyncio.gather(task, return_exceptions=True)
    if not isinstance(outcome, asyncio.CancelledError):
        logger.error("a background task had ended by itself", exc_info=outcome)


def secret_of(settings: Settings) -> bytes:
    """The key that signs addresses: as set, or made once, for us alone to read.

    An empty one was left by a crash.
    """
    if settings.secret_key is not None:
        return settings.secret_key.encode()
    file = settings.data_dir / "secret.key"
    if not file.exists() or not file.stat().st_size:
        half = file.with_suffix(".new")
        with open(half, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as new:
            new.write(secrets.token_bytes(32))
            new.flush()
            os.fsync(new.fileno())
        half.replace(file)
    return file.read_bytes()
