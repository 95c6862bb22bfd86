"""Folders of labelled images: what is read, what is kept, what is refused."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from ml.base_set import BaseSet
from ml.classifier import FeatureExtractor
from ml.image import decode
from ml.splits import pseudonym
from services.datasets import DatasetError, load, read_manifest
from tests.radiographs import small_site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_site(tmp_path_factory.mktemp("folders") / "site", 12)


@pytest.fixture(scope="module")
def loaded(
    site: Path, extractor: FeatureExtractor, tmp_path_factory: pytest.TempPathFactory
) -> tuple[BaseSet, Path]:
    """The folder's features, and the cache that keeps them."""
    cache = tmp_path_factory.mktemp("cache")
    return load(site, extractor, cache), cache


def test_the_real_manifests_are_read(site_a: Path, site_b: Path) -> None:
    assert len(read_manifest(site_a)) == 890
    assert len(read_manifest(site_b)) == 417


def test_features_and_truth_come_in_the_manifests_order(
    site: Path, extractor: FeatureExtractor, loaded: tuple[BaseSet, Path]
) -> None:
    base, _ = loaded
    alone = extractor.extract([extractor.prepare(decode((site / "10.png").read_bytes()))])[0]
    np.testing.assert_allclose(np.float32(base.features[10]), np.float32(alone), atol=1e-4)
    assert base.features.shape == (12, extractor.recipe.features)
    assert base.labels.tolist()[:6] == [
        "covid",
        "covid",
        "pneumonia",
        "pneumonia",
        "no_finding",
        "no_finding",
    ]
    assert base.patients[2] == base.patients[3] == pseudonym("patient 1")
    assert set(base.sources.tolist()) == {"made up"}
    assert base.backbone == extractor.backbone


def test_features_are_computed_once(
    site: Path, extractor: FeatureExtractor, loaded: tuple[BaseSet, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    base, cache = loaded
    heard: list[tuple[int, int]] = []
    monkeypatch.setattr(extractor, "_extract", lambda *_: pytest.fail("computed again"))
    again = load(site, extractor, cache, lambda done, of: heard.append((done, of)))
    np.testing.assert_array_equal(again.features, base.features)
    assert heard == [(8, 12), (12, 12)]


@pytest.mark.parametrize("damage", ["emptied", "altered", "cut"])
def test_damaged_features_are_computed_again(
    site: Path, extractor: FeatureExtractor, loaded: tuple[BaseSet, Path], tmp_path: Path, damage: str
) -> None:
    base, cache = loaded
    copied = shutil.copytree(cache, tmp_path / "cache")
    kept = sorted(file for file in copied.rglob("*") if file.is_file())
    whole = kept[0].read_bytes()
    kept[0].write_bytes({"emptied": b"", "altered": b"?" + whole[1:], "cut": whole[:100]}[damage])
    again = load(site, extractor, copied)
    assert len(kept) == 12
    np.testing.assert_allclose(np.float32(again.features), np.float32(base.features), atol=1e-4)
    assert len(kept[0].read_bytes()) > 1000


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        (None, r"manifest.csv cannot be read"),
        (b"\xff\xfe\x00", r"manifest.csv cannot be read"),
        (b"file,label,source\n0.png,covid,x\n", "no column patient"),
        (b"file,label,patient,source\n", "lists no images"),
        (
            b"file,label,patient,source\n0.png,healthy,p,x\n",
            "line 2: the label 'healthy' is none of covid, pneumonia",
        ),
        (b"file,label,patient,source\n0.png,covid,,x\n", "line 2: the patient is missing"),
        (
            b"file,label,patient,source\n0.png,covid,p,x\ngone.png,covid,p,x\n",
            "line 3: there is no file 'gone.png'",
        ),
        (b"file,label,patient,source\n" + b"gone.png,covid,p,x\n" * 7, "line 6.*and 2 more$"),
        (b"file,label,patient,source\n0.png,covid\n", "line 2: the patient is missing"),
    ],
)
def test_a_manifest_that_cannot_be_used_says_why(
    tmp_path: Path, manifest: bytes | None, message: str
) -> None:
    (tmp_path / "0.png").touch()
    if manifest is not None:
        (tmp_path / "manifest.csv").write_bytes(manifest)
    with pytest.raises(DatasetError, match=message):
        read_manifest(tmp_path)


def test_a_manifest_from_a_spreadsheet_is_read(tmp_path: Path) -> None:
    """Spreadsheets put a byte order mark in front."""
    (tmp_path / "0.png").touch()
    (tmp_path / "manifest.csv").write_bytes(b"\xef\xbb\xbffile,label,patient,source\r\n0.png,covid,p,x\r\n")
    assert [record.label for record in read_manifest(tmp_path)] == ["covid"]


def test_a_file_that_is_no_image_is_named(tmp_path: Path, extractor: FeatureExtractor) -> None:
    folder = small_site(tmp_path / "site", 6)
    (folder / "3.png").write_bytes(b"not an image")
    with pytest.raises(DatasetError, match=r"3\.png: .*not an image"):
        load(folder, extractor, tmp_path / "cache")
