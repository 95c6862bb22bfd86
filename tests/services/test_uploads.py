"""Uploading: every file on its own, findings, duplicates, bad input."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest
from PIL import Image as PillowImage

from api.decoders import DecoderProcesses
from api.settings import Settings
from api.wiring import Parts
from ml.classifier import Judgement
from ml.formats.image_error import corrupt
from ml.image import Reason
from services import passwords, predictions
from services.decoding import MOST_READ, THREADS
from services.diagnosis import Diagnosis
from services.errors import Code, Refused, Unauthenticated
from services.inference import Serving
from services.outbox import Outbox
from services.platform import Platform
from services.uploads import CODES, FAULT, MAX_FILES, Details, Incoming, Uploads
from store.tables import Evidence, Finding, Image, Label, OutboxEvent, Prediction, User
from tests.dicom_files import NAME, dicom
from tests.image_files import GREY, encoded
from tests.people import admin, eventually, member
from tests.stand_ins import picture, sha256
from tests.uploading import incoming
from tests.versions import candidate

T = TypeVar("T")


async def test_judges_what_is_uploaded(platform: Platform) -> None:
    ana = await member()
    files = [incoming(picture(1, 0.9), "bright.png"), incoming(picture(2, 0.1), "dark.png")]
    outcomes = await platform.uploads.upload(ana, files, Details(wait_seconds=10))
    assert [outcome.filename for outcome in outcomes] == ["bright.png", "dark.png"]
    findings = [(await Prediction.get(image=outcome.image)).finding for outcome in outcomes]
    assert findings == [Finding.COVID, Finding.NO_COVID]


async def test_a_bad_file_takes_no_good_one_down(platform: Platform) -> None:
    ana = await member()
    good = picture(1)
    files = [incoming(b"hello", "note.txt"), incoming(good), incoming(good[: len(good) // 2], "half.png")]
    outcomes = await platform.uploads.upload(ana, files, Details())
    codes = [[problem.code for problem in outcome.problems] for outcome in outcomes]
    assert codes == [[Code.UNSUPPORTED_FORMAT], [], [Code.CORRUPT_IMAGE]]
    assert await Image.all().count() == 1


async def test_tells_a_repeat_from_something_new(platform: Platform) -> None:
    ana, eva = await member(), await member("eva@hospital.example")
    (first,) = await platform.uploads.upload(ana, [incoming(picture(1))], Details())
    (again,) = await platform.uploads.upload(ana, [incoming(picture(1), "other.png")], Details())
    (others,) = await platform.uploads.upload(eva, [incoming(picture(1))], Details())
    assert first.image is not None
    assert again.image is None
    assert again.duplicate_of is not None
    assert again.duplicate_of.id == first.image.id
    assert others.image is not None
    assert others.image.id != first.image.id


async def test_the_same_file_twice_at_once_is_one_image(platform: Platform, settings: Settings) -> None:
    ana = await member()
    outcomes = await platform.uploads.upload(ana, [incoming(picture(1))] * 4, Details())
    assert await Image.all().count() == 1
    assert [outcome.problems for outcome in outcomes] == [()] * 4
    assert len([outcome for outcome in outcomes if outcome.image]) == 1
    pixels = list((settings.data_dir / "blobs" / "pixels").iterdir())
    assert len(pixels) == 1


async def test_takes_the_ground_truth_along(platform: Platform) -> None:
    ana = await member()
    details = Details(" P-7 ", Finding.COVID, Evidence.RT_PCR)
    (outcome,) = await platform.uploads.upload(ana, [incoming(picture(1))], details)
    assert outcome.image is not None
    assert outcome.image.patient_ref == "P-7"
    label = await Label.get(image=outcome.image)
    assert (label.finding, label.evidence) == (Finding.COVID, Evidence.RT_PCR)


async def test_a_repeat_brings_new_ground_truth_but_no_old_one(platform: Platform) -> None:
    ana = await member()
    for finding in (None, Finding.COVID, Finding.COVID, Finding.NO_COVID):
        await platform.uploads.upload(ana, [incoming(picture(1))], Details(finding=finding))
    findings = await Label.all().order_by("id").values_list("finding", flat=True)
    assert list(findings) == [Finding.COVID, Finding.NO_COVID]


async def test_a_repeat_brings_stronger_evidence_and_no_weaker(platform: Platform) -> None:
    ana = await member()
    for evidence in (None, Evidence.RT_PCR, Evidence.CT, Evidence.RT_PCR):
        await platform.uploads.upload(ana, [incoming(picture(1))], Details(None, Finding.COVID, evidence))
    evidence = await Label.all().order_by("id").values_list("evidence", flat=True)
    assert list(evidence) == [Evidence.UNSTATED, Evidence.RT_PCR]


@pytest.mark.parametrize("finding", Finding)
async def test_many_repeats_at_once_bring_one_label(platform: Platform, finding: Finding) -> None:
    ana = await member()
    known = Details(None, Finding.COVID, Evidence.CT)
    await platform.uploads.upload(ana, [incoming(picture(1))], known)
    again = Details(None, finding, Evidence.RT_PCR)
    uploading = [platform.uploads.upload(ana, [incoming(picture(1))], again) for _ in range(20)]
    outcomes = await asyncio.gather(*uploading)
    assert all(outcome.duplicate_of for (outcome,) in outcomes)
    assert await Label.all().count() == 2


async def test_a_repeat_of_an_image_that_goes_at_this_moment_is_new(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana = await member()
    (first,) = await platform.uploads.upload(ana, [incoming(picture(1))], Details())
    repeat = Uploads._repeat

    async def late(self: Uploads, viewer: User, known: Image, details: Details) -> bool:
        await platform.images.delete(viewer, known.id)
        return await repeat(self, viewer, known, details)

    monkeypatch.setattr(Uploads, "_repeat", late)
    (again,) = await platform.uploads.upload(ana, [incoming(picture(1))], Details(finding=Finding.COVID))
    assert first.image is not None
    assert again.image is not None
    assert again.image.id != first.image.id
    assert (await Label.get()).image_id == again.image.id


async def test_a_fault_of_ours_in_one_file_takes_no_other_down(
    platform: Platform, caplog: pytest.LogCaptureFixture
) -> None:
    async def read() -> bytes:
        raise RuntimeError("as the test asked")

    files = [Incoming("bad.png", 1, read), incoming(picture(1))]
    bad, good = await platform.uploads.upload(await member(), files, Details())
    assert bad.problems == (FAULT,)
    assert good.image is not None
    assert "as the test asked" in caplog.text


@pytest.mark.parametrize("committed", [False, True])
async def test_pixels_stay_where_the_image_does_after_a_fault(
    platform: Platform, settings: Settings, monkeypatch: pytest.MonkeyPatch, committed: bool
) -> None:
    """A connection may break before all is committed, or just after."""
    commit = Outbox.commit

    async def breaking(self: Outbox, body: Callable[[], Awaitable[T]]) -> T:
        if committed:
            await commit(self, body)
        raise ConnectionError("as the test asked")

    ana = await member()
    with monkeypatch.context() as patching:
        patching.setattr(Outbox, "commit", breaking)
        (outcome,) = await platform.uploads.upload(ana, [incoming(picture(1))], Details())
    assert outcome.problems == (FAULT,)
    assert len(list((settings.data_dir / "blobs" / "pixels").iterdir())) == await Image.all().count()
    assert await Image.exists() is committed


async def test_decoding_keeps_nobody_from_signing_in(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many files wait, few are decoded at once, few are in memory, and other threads are free."""
    under_way: list[int] = []
    read: list[int] = []
    most: list[int] = []
    gate = threading.Event()

    def slow(decoder: DecoderProcesses, owner: int, data: bytes) -> None:
        under_way.append(1)
        most.append(len(under_way))
        gate.wait(10)
        under_way.pop()
        raise corrupt("PNG")

    monkeypatch.setattr(DecoderProcesses, "inspect", slow)
    people = [await member(f"{number}@h.example") for number in range(10)]
    data = picture(1)

    async def reading() -> bytes:
        read.append(1)
        return data

    files = [Incoming("chest.png", len(data), reading)] * 4
    uploading = [asyncio.create_task(platform.uploads.upload(one, files, Details())) for one in people]
    await eventually(lambda: asyncio.sleep(0, len(most) >= THREADS))
    async with asyncio.timeout(5):
        assert not await passwords.matches("secret", None)
    assert not gate.is_set()
    assert len(read) <= MOST_READ
    gate.set()
    await asyncio.gather(*uploading)
    assert len(read) == 40
    assert max(most) == THREADS


@pytest.mark.parametrize(
    ("details", "code", "field"),
    [
        (Details(evidence=Evidence.CT), Code.REQUIRED, "label"),
        (Details(patient_ref="x" * 101), Code.TOO_LARGE, "patientRef"),
        (Details(wait_seconds=-1), Code.INVALID, "waitSeconds"),
        (Details(wait_seconds=3600), Code.INVALID, "waitSeconds"),
    ],
)
async def test_refuses_impossible_details(
    platform: Platform, details: Details, code: Code, field: str
) -> None:
    with pytest.raises(Refused) as refused:
        await platform.uploads.upload(await member(), [incoming(picture())], details)
    assert [(problem.code, problem.field) for problem in refused.value.problems] == [(code, field)]
    assert not await Image.exists()


@pytest.mark.parametrize(("count", "code"), [(0, Code.REQUIRED), (MAX_FILES + 1, Code.TOO_LARGE)])
async def test_refuses_no_file_and_too_many(platform: Platform, count: int, code: Code) -> None:
    with pytest.raises(Refused) as refused:
        await platform.uploads.upload(await member(), [incoming(picture())] * count, Details())
    assert refused.value.problems[0].code is code


async def test_reads_no_file_that_is_too_large(platform: Platform) -> None:
    async def read() -> bytes:
        raise AssertionError("read")

    (outcome,) = await platform.uploads.upload(await member(), [Incoming("big.png", 10**9, read)], Details())
    assert [problem.code for problem in outcome.problems] == [Code.TOO_LARGE]


async def test_strangers_upload_nothing(platform: Platform) -> None:
    with pytest.raises(Unauthenticated):
        await platform.uploads.upload(None, [incoming(picture())], Details())


async def test_waits_for_the_model_that_is_promoted_meanwhile(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the earlier one said would be no answer: `prediction` is that of the model in service."""
    ana, chief, second = await member(), await admin(), await candidate(platform, "0.9")
    gate, record = asyncio.Event(), Diagnosis._record

    async def slow(diagnosis: Diagnosis, image: Image, serving: Serving, judgement: Judgement) -> None:
        if serving.model_id == second.id:
            await gate.wait()
        else:
            await diagnosis.models.promote(chief, second.id, "stricter")
        await record(diagnosis, image, serving, judgement)

    async def keep(*_: object) -> list[Image]:
        return []

    monkeypatch.setattr(Diagnosis, "_record", slow)
    monkeypatch.setattr(Diagnosis, "_keep", keep)  # the renewal finds it as well
    file = incoming(picture(1, 0.7))
    uploading = asyncio.create_task(platform.uploads.upload(ana, [file], Details(wait_seconds=20)))
    await eventually(Prediction.exists)
    await asyncio.sleep(0.3)
    assert not uploading.done()
    gate.set()
    (outcome,) = await uploading
    assert outcome.image is not None
    assert (await predictions.current([outcome.image.id]))[outcome.image.id].finding is Finding.NO_COVID


async def test_waiting_ends_with_the_time(
    platform: Platform, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform.diagnosis.inference, "features", lambda image: asyncio.sleep(60))
    started = asyncio.get_running_loop().time()
    await platform.uploads.upload(await member(), [incoming(picture())], Details(wait_seconds=1))
    assert asyncio.get_running_loop().time() - started < 5
    assert not await Prediction.exists()


async def test_every_event_leaves_the_outbox(platform: Platform) -> None:
    await platform.uploads.upload(await member(), [incoming(picture())], Details(wait_seconds=5))
    assert await eventually(_is_empty)


async def _is_empty() -> bool:
    return not await OutboxEvent.exists()


def stored(settings: Settings) -> bytes:
    """All that is kept of the files, in the database and beside it."""
    return b"".join(path.read_bytes() for path in sorted(settings.data_dir.rglob("*")) if path.is_file())


async def test_judges_a_dicom_file_and_knows_it_again(platform: Platform) -> None:
    ana = await member()
    (first,) = await platform.uploads.upload(ana, [incoming(dicom(), "0001.dcm")], Details(wait_seconds=10))
    (again,) = await platform.uploads.upload(ana, [incoming(dicom(), "0002.dcm")], Details())
    assert first.image is not None
    assert again.duplicate_of is not None
    assert again.duplicate_of.id == first.image.id
    assert (first.image.width, first.image.height) == (120, 90)
    assert (first.image.sha256, first.image.size) == (sha256(dicom()), len(dicom()))
    assert await Prediction.filter(image=first.image).count() == 1


async def test_keeps_no_word_about_whose_picture_it_is(platform: Platform, settings: Settings) -> None:
    exif = PillowImage.Exif()
    exif[315] = NAME
    exif.get_ifd(0x8825)[29] = NAME
    telling = [encoded(GREY, name, exif=exif) for name in ("PNG", "JPEG", "WEBP", "TIFF")]
    files = [incoming(data, f"{number}.img") for number, data in enumerate([*telling, dicom()])]
    outcomes = await platform.uploads.upload(await member(), files, Details(wait_seconds=10))
    assert [outcome.problems for outcome in outcomes] == [()] * 5
    assert all(NAME.encode() in data for data in [*telling, dicom()])
    assert NAME.encode() not in stored(settings)
    assert b"MRN-4711" not in stored(settings)


async def test_says_why_a_dicom_file_is_refused(platform: Platform) -> None:
    files = [incoming(data) for data in (dicom(Modality="CT"), dicom(BurnedInAnnotation="YES"))]
    outcomes = await platform.uploads.upload(await member(), files, Details())
    codes = [[problem.code for problem in outcome.problems] for outcome in outcomes]
    assert codes == [[Code.UNSUPPORTED_FORMAT], [Code.INVALID]]
    assert "modality CT" in outcomes[0].problems[0].message
    assert not await Image.exists()


def test_every_reason_has_its_code() -> None:
    assert set(CODES) == set(Reason)
