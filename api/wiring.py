"""The composition root: builds the parts from the settings and puts them together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from api.decoders import DecoderProcesses
from api.mail import post_of
from api.secret_key import secret_of
from api.settings import Settings
from api.trainer import TrainerProcess, learning_from
from events import jetstream
from events.log import EventLog
from events.memory import InProcessLog
from services import letters, measurements, reactions, sealing, tokens
from services.accounts import Accounts
from services.addressing import Addressing
from services.admission import Admission
from services.blocking import Blocking
from services.budget import Budget
from services.contact import Contact
from services.decoding import THREADS, Decoder, Decoding
from services.diagnosis import Diagnosis
from services.door import Door
from services.drift import Drift
from services.drift_watch import DriftWatch
from services.export import Export
from services.fingerprints import Fingerprints
from services.heatmaps import Heatmaps
from services.holdout import Holdout
from services.images import Images
from services.inference import Extractor, Head, Inference
from services.journal import DatabaseJournal
from services.labelling import Labelling
from services.leaving import Leaving
from services.links import Links
from services.marks import Marks
from services.model_cards import ModelCards
from services.models import Models, NewModel
from services.newsroom import Newsroom
from services.notices import Notices
from services.outbox import Outbox
from services.pictures import Pictures
from services.platform import Platform
from services.policy import Policies
from services.readiness import Readiness
from services.remaking import Remaking
from services.renewal import Renewal
from services.retention import Retention
from services.retraining import Retraining
from services.retrying import Retrying
from services.second_factor import SecondFactors
from services.sessions import Sessions
from services.sweeping import Sweeping
from services.throttle import Throttle
from services.thumbnails import Thumbnails
from services.training import Trainer, Training
from services.uploads import Uploads
from services.viewers import Viewers
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
    decoder: Decoder
    trainer: Trainer
    post: letters.Post


def load_parts(settings: Settings) -> Parts:
    """The real parts. Takes seconds: jax is imported, weights are read, the network is compiled."""
    decoder = DecoderProcesses()
    decoder.start(THREADS)  # beside what follows
    from api import classifier
    from ml import default_model

    classifier.prepare_jax(settings.data_dir, settings.device)
    beginning = classifier.load_beginning(settings.data_dir, settings.default_model)
    base, manner = beginning.default.base_set, (settings.log_format, settings.log_level)
    return Parts(
        extractor=beginning.extractor,
        load_head=partial(classifier.load_head, extractor=beginning.extractor),
        default_model=beginning.first_model(),
        base_holdout=dict(zip(base.sha256.tolist(), base.holdout.tolist(), strict=True)),
        base_fingerprints=default_model.load_fingerprints(beginning.folder),
        decoder=decoder,
        trainer=TrainerProcess(settings.device, learning_from(beginning.folder, *manner)),
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
    inference, decoding = Inference(parts.extractor), Decoding(parts.decoder, blobs)
    holdout = Holdout(parts.base_holdout, parts.base_fingerprints)
    models = Models(outbox, blobs, inference, parts.load_head)
    retraining = Retraining(outbox, Policies(settings.retrain_threshold), settings.retrain_epochs)
    secret = secret_of(settings)
    links = Links(settings.address, secret)
    viewers = Viewers(links, settings.admin_second_factor)
    scratch = settings.data_dir / "scratch"
    diagnosis = Diagnosis(outbox, blobs, inference, models, decoding)
    remaking = Remaking(diagnosis)
    drift = Drift(holdout.taught_by)
    door = Door(Marks(secret))
    platform = Platform(
        log=log,
        accounts=Accounts(
            outbox,
            parts.post,
            settings.address,
            door,
            settings.admin_second_factor,
            settings.idle,
            settings.discreet_sign_up,
        ),
        addressing=Addressing(outbox, parts.post, settings.address, door),
        blocking=Blocking(outbox),
        budget=Budget(Throttle(), settings.points_per_minute),
        contact=Contact(outbox, parts.post, door),
        diagnosis=diagnosis,
        drift=drift,
        drift_watch=DriftWatch(drift, outbox),
        export=Export(outbox, blobs, links, viewers),
        heatmaps=Heatmaps(blobs, inference, models, decoding, viewers),
        images=Images(outbox, blobs, holdout),
        labelling=Labelling(outbox),
        leaving=Leaving(outbox, door),
        links=links,
        cards=ModelCards(links, viewers),
        models=models,
        newsroom=Newsroom(outbox),
        notices=Notices(parts.post),
        pictures=Pictures(decoding, viewers),
        readiness=Readiness(log, blobs),
        renewal=Renewal(diagnosis, Retrying(diagnosis), remaking),
        retraining=retraining,
        second_factors=SecondFactors(outbox, door),
        sessions=Sessions(outbox),
        thumbnails=Thumbnails(blobs, decoding, viewers),
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
        uploads=Uploads(outbox, blobs, log, holdout, decoding, Admission(log, settings.queue_limit)),
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
            measurements.watch_the_loop(),
        ]
        if works:
            await tokens.sweep()
            journal = None if settings.scales_out else DatabaseJournal()  # the broker drops old events itself
            retention = Retention(outbox, settings.retained) if settings.retained else None
            places = platform.images.blobs, platform.training.scratch
            sweeping = Sweeping(*places, journal, _kept(settings), retention)
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
