"""The platform of these tests has a trainer that lets them in."""

from dataclasses import replace

import pytest

from api.wiring import Parts
from services import training as training_module
from tests.runs import Hooked


@pytest.fixture
async def parts(parts: Parts) -> Parts:
    return replace(parts, trainer=Hooked())


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hearts beat fast."""
    monkeypatch.setattr(training_module, "HEARTBEAT_SECONDS", 0.02)
