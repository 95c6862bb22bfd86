"""Images that came before there were fingerprints get theirs, and their side of the holdout."""

from __future__ import annotations

from dataclasses import replace

from ml.fingerprint import fingerprint
from ml.image import decode
from services.holdout import Holdout
from services.keys import pixels_key
from services.platform import Platform
from services.uploads import Details
from store.tables import Image
from tests.people import member
from tests.stand_ins import picture, sha256
from tests.store_rows import image as image_row
from tests.uploading import incoming


async def test_an_upload_has_the_fingerprint_of_its_picture(platform: Platform) -> None:
    (outcome,) = await platform.uploads.upload(await member(), [incoming(picture(1))], Details())
    assert outcome.image
    assert outcome.image.fingerprint == fingerprint(decode(picture(1)).pixels)


async def test_images_of_before_are_made_up_for(platform: Platform) -> None:
    ana = await member()
    files = [picture(seed) for seed in (1, 2)]
    outcomes = await platform.uploads.upload(
        ana, [incoming(file, f"{number}.png") for number, file in enumerate(files)], Details(wait_seconds=10)
    )
    expected = [outcome.image.fingerprint for outcome in outcomes if outcome.image]
    await Image.all().update(fingerprint=None, holdout=False)
    lost = await image_row(ana, "no picture")
    broken = await image_row(ana, "broken")
    await platform.images.blobs.put(pixels_key(broken.key), b"no image")

    shipped = Holdout({"of the base set": True}, {"of the base set": expected[1] or ""})
    await replace(platform.training.fingerprints, holdout=shipped).complete()
    rows = {row.sha256: row for row in await Image.all()}
    assert [rows[sha256(file)].fingerprint for file in files] == expected
    assert rows[sha256(files[1])].holdout, "it is a copy of a film by which the first model was judged"
    assert (await Image.get(id=lost.id)).fingerprint is None
    assert (await Image.get(id=broken.id)).fingerprint is None
