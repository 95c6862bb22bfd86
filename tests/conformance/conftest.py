"""What the suites of others need."""

import os
import shutil

import pytest

from tests.conformance import suites


@pytest.fixture(scope="session")
def npm() -> None:
    """The npm packages are there; skips by name, or fails under CI, where they cannot be had."""
    problem = "npm was not found" if shutil.which("npm") is None else suites.install()
    if problem:
        message = f"the suites of others come by npm, and {problem}"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(message)
