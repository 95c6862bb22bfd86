"""The benchmark of refusals: films that taught do not judge, copies count once, drawings come again."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.data import get_testdata_file

from benchmarks.other_pictures import KINDS, brought, drawn
from benchmarks.refusals import judges, of_films, why
from ml import novelty
from ml.backbone import Backbone
from ml.base_set import BaseSet
from ml.novelty import Novelty
from tests.ml.test_novelty import COUNT, cloud, people


@pytest.fixture(scope="module")
def base() -> BaseSet:
    """Made-up chests of two sources, two of each patient."""
    names = np.array([f"film {number}" for number in range(COUNT)])
    sources = np.array(["one", "other"]).repeat(COUNT // 2)
    labels = np.array(["no_finding"] * COUNT)
    return BaseSet(cloud(0), labels, np.array(people()), sources, names, Backbone("vgg16", "", "chest-160"))


@pytest.fixture(scope="module")
def shipped(base: BaseSet) -> Novelty:
    taught = ~base.holdout
    return novelty.fit(base.features[taught], base.patients[taught].tolist())


def test_no_film_is_judged_by_what_it_or_its_patient_taught(
    base: BaseSet, shipped: Novelty, monkeypatch: pytest.MonkeyPatch
) -> None:
    taught: dict[int, set[str]] = {id(shipped): set(base.patients[~base.holdout])}

    def remembered(features: np.ndarray, patients: list[str]) -> Novelty:
        one = replace(shipped)
        taught[id(one)] = set(patients)
        return one

    monkeypatch.setattr(novelty, "fit", remembered)
    found = judges(base, shipped)
    for parts in found.values():
        for rows, novel in parts:
            assert taught[id(novel)].isdisjoint(base.patients[rows])
    for parts in list(found.values())[:2]:
        np.testing.assert_array_equal(np.sort(np.concatenate([rows for rows, _ in parts])), np.arange(COUNT))


def test_a_film_is_refused_for_its_view_first_and_else_for_how_far_it_is(shipped: Novelty) -> None:
    films = cloud(1, 3)
    films[1:, :-1] += np.random.default_rng(3).normal(0, 2, films.shape[1] - 1).astype(np.float16)
    films[2, -1] = 0
    assert why(shipped, films) == [None, "NOT_A_CHEST_XRAY", "by view"]


def test_films_are_counted_by_source(base: BaseSet, shipped: Novelty) -> None:
    films = dict(zip(base.sha256.tolist(), base.features.copy(), strict=True))
    films["film 399"][-1] = 0
    found = of_films(films, base, shipped)
    assert found["patients left out, other"] == {
        "films": 200,
        "NOT_A_CHEST_XRAY": 0,
        "by distance": pytest.approx(1, abs=1),
        "by view": 1,
    }


def test_of_brought_pictures_copies_and_other_files_are_left_out(tmp_path: Path) -> None:
    (_, picture), (_, other) = drawn("noise", 2)
    for name, pixels in (("a", picture.pixels), ("b", picture.pixels), ("c", other.pixels)):
        Image.fromarray((255 * pixels).astype(np.uint8)).save(tmp_path / f"{name}.png")
    (tmp_path / "d.png").write_bytes(b"no picture")
    (tmp_path / "notes.txt").write_text("nor this")
    left = Counter[str]()
    names = [name.split("/")[-1] for name, _ in brought([tmp_path], 9, [], left)]
    assert names == ["a.png", "c.png"]
    assert left == {"alike": 1, "not taken": 1}
    assert len(list(brought([tmp_path], 2, [], Counter()))) == 1, "the first and the last file alone"


def test_what_dicom_says_to_be_no_chest_is_judged_as_a_png_of_it() -> None:
    file = get_testdata_file("CT_small.dcm", download=False)
    assert isinstance(file, str)
    left = Counter[str]()
    ((_, picture),) = brought([Path(file)], 1, [], left)
    assert left == {"at the door": 1}
    assert (picture.format, picture.pixels.shape) == ("PNG", (128, 128))
    assert picture.pixels.std() > 0.1


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_draws_the_same_and_no_two_alike(kind: str) -> None:
    (_, one), (_, other) = drawn(kind, 2)
    (_, again), _ = drawn(kind, 2)
    np.testing.assert_array_equal(one.pixels, again.pixels)
    assert one.pixels.shape != other.pixels.shape or (one.pixels != other.pixels).any()
