"""The web pages in a real browser, against a real server with real images: see web/e2e."""

from pathlib import Path

import pytest

from tests.missing import missing
from tests.web import browser

pytestmark = pytest.mark.slow


@pytest.mark.timeout(1200)
def test_people_get_from_signing_up_to_a_model_and_every_page_is_accessible(tmp_path: Path) -> None:
    if what := browser.what_is_missing():
        missing(what)
    done = browser.run(tmp_path)
    assert done.returncode == 0, done.stdout


@pytest.mark.timeout(600)
def test_over_tls_a_browser_keeps_the_session_in_a_cookie_of_this_host_alone(tmp_path: Path) -> None:
    if what := browser.what_is_missing():
        missing(what)
    done = browser.run_over_tls(tmp_path)
    assert done.returncode == 0, done.stdout
    assert "skipped" not in done.stdout
