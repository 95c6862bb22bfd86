"""Further model versions for tests: heads of the stand-ins, whose files hold their thresholds."""

from __future__ import annotations

from dataclasses import replace

from services.models import create
from services.platform import Platform
from store.tables import ModelState, ModelVersion
from tests.stand_ins import default_model


async def candidate(platform: Platform, threshold: str) -> ModelVersion:
    """A version with its file, not in service yet."""
    new = replace(default_model(), data=threshold.encode(), verdict=f"Has the threshold {threshold}.")
    sha256 = await platform.models.keep(new)
    return await platform.models.outbox.commit(lambda: create(new, sha256, ModelState.CANDIDATE))
