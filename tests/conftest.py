"""Where the tests find real images, and what they do where there are none."""

import os
from pathlib import Path

import pytest

IMAGES = Path(os.environ.get("COVIDXR_TEST_IMAGES", Path(__file__).parents[2] / "shared"))


def images_of(site: str) -> Path:
    """The folder of one site's development images; skips by name, or fails under CI, where it is absent."""
    folder = IMAGES / site
    if not (folder / "manifest.csv").is_file():
        message = f"no images of {site!r} at {IMAGES}: set COVIDXR_TEST_IMAGES to the folder that holds them"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(message)
    return folder


@pytest.fixture(scope="session")
def site_a() -> Path:
    """Site A: 890 images, two sources, ``manifest.csv``."""
    return images_of("cxr")


@pytest.fixture(scope="session")
def site_b() -> Path:
    """Site B: 417 images of other hospitals, ``manifest.csv``."""
    return images_of("cxr-b")
