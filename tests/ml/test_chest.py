"""The chest is found and looks alike however it is framed, exposed, lettered and scaled."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from ml import chest
from ml.chest import Box, Chest, standardise
from ml.image import Decoded, decode

Grey = np.ndarray
"""A picture (H, W) uint8."""


def decoded(picture: Grey) -> Decoded:
    """The picture as it comes out of a file."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return decode(file.getvalue())


def found_in(picture: Grey) -> Chest:
    return standardise(decoded(picture))


def resized(picture: Grey, width: int, height: int) -> Grey:
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS))


def overlap(one: Box, other: Box) -> float:
    """The area that both cover over the area that either does."""
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    shared = max(0.0, width) * max(0.0, height)
    return shared / (one.width * one.height + other.width * other.height - shared)


def gap(one: Chest, other: Chest) -> float:
    """The mean distance of two chests' pixels; of two patients' it is about 0.12."""
    return float(np.abs(one.pixels - other.pixels).mean())


# ------------------------------------------------------------------ a chest made of the mean chest


CENTRED = Box(60, 60, 280, 280)


def phantom(width: int = 400, height: int = 400, box: Box = CENTRED) -> Grey:
    """A picture with the mean chest at a place, on grey with some noise."""
    mean_chest = np.load(chest.TEMPLATE)
    shades = np.interp(mean_chest, (mean_chest.min(), mean_chest.max()), (40, 210)).astype(np.uint8)
    picture = np.full((height, width), 120.0)
    size = int(box.width), int(box.height)
    placed = np.asarray(Image.fromarray(shades).resize(size, Image.Resampling.BICUBIC))
    rows, columns = slice(int(box.y), int(box.y) + size[1]), slice(int(box.x), int(box.x) + size[0])
    picture[rows, columns] = placed
    return (picture + np.random.default_rng(0).normal(0, 8, picture.shape)).clip(0, 255).astype(np.uint8)


def shares(box: Box, width: int, height: int) -> Box:
    return Box(box.x / width, box.y / height, box.width / width, box.height / height)


@pytest.mark.parametrize(
    "box", [CENTRED, Box(20, 90, 280, 280), Box(100, 20, 260, 300), Box(10, 10, 370, 370)]
)
def test_the_mean_chest_is_found_where_it_is(box: Box) -> None:
    found = found_in(phantom(box=box))
    assert overlap(found.box, shares(box, 400, 400)) > 0.8
    assert found.likeness > 0.85
    assert not found.inverted


def test_a_negative_is_righted() -> None:
    positive, negative = found_in(phantom()), found_in(255 - phantom())
    assert (positive.inverted, negative.inverted) == (False, True)
    assert negative.box == pytest.approx(positive.box, abs=1e-6)
    np.testing.assert_allclose(negative.pixels, positive.pixels, atol=0.02)


@pytest.mark.parametrize(("width", "height"), [(2600, 1000), (1000, 2600)])
def test_a_large_picture_keeps_its_proportions(width: int, height: int) -> None:
    """Decoding shrinks each side over 1,024 pixels by itself."""
    box = Box(width / 2 - 380, height / 2 - 380, 760, 760)
    picture = phantom(width, height, box)
    assert decoded(picture).pixels.shape != (height, width)
    found = found_in(picture)
    small = found_in(resized(picture, width * 2 // 5, height * 2 // 5))
    assert found.box.width * width == pytest.approx(found.box.height * height, rel=0.2)
    assert overlap(found.box, small.box) > 0.95
    assert gap(found, small) < 0.01


def test_no_picture_is_shown_sharper_than_the_coarsest() -> None:
    """Noise of single pixels, which no chest of 128 pixels across can hold."""
    pixels = found_in(np.random.default_rng(0).integers(0, 256, (512, 512), np.uint8)).pixels
    power = np.abs(np.fft.fft2(pixels - pixels.mean())) ** 2
    frequencies = np.abs(np.fft.fftfreq(chest.SIDE, 1 / chest.SIDE))
    fine = np.maximum(frequencies, frequencies[:, None]) > chest.RESOLUTION / 2
    assert power[fine].sum() < 0.1 * power.sum()


def test_a_shade_across_the_picture_is_evened_out() -> None:
    """As of a lamp to one side, or of a grid that is not centred."""
    shade = np.linspace(-35, 35, 400)
    shaded = (phantom() + shade).clip(0, 255).astype(np.uint8)
    assert gap(found_in(shaded), found_in(phantom())) < 0.03


def test_it_fades_to_grey_towards_the_corners() -> None:
    pixels = found_in(np.random.default_rng(0).integers(0, 256, (200, 200), np.uint8)).pixels
    corners = pixels[[0, 0, -1, -1], [0, -1, 0, -1]]
    np.testing.assert_allclose(corners, 0.5, atol=1e-3)
    assert pixels[40:120, 40:120].std() > 0.05


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((300, 300), np.uint8),
        np.full((300, 300), 255, np.uint8),
        np.full((64, 64), 128, np.uint8),
        np.pad(np.full((60, 60), 255, np.uint8), 200),
        np.random.default_rng(0).integers(0, 256, (64, 3000), np.uint8),
        np.random.default_rng(0).integers(0, 256, (3000, 64), np.uint8),
        np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8),
    ],
    ids=["black", "white", "grey", "white square", "wide", "high", "noise"],
)
def test_whatever_the_picture_something_is_found(picture: Grey) -> None:
    found = found_in(picture)
    assert found.pixels.shape == (chest.SIDE, chest.SIDE)
    assert found.pixels.dtype == np.float32
    assert np.isfinite(found.pixels).all()
    assert found.pixels.min() >= 0
    assert found.pixels.max() <= 1
    assert -1 <= found.likeness <= 1
    assert np.isfinite(found.box).all()


def test_what_is_no_chest_is_unlike_one() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 300), np.uint8)
    ramp = np.tile(np.linspace(0, 255, 300).astype(np.uint8), (300, 1))
    assert max(found_in(picture).likeness for picture in (noise, ramp, ramp * 0)) < 0.45


def test_the_same_picture_gives_the_same_pixels() -> None:
    first, again = found_in(phantom()), found_in(phantom())
    np.testing.assert_array_equal(first.pixels, again.pixels)
    assert (first.likeness, first.box) == (again.likeness, again.box)


# ------------------------------------------------------------------ real radiographs


@pytest.fixture(scope="module")
def radiographs(site_a: Path, site_b: Path) -> list[Grey]:
    """Four of each folder, spread over it."""
    folders = [site_a / label for label in ("covid", "no_finding", "pneumonia")]
    folders += [site_b / label for label in ("covid", "no_finding")]
    listed = [sorted(folder.iterdir()) for folder in folders]
    files = [file for names in listed for file in names[:: len(names) // 4][:4]]
    return [np.asarray(Image.open(file).convert("L")) for file in files]


@pytest.fixture(scope="module")
def chests(radiographs: list[Grey]) -> list[Chest]:
    return [found_in(picture) for picture in radiographs]


def test_chests_of_radiographs_are_like_chests(chests: list[Chest]) -> None:
    likenesses = [found.likeness for found in chests]
    assert min(likenesses) > 0.6
    assert np.median(likenesses) > 0.75
    assert not any(found.inverted for found in chests)


def test_boxes_are_on_the_chest(chests: list[Chest]) -> None:
    """Most films show a chest and little else: its middle is near theirs, and it fills much of them."""
    for found in chests:
        x, y, width, height = found.box
        assert 0.3 < x + width / 2 < 0.7
        assert 0.25 < y + height / 2 < 0.75
        assert 0.35 < width < 1.1
        assert 0.25 < height < 1.3


def test_the_lungs_are_dark_and_what_is_between_them_bright(chests: list[Chest]) -> None:
    pixels = np.mean([found.pixels for found in chests], axis=0)
    left, middle, right = (pixels[50:100, at : at + 25].mean() for at in (30, 68, 105))
    assert middle > left + 0.1
    assert middle > right + 0.1


def bordered(value: int) -> Callable[[Grey], Grey]:
    def pad(picture: Grey) -> Grey:
        across = picture.shape[1] // 8
        return np.pad(picture, ((across // 2, across), (across, across // 2)), constant_values=value)

    return pad


def within(border: Grey, picture: Grey, box: Box) -> Box:
    """A box in a bordered picture, as shares of the picture within."""
    height, width = picture.shape
    across = width // 8
    x, y = box.x * border.shape[1] - across, box.y * border.shape[0] - across // 2
    return Box(
        x / width, y / height, box.width * border.shape[1] / width, box.height * border.shape[0] / height
    )


@pytest.mark.parametrize("value", [0, 255], ids=["black", "white"])
def test_a_border_changes_nothing(radiographs: list[Grey], chests: list[Chest], value: int) -> None:
    borders = [bordered(value)(picture) for picture in radiographs]
    founds = [found_in(border) for border in borders]
    overlaps = [
        overlap(within(border, picture, found.box), before.box)
        for border, picture, found, before in zip(borders, radiographs, founds, chests, strict=True)
    ]
    assert np.median(overlaps) > 0.98
    assert np.quantile(overlaps, 0.1) > 0.8
    assert_alike(founds, chests)


def gamma(power: float) -> Callable[[Grey], Grey]:
    return lambda picture: (255 * (picture / 255) ** power).round().astype(np.uint8)


def half_the_size(picture: Grey) -> Grey:
    return resized(picture, picture.shape[1] // 2, picture.shape[0] // 2)


def brightened(picture: Grey) -> Grey:
    return (0.7 * picture + 60).astype(np.uint8)


def lettered(picture: Grey) -> Grey:
    """A white square and a side marker in the upper corners, as film writers burn them in."""
    image = Image.fromarray(picture)
    unit = picture.shape[1] // 14
    draw = ImageDraw.Draw(image)
    draw.rectangle((picture.shape[1] - 2 * unit, unit // 3, picture.shape[1] - unit // 2, unit), fill=255)
    draw.text((unit // 3, unit // 3), "L PA", fill=255, font_size=unit)
    return np.asarray(image)


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(half_the_size, id="half the size"),
        pytest.param(gamma(0.6), id="gamma 0.6"),
        pytest.param(gamma(1.6), id="gamma 1.6"),
        pytest.param(brightened, id="brightened"),
        pytest.param(lettered, id="lettered"),
    ],
)
def test_the_same_chest_is_found_in_a_changed_picture(
    radiographs: list[Grey], chests: list[Chest], changed: Callable[[Grey], Grey]
) -> None:
    founds = [found_in(changed(picture)) for picture in radiographs]
    overlaps = [overlap(found.box, before.box) for found, before in zip(founds, chests, strict=True)]
    assert np.median(overlaps) > 0.98
    assert np.quantile(overlaps, 0.1) > 0.8
    assert_alike(founds, chests)


def assert_alike(founds: list[Chest], chests: list[Chest]) -> None:
    """Nearly the same pixels in most, and always nearly the same likeness."""
    pairs = list(zip(founds, chests, strict=True))
    assert np.median([gap(found, before) for found, before in pairs]) < 0.006
    assert max(abs(found.likeness - before.likeness) for found, before in pairs) < 0.06
    assert not any(found.inverted for found in founds)


def test_negatives_of_radiographs_are_righted(radiographs: list[Grey], chests: list[Chest]) -> None:
    founds = [found_in(255 - picture) for picture in radiographs]
    assert all(found.inverted for found in founds)
    assert np.median([gap(found, before) for found, before in zip(founds, chests, strict=True)]) < 0.002


def test_negatives_of_childrens_films_are_righted(site_b: Path) -> None:
    """In many of them the negative of a chest fits somewhere, and the bright spine tells."""
    for number in range(18, 40, 3):
        picture = decode((site_b / f"no_finding/b-no_finding-{number:04}.jpg").read_bytes()).pixels
        assert found_in((255 * (1 - picture)).astype(np.uint8)).inverted, number
