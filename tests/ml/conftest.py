"""What the tests of the classifier share."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def golden() -> Path:
    """Outputs of other programs, each made by the script beside it."""
    return Path(__file__).parents[1] / "golden"
