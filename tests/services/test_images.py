"""Images after they came in: who sees them, filters, changes, deletion, signed addresses."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from api.settings import Settings
from events.memory import InProcessLog
from events.messages import ImageDeleted
from services.errors import Code, Refused, Unauthenticated
from services.holdout import Holdout
from services.images import SEARCH_LENGTH, Filter, ImageOrder, Images
from services.journal import DatabaseJournal
from services.keys import features_key, pixels_key
from services.outbox import Outbox
from services.platform import Platform
from store.blobs import BlobMissing, Blobs
from store.pages import Window
from store.tables import Deployment, Finding, Image, Label, ModelVersion, OutboxEvent, Prediction, User
from tests.people import admin, eventually, member
from tests.stand_ins import picture
from tests.store_rows import image as image_row
from tests.store_rows import model as model_row
from tests.uploading import upload

ALL = Window(100)


def patients() -> tuple[str, str]:
    """A patient whose images are held out and one whose images teach."""
    keeps = Holdout({}).keeps
    names = [f"patient-{number}" for number in range(100)]
    return next(n for n in names if keeps("", n)), next(n for n in names if not keeps("", n))


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(f"file://{tmp_path / 'blobs'}")


@pytest.fixture
def images(blobs: Blobs, database: str) -> Images:
    outbox = Outbox(InProcessLog(DatabaseJournal()))
    return Images(outbox, blobs, Holdout({}))


async def deployed(number: int) -> ModelVersion:
    version = await model_row(number)
    await Deployment.create(number=number, model=version, reason="", since=datetime.now(UTC))
    return version


async def judge(image: Image, by: ModelVersion, finding: Finding, margin: float = 0.1) -> None:
    await Prediction.create(image=image, model=by, finding=finding, probability=0.5, margin=margin)


async def names(images: Images, viewer: User, wanted: Filter = Filter()) -> list[str]:  # noqa: B008
    return [image.filename for image in (await images.page(viewer, wanted, ALL)).rows]


async def named(owner: User, filenames: Sequence[str]) -> list[Image]:
    return [await image_row(owner, name) for name in filenames]


async def refusal(doing: object) -> list[Code]:
    with pytest.raises(Refused) as refused:
        await doing
    return [problem.code for problem in refused.value.problems]


async def test_a_member_sees_her_own_newest_first_and_an_administrator_all(images: Images) -> None:
    ana, eva, chief = await member(), await member("eva@h.example"), await admin()
    await named(ana, ["1", "2"])
    await named(eva, ["3"])
    assert await names(images, ana) == ["2", "1"]
    assert await names(images, eva) == ["3"]
    assert await names(images, chief) == ["3", "2", "1"]
    with pytest.raises(Unauthenticated):
        await images.page(None, Filter(), ALL)


async def test_finds_by_id_what_the_viewer_may_see(images: Images) -> None:
    ana, eva, chief = await member(), await member("eva@h.example"), await admin()
    (hers,), (others,) = await named(ana, ["1"]), await named(eva, ["2"])
    wanted = [hers.id, others.id, 10**17]
    assert set(await images.find(ana, wanted)) == {hers.id}
    assert set(await images.find(chief, wanted)) == {hers.id, others.id}
    assert await images.find(None, wanted) == {}


async def test_filters_by_what_the_model_in_service_found(images: Images) -> None:
    ana = await member()
    first, second, third = await named(ana, ["1", "2", "3"])
    old = await deployed(1)
    await judge(first, old, Finding.COVID)
    await judge(second, old, Finding.COVID)
    assert await names(images, ana, Filter(finding=Finding.COVID)) == ["2", "1"]
    new = await deployed(2)
    await judge(first, new, Finding.NO_COVID)
    await judge(third, new, Finding.COVID)
    assert await names(images, ana, Filter(finding=Finding.COVID)) == ["3"]
    assert await names(images, ana, Filter(finding=Finding.NO_COVID)) == ["1"]


async def test_filters_by_whether_judging_failed(images: Images) -> None:
    ana = await member()
    first, _ = await named(ana, ["1", "2"])
    await Image.filter(id=first.id).update(failure="the image cannot be read")
    assert await names(images, ana, Filter(failed=True)) == ["1"]
    assert await names(images, ana, Filter(failed=False)) == ["2"]


async def test_filters_by_whether_there_is_a_label(images: Images) -> None:
    ana = await member()
    first, _ = await named(ana, ["1", "2"])
    for _ in range(2):
        await Label.create(image=first, finding=Finding.COVID, submitted_by=ana)
    assert await names(images, ana, Filter(labelled=True)) == ["1"]
    assert await names(images, ana, Filter(labelled=False)) == ["2"]
    assert await names(images, ana, Filter(labelled=None)) == ["2", "1"]


FILENAMES = [
    "100%_sure.png",
    "100 sure.png",
    "a_b.PNG",
    "aXb.png",
    "back\\slash",
    "Ñandú 李.png",
    "O'Neil\".png",
]


@pytest.mark.parametrize(
    "search",
    [
        "%",
        "100%",
        "_",
        "a_b",
        "\\",
        "\\\\",
        "\\%",
        "Ñandú",
        "李",
        "'",
        '"',
        ".png",
        "PNG",
        "*",
        "  sure  ",
    ],
)
async def test_searches_for_the_text_as_it_stands(images: Images, search: str) -> None:
    ana = await member()
    await named(ana, FILENAMES)
    expected = [name for name in reversed(FILENAMES) if search.strip().lower() in name.lower()]
    assert await names(images, ana, Filter(search=search)) == expected


async def test_searches_in_the_patient_reference_too(images: Images) -> None:
    ana = await member()
    await image_row(ana, "one.png", patient_ref="P-17")
    await image_row(ana, "p-17.png")
    await image_row(ana, "three.png")
    assert await names(images, ana, Filter(search="p-17")) == ["p-17.png", "one.png"]


@pytest.mark.parametrize("search", ["", "   ", None])
async def test_searching_for_nothing_finds_everything(images: Images, search: str | None) -> None:
    ana = await member()
    await named(ana, ["1", "2"])
    assert await names(images, ana, Filter(search=search)) == ["2", "1"]


async def test_searching_ignores_what_is_invisible(images: Images) -> None:
    ana = await member()
    await named(ana, ["1", "2"])
    assert await names(images, ana, Filter(search="\ud8001\u202e\x00")) == ["1"]


async def test_refuses_to_search_for_a_long_text(images: Images) -> None:
    ana = await member()
    assert await names(images, ana, Filter(search="x" * SEARCH_LENGTH)) == []
    assert await refusal(images.page(ana, Filter(search="x" * (SEARCH_LENGTH + 1)), ALL)) == [Code.TOO_LARGE]


async def test_filters_by_date_from_and_up_to(images: Images) -> None:
    ana = await member()
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    for number, image in enumerate(await named(ana, ["0h", "1h", "2h"])):
        await Image.filter(id=image.id).update(uploaded_at=noon + timedelta(hours=number))
    hour = timedelta(hours=1)
    assert await names(images, ana, Filter(uploaded_after=noon + hour)) == ["2h", "1h"]
    assert await names(images, ana, Filter(uploaded_before=noon + hour)) == ["0h"]
    assert await names(images, ana, Filter(uploaded_after=noon + hour, uploaded_before=noon + 2 * hour)) == [
        "1h"
    ]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (ImageOrder.NEWEST, "a2 c A B a1"),
        (ImageOrder.OLDEST, "a1 B A c a2"),
        (ImageOrder.NAME, "a2 A a1 B c"),
        (ImageOrder.NAME_REVERSED, "c B a1 A a2"),
    ],
)
async def test_orders_them_and_pages_both_ways(images: Images, order: ImageOrder, expected: str) -> None:
    """Three share a name but for capitals; told apart here by their patients."""
    ana = await member()
    for patient in ("a1", "B", "A", "c", "a2"):
        film = await image_row(ana, patient, patient_ref=patient)
        await Image.filter(id=film.id).update(filename=patient.rstrip("12"))
    forward = await patients_by_page(images, ana, order, "after")
    assert " ".join(forward) == expected
    assert await patients_by_page(images, ana, order, "before") == forward


async def patients_by_page(images: Images, ana: User, order: ImageOrder, side: str) -> list[str | None]:
    """All of them, two at a time, from the beginning or from the end."""
    found: list[str | None] = []
    place = None
    while True:
        window = Window(2, after=place) if side == "after" else Window(2, before=place, from_end=True)
        page = await images.page(ana, Filter(), window, order)
        assert await page.count() == 5
        rows = [image.patient_ref for image in page.rows]
        found = found + rows if side == "after" else rows + found
        if not (page.has_next if side == "after" else page.has_previous):
            return found
        place = page.keys[-1 if side == "after" else 0]


async def test_filters_together_and_pages_them(images: Images) -> None:
    ana = await member()
    model = await deployed(1)
    for image in await named(ana, [f"chest {number}" for number in range(8)] + ["other"]):
        await judge(image, model, Finding.COVID if image.filename[-1] in "02468" else Finding.NO_COVID)
    wanted = Filter(finding=Finding.COVID, labelled=False, search="chest")
    first = await images.page(ana, wanted, Window(3))
    assert [image.filename for image in first.rows] == ["chest 6", "chest 4", "chest 2"]
    assert await first.count() == 4
    rest = await images.page(ana, wanted, Window(3, after=first.keys[-1]))
    assert [image.filename for image in rest.rows] == ["chest 0"]


async def test_sets_and_clears_the_patient_reference(images: Images) -> None:
    ana = await member()
    (image,) = await named(ana, ["1"])
    assert (await images.update(ana, image.id, patient_ref=" P-7 ")).patient_ref == "P-7"
    assert (await Image.get()).patient_ref == "P-7"
    assert (await images.update(await admin(), image.id, patient_ref="  ")).patient_ref is None
    assert await refusal(images.update(ana, image.id, patient_ref="x" * 101)) == [Code.TOO_LARGE]
    with pytest.raises(Unauthenticated):
        await images.update(None, image.id, patient_ref="P-7")


async def test_what_judged_a_model_once_never_teaches_one(images: Images) -> None:
    held_out, taught = patients()
    ana = await member()
    (image,) = await named(ana, ["1"])
    assert not (await images.update(ana, image.id, patient_ref=taught)).holdout
    assert (await images.update(ana, image.id, patient_ref=held_out)).holdout
    assert (await images.update(ana, image.id, patient_ref=taught)).holdout
    assert (await Image.get()).holdout


async def test_nor_does_it_when_two_people_change_it_at_once(images: Images) -> None:
    held_out, taught = patients()
    ana = await member()
    (image,) = await named(ana, ["1"])
    await asyncio.gather(
        *(images.update(ana, image.id, patient_ref=patient) for patient in (held_out, taught))
    )
    assert (await Image.get()).holdout


async def test_other_peoples_images_are_not_there(images: Images) -> None:
    ana, eva = await member(), await member("eva@h.example")
    (hers,) = await named(ana, ["1"])
    for image_id in (hers.id, hers.id + 1, 0, 10**17):
        assert await refusal(images.update(eva, image_id, patient_ref="P-7")) == [Code.NOT_FOUND]
        assert await refusal(images.delete(eva, image_id)) == [Code.NOT_FOUND]
    assert (await Image.get()).patient_ref is None


async def test_deleting_removes_rows_pixels_and_features(platform: Platform, settings: Settings) -> None:
    ana = await member()
    gone, stays = await upload(platform, ana, picture(1), picture(2), finding=Finding.COVID)
    await platform.images.delete(ana, gone.id)
    assert await refusal(platform.images.delete(ana, gone.id)) == [Code.NOT_FOUND]
    assert [row.image_id for row in await Prediction.all()] == [stays.id]
    assert [row.image_id for row in await Label.all()] == [stays.id]
    await eventually(lambda: asyncio.sleep(0, kept(settings) == [stays.key, stays.key]), seconds=2)


async def test_deleting_again_after_a_crash_is_no_fault(platform: Platform) -> None:
    for _ in range(2):
        await platform.images.remove_blobs(ImageDeleted("gone", "vgg16"))


@pytest.mark.parametrize("turns", range(12))
async def test_a_deletion_is_carried_through_when_the_caller_hangs_up(
    platform: Platform, settings: Settings, turns: int
) -> None:
    ana = await member()
    (image,) = await upload(platform, ana, picture(1))
    deleting = asyncio.create_task(platform.images.delete(ana, image.id))
    for _ in range(turns):
        await asyncio.sleep(0)
    deleting.cancel()
    await asyncio.wait([deleting])
    expected = [image.key, image.key] if await Image.exists() else []
    await eventually(lambda: asyncio.sleep(0, kept(settings) == expected), seconds=2)


def kept(settings: Settings) -> list[str]:
    """The images whose pixels or features are there."""
    return [path.name for room in ("pixels", "features") for path in files(settings, room)]


def files(settings: Settings, room: str) -> list[Path]:
    return [path for path in (settings.data_dir / "blobs" / room).rglob("*") if path.is_file()]


async def test_deleted_while_it_is_judged_an_image_leaves_nothing(
    platform: Platform, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deleted at every step of a diagnosis: the features are neither kept nor left behind."""
    ana = await member()
    inference, blobs = platform.diagnosis.inference, platform.diagnosis.blobs
    deleting: list[int] = []

    async def delete_first(*_: object) -> None:
        while deleting:
            await platform.images.delete(ana, deleting.pop())

    async def gone() -> bool:
        return not await Image.exists()

    extract, put = inference.features, Blobs.put

    async def features(image: object) -> object:
        await delete_first()
        return await extract(image)

    async def putting(self: Blobs, key: str, data: bytes) -> None:
        await put(self, key, data)
        if key.startswith("features"):
            await delete_first()

    for step, patch in ((inference, ("features", features)), (Blobs, ("put", putting))):
        with monkeypatch.context() as patching:
            patching.setattr(step, *patch)
            (image,) = await upload(platform, ana, picture(1), wait=0)
            deleting.append(image.id)
            await eventually(gone)
            await eventually(lambda: asyncio.sleep(0, not files(settings, "features")))
    await eventually(lambda: asyncio.sleep(0, not files(settings, "pixels")))
    assert not await Prediction.exists()
    assert blobs is platform.images.blobs


async def test_features_stored_while_an_image_is_deleted_go_with_it(
    images: Images, blobs: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana = await member()
    (image,) = await named(ana, ["1"])
    await blobs.put(pixels_key(image.key), b"pixels")
    own = Images._own

    async def seen_too_early(self: Images, viewer: User | None, image_id: int) -> Image:
        found = await own(self, viewer, image_id)
        if await Image.filter(id=image_id, features__isnull=True).update(features="vgg16"):
            await blobs.put(features_key("vgg16", image.key), b"features")
        return found

    monkeypatch.setattr(Images, "_own", seen_too_early)
    await images.delete(ana, image.id)
    (event,) = await OutboxEvent.all()
    await images.remove_blobs(ImageDeleted(**event.payload))
    for key in (pixels_key(image.key), features_key("vgg16", image.key)):
        with pytest.raises(BlobMissing):
            await blobs.get(key)
    assert not await Image.exists()
