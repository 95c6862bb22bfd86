"""What the tests of the classifier share."""

from pathlib import Path

import pytest

from ml import weights as weights_room


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> weights_room.Weights:
    """The real ImageNet weights, converted once for all tests."""
    return weights_room.load(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="session")
def golden() -> Path:
    """Outputs of other programs, each made by the script beside it."""
    return Path(__file__).parents[1] / "golden"
