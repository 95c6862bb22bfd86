"""Uploading images: each file is checked, stored and answered for on its own."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from uuid import uuid4

from tortoise.exceptions import IntegrityError

from events.log import EventLog, LogAway
from events.messages import ImageUploaded
from ml import image as ml_image
from services import labelling, measurements
from services.admission import Admission
from services.cleaning import clean_filename, clean_patient_ref
from services.decoding import Decoding, Inspected
from services.diagnosis import UNFAILED
from services.errors import Checks, Code, Problem, Refused, refuse
from services.holdout import Holdout
from services.keys import pixels_key
from services.outbox import Outbox, record
from services.permissions import member
from services.waiting import until_judged
from store.blobs import Blobs
from store.database_faults import is_full, is_read_only
from store.kept import Kept
from store.tables import Evidence, Finding, Image, Label, User

MAX_FILES = 100
MAX_WAIT_SECONDS = 60
AT_ONCE = 4
"""Files of one upload that are read at the same time, which bounds what many cost in memory."""
ATTEMPTS = 3
"""How often a file is tried that comes, or whose image goes, at this very moment."""

CODES = {
    ml_image.Reason.NOT_AN_IMAGE: Code.UNSUPPORTED_FORMAT,
    ml_image.Reason.UNSUPPORTED_FORMAT: Code.UNSUPPORTED_FORMAT,
    ml_image.Reason.ANIMATED: Code.UNSUPPORTED_FORMAT,
    ml_image.Reason.CORRUPT: Code.CORRUPT_IMAGE,
    ml_image.Reason.TOO_SMALL: Code.INVALID,
    ml_image.Reason.TOO_MANY_PIXELS: Code.TOO_LARGE,
    ml_image.Reason.TOO_LARGE: Code.TOO_LARGE,
    ml_image.Reason.NOT_A_CHEST_XRAY: Code.UNSUPPORTED_FORMAT,
    ml_image.Reason.IDENTIFYING: Code.INVALID,
}

OF_A_USER = Kept(Image, lambda owner_id, sha256: Image.filter(owner_id=owner_id, sha256=sha256))

FAULT = Problem(
    Code.UNAVAILABLE, "this file could not be taken because of a fault of the platform; try again", "files"
)
FULL = Problem(
    Code.UNAVAILABLE,
    "there is no room on the platform's disk, so this file was not taken; send it again once the platform's "
    "operator has made room",
    "files",
)
READ_ONLY = Problem(
    Code.UNAVAILABLE,
    "the platform's storage can only be read now, so this file was not taken; send it again once the "
    "platform's operator has mended that",
    "files",
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Incoming:
    """A file on its way in: read only when its turn comes."""

    filename: str
    size: int | None
    read: Callable[[], Awaitable[bytes]]


@dataclass(frozen=True)
class Details:
    """What the uploader says of all the files."""

    patient_ref: str | None = None
    finding: Finding | None = None
    evidence: Evidence | None = None
    wait_seconds: int = 0


@dataclass(frozen=True)
class Outcome:
    """What became of one file: an image, the image that it repeats, or problems."""

    filename: str
    image: Image | None = None
    duplicate_of: Image | None = None
    problems: tuple[Problem, ...] = field(default=())
    is_tried_again: bool = False
    """Of a repeated image: it had been given up for a fault of ours, and is judged now."""

    @property
    def name(self) -> str:
        """``taken``, ``repeated``, or the code of the first problem."""
        if self.problems:
            return self.problems[0].code.value
        return "taken" if self.image else "repeated"

    @property
    def to_be_judged(self) -> Image | None:
        """The image of which a prediction is on its way."""
        return self.duplicate_of if self.is_tried_again else self.image


@dataclass(frozen=True)
class Uploads:
    """The use case of bringing images in."""

    outbox: Outbox
    blobs: Blobs
    log: EventLog
    holdout: Holdout
    decoding: Decoding
    admission: Admission

    async def upload(self, viewer: User | None, files: Sequence[Incoming], details: Details) -> list[Outcome]:
        """One outcome a file, in order; a bad file never takes the good ones down with it.

        Raises:
            Refused: what is wrong with the request as a whole.
            TooMany: more images wait to be judged than may.
        """
        viewer = member(viewer)
        details = _checked(files, details)
        gate = asyncio.Semaphore(AT_ONCE)
        before = await self._now() if details.wait_seconds else None
        async with self.admission.admitted(len(files)):
            outcomes = await asyncio.gather(*(self._one(viewer, file, details, gate) for file in files))
        for outcome in outcomes:
            measurements.UPLOADS.labels(outcome.name).inc()
        counts = Counter(outcome.name for outcome in outcomes)
        logger.info("uploaded", extra={"fields": {"user": viewer.id, "files": dict(counts)}})
        images = [image.id for outcome in outcomes if (image := outcome.to_be_judged)]
        if before is not None:
            await until_judged(self.log, before, viewer.id, images, details.wait_seconds)
        return outcomes

    async def _now(self) -> int | None:
        """Behind this place all predictions to come will be told of; None where nobody can say, nor wait."""
        try:
            return await self.log.head()
        except LogAway:
            return None

    async def _one(self, viewer: User, file: Incoming, details: Details, gate: asyncio.Semaphore) -> Outcome:
        filename = clean_filename(file.filename)
        try:
            async with gate:
                return await self._take(viewer, file, filename, details)
        except Refused as refused:
            return Outcome(filename, problems=refused.problems)
        except Exception as error:  # told without file names, which name patients
            if is_full(error):
                logger.error("user %d: a file was not taken, a disk is full: %s", viewer.id, error)
                return Outcome(filename, problems=(FULL,))
            if is_read_only(error):
                logger.error("user %d: a file was not taken, storage cannot be written: %s", viewer.id, error)
                return Outcome(filename, problems=(READ_ONLY,))
            logger.exception("user %d: uploading a file failed", viewer.id)
            return Outcome(filename, problems=(FAULT,))

    async def _take(self, viewer: User, file: Incoming, filename: str, details: Details) -> Outcome:
        if file.size is not None and file.size > ml_image.MAX_BYTES:
            raise refuse(Code.TOO_LARGE, f"{filename} has more than {ml_image.MAX_BYTES >> 20} MB", "files")
        try:
            inspected = await self.decoding.inspect(viewer.id, file.read)
        except ml_image.ImageError as error:
            raise refuse(CODES[error.reason], str(error), "files") from error
        for _ in range(ATTEMPTS):
            known = next(iter(await OF_A_USER.rows(viewer.id, inspected.sha256)), None)
            try:
                if known is None:
                    return Outcome(filename, await self._store(viewer, inspected, filename, details))
                if await self._repeat(viewer, known, details):
                    tried_again = known.fault and await self._try_again(known, inspected.picture)
                    return Outcome(filename, duplicate_of=known, is_tried_again=tried_again)
            except IntegrityError:  # the same file came twice at the same time
                continue
        raise refuse(Code.CONFLICT, f"{filename} came and went at the same time; try again", "files")

    async def _store(self, viewer: User, inspected: Inspected, filename: str, details: Details) -> Image:
        key = uuid4().hex

        async def create() -> Image:
            image = await Image.create(
                owner=viewer,
                key=key,
                filename=filename,
                sha256=inspected.sha256,
                media_type=inspected.decoded.media_type,
                size=inspected.size,
                width=inspected.decoded.width,
                height=inspected.decoded.height,
                patient_ref=details.patient_ref,
                fingerprint=inspected.fingerprint,
                holdout=self.holdout.keeps(inspected.sha256, details.patient_ref, inspected.fingerprint),
            )
            await record(ImageUploaded(image.id))
            if details.finding is not None:
                await labelling.enter(image.id, viewer, details.finding, details.evidence)
            return image

        try:
            await self.blobs.put(pixels_key(key), inspected.picture)
            self.decoding.keep(key, inspected.decoded)
            return await self.outbox.commit(create)
        except Exception:  # a caller that was cancelled leaves the pixels to `services.sweeping`
            if not await Image.exists(key=key):  # a connection may break when all is committed
                await self.blobs.delete([pixels_key(key)])
            raise

    async def _repeat(self, viewer: User, known: Image, details: Details) -> bool:
        """A file we have: its ground truth, where it tells something new, is not lost. False: it has gone."""
        if details.finding is None:
            return True
        return await self.outbox.commit(partial(_complete, known, viewer, details.finding, details.evidence))

    async def _try_again(self, known: Image, picture: bytes) -> bool:
        """Judge an image that was given up for a fault of ours; False where somebody was faster."""
        await self.blobs.put(pixels_key(known.key), picture)  # they may be what was lost

        async def begin() -> bool:
            if not await Image.given_up().filter(id=known.id).update(**UNFAILED):
                return False
            await record(ImageUploaded(known.id))
            return True

        return await self.outbox.commit(begin)


async def _complete(image: Image, by: User, finding: Finding, evidence: Evidence | None) -> bool:
    # Changes nothing, but locks the row: of many that say the same at once, one is first.
    if not await Image.filter(id=image.id).update(sha256=image.sha256):
        return False
    labels = await Label.filter(image_id=image.id)
    if labelling.tells_more(labels, finding, evidence or Evidence.UNSTATED):
        await labelling.enter(image.id, by, finding, evidence)
    return True


def _checked(files: Sequence[Incoming], details: Details) -> Details:
    checks = Checks(*_problems(files, details))
    with checks:
        details = replace(details, patient_ref=clean_patient_ref(details.patient_ref))
    checks.end()
    return details


def _problems(files: Sequence[Incoming], details: Details) -> Iterator[Problem]:
    if not files:
        yield Problem(Code.REQUIRED, "there is no file", "files")
    if len(files) > MAX_FILES:
        yield Problem(Code.TOO_LARGE, f"at most {MAX_FILES} files at once", "files")
    if details.evidence is not None and details.finding is None:
        yield Problem(Code.REQUIRED, "evidence needs the label that it speaks for", "label")
    if not 0 <= details.wait_seconds <= MAX_WAIT_SECONDS:
        yield Problem(Code.INVALID, f"waits from 0 to {MAX_WAIT_SECONDS} seconds", "waitSeconds")
