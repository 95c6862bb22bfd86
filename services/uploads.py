"""Uploading images: each file is checked, stored and answered for on its own."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath, PureWindowsPath
from uuid import uuid4

from tortoise.exceptions import IntegrityError

from events.log import EventLog
from events.messages import ImageUploaded
from ml import image as ml_image
from services import labelling
from services.errors import Code, Problem, Refused, refuse
from services.holdout import Holdout
from services.keys import pixels_key
from services.outbox import Outbox, record
from services.permissions import member
from services.waiting import until_judged
from store.blobs import Blobs
from store.tables import Evidence, Finding, Image, User

MAX_FILES = 100
MAX_WAIT_SECONDS = 60
AT_ONCE = 4
"""Files decoded at the same time, which bounds what an upload of many costs in memory."""
PATIENT_REF_LENGTH = 100
FILENAME_LENGTH = 255

CODES = {
    ml_image.Reason.NOT_AN_IMAGE: Code.UNSUPPORTED_FORMAT,
    ml_image.Reason.UNSUPPORTED_FORMAT: Code.UNSUPPORTED_FORMAT,
    ml_image.Reason.ANIMATED: Code.UNSUPPORTED_FORMAT,
    ml_image.Reason.CORRUPT: Code.CORRUPT_IMAGE,
    ml_image.Reason.TOO_SMALL: Code.INVALID,
    ml_image.Reason.TOO_MANY_PIXELS: Code.TOO_LARGE,
    ml_image.Reason.TOO_LARGE: Code.TOO_LARGE,
}


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


@dataclass(frozen=True)
class Uploads:
    """The use case of bringing images in."""

    outbox: Outbox
    blobs: Blobs
    log: EventLog
    holdout: Holdout

    async def upload(self, viewer: User | None, files: Sequence[Incoming], details: Details) -> list[Outcome]:
        """One outcome a file, in order; a bad file never takes the good ones down with it.

        Raises:
            Refused: what is wrong with the request as a whole.
        """
        viewer = member(viewer)
        details = _checked(files, details)
        gate = asyncio.Semaphore(AT_ONCE)
        before = await self.log.head()  # asked for first, so that no prediction can be missed
        outcomes = await asyncio.gather(*(self._one(viewer, file, details, gate) for file in files))
        images = [outcome.image.id for outcome in outcomes if outcome.image]
        await until_judged(self.log, before, images, details.wait_seconds)
        return outcomes

    async def _one(self, viewer: User, file: Incoming, details: Details, gate: asyncio.Semaphore) -> Outcome:
        filename = clean_filename(file.filename)
        try:
            async with gate:
                image, is_new = await self._take(viewer, file, filename, details)
        except Refused as refused:
            return Outcome(filename, problems=refused.problems)
        return Outcome(filename, image=image) if is_new else Outcome(filename, duplicate_of=image)

    async def _take(
        self, viewer: User, file: Incoming, filename: str, details: Details
    ) -> tuple[Image, bool]:
        if file.size is not None and file.size > ml_image.MAX_BYTES:
            raise refuse(Code.TOO_LARGE, f"{filename} has more than {ml_image.MAX_BYTES >> 20} MB", "files")
        data = await file.read()
        sha256, decoded = await asyncio.to_thread(_inspect, data)
        known = await Image.get_or_none(owner=viewer, sha256=sha256)
        if known is None:
            return await self._store(viewer, data, sha256, decoded, filename, details)
        return await self._repeat(viewer, known, details)

    async def _store(
        self,
        viewer: User,
        data: bytes,
        sha256: str,
        decoded: ml_image.Decoded,
        filename: str,
        details: Details,
    ) -> tuple[Image, bool]:
        key = uuid4().hex
        await self.blobs.put(pixels_key(key), data)

        async def create() -> Image:
            image = await Image.create(
                owner=viewer,
                key=key,
                filename=filename,
                sha256=sha256,
                media_type=decoded.media_type,
                size=len(data),
                width=decoded.width,
                height=decoded.height,
                patient_ref=details.patient_ref,
                holdout=self.holdout.keeps(sha256, details.patient_ref),
            )
            await record(ImageUploaded(image.id))
            if details.finding is not None:
                await labelling.enter(image.id, viewer, details.finding, details.evidence)
            return image

        try:
            return await self.outbox.commit(create), True
        except IntegrityError:  # the same file came twice at the same time
            await self.blobs.delete([pixels_key(key)])
            return await self._repeat(viewer, await Image.get(owner=viewer, sha256=sha256), details)

    async def _repeat(self, viewer: User, known: Image, details: Details) -> tuple[Image, bool]:
        """A file we have: its ground truth, where it tells something new, is not lost."""
        current = labelling.counting(await known.label_entries.all())
        if details.finding is not None and (current is None or current.finding is not details.finding):
            finding = details.finding
            await self.outbox.commit(lambda: labelling.enter(known.id, viewer, finding, details.evidence))
        return known, False


def clean_filename(name: str) -> str:
    """The last part of a path, without control characters, of a length that we keep."""
    last = PureWindowsPath(PurePosixPath(name).name).name
    return re.sub(r"[\x00-\x1f\x7f]", "", last).strip()[-FILENAME_LENGTH:] or "unnamed"


def clean_patient_ref(reference: str | None) -> str | None:
    """The reference as we keep it; blank is none.

    Raises:
        Refused: TOO_LARGE.
    """
    stripped = (reference or "").strip()
    if len(stripped) > PATIENT_REF_LENGTH:
        raise refuse(
            Code.TOO_LARGE, f"a patient reference has at most {PATIENT_REF_LENGTH} characters", "patientRef"
        )
    return stripped or None


def _checked(files: Sequence[Incoming], details: Details) -> Details:
    if not files:
        raise refuse(Code.REQUIRED, "there is no file", "files")
    if len(files) > MAX_FILES:
        raise refuse(Code.TOO_LARGE, f"at most {MAX_FILES} files at once", "files")
    if details.evidence is not None and details.finding is None:
        raise refuse(Code.REQUIRED, "evidence needs the label that it speaks for", "label")
    if not 0 <= details.wait_seconds <= MAX_WAIT_SECONDS:
        raise refuse(Code.INVALID, f"waits from 0 to {MAX_WAIT_SECONDS} seconds", "waitSeconds")
    return Details(
        clean_patient_ref(details.patient_ref), details.finding, details.evidence, details.wait_seconds
    )


def _inspect(data: bytes) -> tuple[str, ml_image.Decoded]:
    try:
        return hashlib.sha256(data).hexdigest(), ml_image.decode(data)
    except ml_image.ImageError as error:
        raise refuse(CODES[error.reason], str(error), "files") from error
