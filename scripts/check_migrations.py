"""Fails when the tables have changed and no migration says so, and leaves no file behind."""

import asyncio
import sys

from tortoise.config import TortoiseConfig
from tortoise.context import TortoiseContext
from tortoise.migrations.autodetector import MigrationAutodetector

from store.database import configuration


async def missing_operations(config: TortoiseConfig) -> list[str]:
    """The operations that ``tortoise makemigrations`` would write down now; empty when all are there."""
    async with TortoiseContext() as context:
        await context.init(config=config)
        assert context.apps is not None
        apps = {label: app.to_dict() for label, app in (config.apps or {}).items()}
        writers = await MigrationAutodetector(context.apps, apps).changes()
    return [operation.describe() for writer in writers for operation in writer.operations]


def main() -> int:
    """Print what is missing; the exit status is 1 when something is."""
    missing = asyncio.run(missing_operations(configuration("sqlite://:memory:")))
    if not missing:
        print("migrations/ is up to date")
        return 0
    print("store/tables.py has changes that migrations/ lacks:", *missing, sep="\n  ", file=sys.stderr)
    print("Write them with: .venv/bin/tortoise makemigrations --name WHAT_CHANGES", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
