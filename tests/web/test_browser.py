"""The web pages in a real browser, against a real server with real images: see web/e2e."""

import os
from pathlib import Path

import pytest

from tests.web import browser

pytestmark = pytest.mark.slow


@pytest.mark.timeout(900)
def test_people_get_from_signing_up_to_a_label_and_every_page_is_accessible(tmp_path: Path) -> None:
    if missing := browser.what_is_missing():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
    done = browser.run(tmp_path)
    assert done.returncode == 0, done.stdout
