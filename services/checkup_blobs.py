"""Whether the blobs that rows name are there, and are what was stored."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from uuid import uuid4

from ml import model_file
from ml.features import FeaturesError, unpack
from ml.fingerprint import fingerprint
from ml.image import ImageError
from ml.model_file import ModelFileError
from services import lookups
from services.checkup import Checked, fault, ok, warning
from services.counting import count_of
from services.decoding import Decoder
from services.keys import features_key, pixels_key
from store.blobs import BlobMissing, Blobs
from store.tables import Image, ModelVersion

SAMPLE = 100
"""Images that are looked at where not all are: half of them the newest, the others over all the rest."""
AT_ONCE = 4
RESTORE = "restore it from a backup"
REMADE = "they are made anew when the next model is put in service; until then runs go without them"
TRIAL = b"written by covidxr doctor"


async def of_store(blobs: Blobs) -> Checked:
    """Write a blob, read it and remove it; raises what the store raises."""
    key = f"doctor-{uuid4().hex}"
    await blobs.put(key, TRIAL)
    try:
        read = await blobs.get(key)
    finally:
        await blobs.delete([key])
    if read != TRIAL:
        return fault("blobs", "what was written is read as something else", "see to the store or its disk")
    return ok("blobs", "can be written, read and removed")


async def of_models(blobs: Blobs, extractor: str | None) -> AsyncIterator[Checked]:
    """The files of all versions; ``extractor`` is the network that this process would serve, if known."""
    current = await lookups.model_in_service()
    if current is None:
        yield warning("model", "none is in service yet", "start the server, which installs one")
        return
    damaged = [
        (model, wrong) async for model in ModelVersion.all() if (wrong := await _of_model(blobs, model))
    ]
    for model, wrong in damaged:
        words = f"the file of model {model.number}, {model.key}, is {wrong}"
        remedy = f"{RESTORE}, or promote another model"
        yield (fault("model", words, remedy) if model.id == current.id else warning("model", words, RESTORE))
    if extractor and current.extractor != extractor:
        words = f"model {current.number} reads {current.extractor}, and {extractor} is set here"
        yield warning("model", words, "set the same COVIDXR_DEFAULT_MODEL for every process")
    if not any(model.id == current.id for model, _ in damaged):
        yield ok("model", f"model {current.number} is in service")


async def of_images(
    blobs: Blobs, decoder: Decoder, everything: bool, follow: Callable[[int, int], None]
) -> AsyncIterator[Checked]:
    """Pixels and features of a sample of images, or of all."""
    ids = await _chosen(everything)
    wrong: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for first in range(0, len(ids), AT_ONCE):
        images = await Image.filter(id__in=ids[first : first + AT_ONCE])
        for image, found in zip(
            images, await asyncio.gather(*(_of_image(blobs, decoder, one) for one in images)), strict=True
        ):
            wrong.update(found)
            examples.update(dict.fromkeys(found, f"image {image.id}") | examples)
        follow(min(first + AT_ONCE, len(ids)), len(ids))
    of_how_many = f"{len(ids)} of {count_of(await Image.all().count(), 'image')}"
    for what in wrong:
        level = warning if what.startswith("features") else fault
        yield level(
            "images", f"{wrong[what]} of {of_how_many}: {what}, such as of {examples[what]}", REMEDIES[what]
        )
    if not wrong:
        yield ok("images", f"{of_how_many} have their pixels and features")


PIXELS_MISSING, PIXELS_DAMAGED = "pixels are missing", "pixels are damaged"
FEATURES_MISSING, FEATURES_DAMAGED = "features are missing", "features are damaged"
REMEDIES = {
    PIXELS_MISSING: "put the blob back from a backup, or let its owner delete the image and upload it again",
    PIXELS_DAMAGED: "put the blob back from a backup, or let its owner delete the image and upload it again",
    FEATURES_MISSING: REMADE,
    FEATURES_DAMAGED: REMADE,
}


async def _chosen(everything: bool) -> list[int]:
    newest = Image.all().order_by("-id")
    ids = [
        number for (number,) in await (newest if everything else newest.limit(SAMPLE // 2)).values_list("id")
    ]
    if everything or len(ids) < SAMPLE // 2:
        return ids
    older = Image.filter(id__lt=ids[-1]).order_by("id")
    count = await older.count()
    for place in range(0, count, max(1, count // (SAMPLE // 2))):
        ids += [number for (number,) in await older.offset(place).limit(1).values_list("id")]
    return ids


async def _of_model(blobs: Blobs, model: ModelVersion) -> str | None:
    try:
        data = await blobs.get(model.key)
    except BlobMissing:
        return "missing"
    if hashlib.sha256(data).hexdigest() != model.sha256:
        return "damaged: its SHA-256 is another"
    try:
        await asyncio.to_thread(model_file.load, data)
    except ModelFileError as error:
        return f"of another version of the program: {error}"
    return None


async def _of_image(blobs: Blobs, decoder: Decoder, image: Image) -> list[str]:
    found = []
    try:
        data = await blobs.get(pixels_key(image.key))
        if not await asyncio.to_thread(_is_picture_of, decoder, image, data):
            found.append(PIXELS_DAMAGED)
    except BlobMissing:
        found.append(PIXELS_MISSING)
    if image.features:
        (packed,) = await blobs.get_all([features_key(image.features, image.key)])
        if packed is None:
            found.append(FEATURES_MISSING)
        elif not await asyncio.to_thread(_unpacks, packed):
            found.append(FEATURES_DAMAGED)
    return found


def _is_picture_of(decoder: Decoder, image: Image, data: bytes) -> bool:
    """Whether these are the pixels that were stored: the file itself, or what is seen in it."""
    if hashlib.sha256(data).hexdigest() == image.sha256:
        return True
    try:
        decoded = decoder.decode(image.owner_id, data)
    except ImageError:
        return False
    same_size = (decoded.width, decoded.height) == (image.width, image.height)
    return same_size and image.fingerprint in (None, fingerprint(decoded.pixels))


def _unpacks(packed: bytes) -> bool:
    try:
        unpack(packed)
    except FeaturesError:
        return False
    return True
