"""The prediction that counts is found without reading those that do not."""

from __future__ import annotations

import pytest
from tortoise.transactions import in_transaction

from services import predictions
from store.tables import Deployment
from tests.drifting import ago, judged, uploaded
from tests.people import member
from tests.store_rows import model

MODELS = 10
DEPLOYMENTS = 110
"""Of up to 100 MariaDB looks up which model serves before it decides how to find the rest."""


@pytest.mark.parametrize("database_url", ["mysql"], indirect=True)
async def test_what_earlier_models_said_of_images_is_not_read(database: str) -> None:
    images = await uploaded(await member(), 300)
    for number in range(1, MODELS + 1):
        version = await model(number)
        await judged(images, version.id)
    since = ago(1)
    await Deployment.bulk_create(
        Deployment(number=number, model=version, reason="", since=since) for number in range(DEPLOYMENTS)
    )
    asked = [image.id for image in images[::30]]
    async with in_transaction() as connection:
        await connection.execute_query("ANALYZE TABLE deployment, image, prediction")
        await connection.execute_query("FLUSH LOCAL STATUS")
        found = await predictions.current(asked)
        _, ((read),) = await connection.execute_query("SHOW SESSION STATUS LIKE 'Handler_read_next'")
    assert {image_id: one.model_id for image_id, one in found.items()} == dict.fromkeys(asked, version.id)
    assert int(read["Value"]) <= len(asked)
