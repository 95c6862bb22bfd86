"""What the suites of others need."""

import shutil

import pytest

from tests.conformance import suites
from tests.missing import missing


@pytest.fixture(scope="session")
def npm() -> None:
    """The npm packages are there; skips by name, or fails under CI, where they cannot be had."""
    problem = "npm was not found" if shutil.which("npm") is None else suites.install()
    if problem:
        missing(f"the suites of others come by npm, and {problem}")
