"""What the peers on Python read and write: the statements of `statements.json`, by asyncmy."""

from __future__ import annotations

import asyncio
import hashlib
import json
from base64 import b64encode
from collections.abc import Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncmy
from aiodataloader import DataLoader
from asyncmy.cursors import DictCursor

Row = dict[str, Any]

CONNECTIONS = 20
"""As many as ours opens at most."""
STATEMENTS = {
    name: text.replace("(?)", "%s").replace("?", "%s")
    for name, text in json.loads(Path(__file__).with_name("statements.json").read_text()).items()
}


class Data:
    """The database and the folder of files; connects when it is first asked."""

    def __init__(self, database: dict[str, Any], folder: str) -> None:
        self._database, self._folder = database, Path(folder)
        self._pool: Any = None
        self._opening = asyncio.Lock()

    @asynccontextmanager
    async def _cursor(self):
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncmy.create_pool(
                    minsize=1, maxsize=CONNECTIONS, autocommit=True, **self._database
                )
        async with self._pool.acquire() as connection, connection.cursor(DictCursor) as cursor:
            yield cursor

    async def rows(self, name: str, *values: object) -> list[Row]:
        """What a statement finds."""
        async with self._cursor() as cursor:
            await cursor.execute(STATEMENTS[name], values)
            return await cursor.fetchall()

    async def viewer(self, authorization: str | None) -> Row | None:
        """Whose live session this bearer token is."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        found = await self.rows("viewer", hashlib.sha256(token.encode()).hexdigest())
        return found[0] if found else None

    async def model_in_service(self) -> Row:
        (model,) = await self.rows("modelInService")
        return model

    async def images(self, viewer: Row | None, first: int) -> Row:
        """A page of the viewer's images, newest first."""
        found = await self.rows("images", _known(viewer)["id"], first + 1)
        return {"nodes": found[:first], "pageInfo": {"hasNextPage": len(found) > first}}

    async def keep(self, viewer: Row | None, filename: str, media_type: str, content: bytes) -> Row:
        """Store an uploaded file, and then its row."""
        owner, key = _known(viewer)["id"], uuid4().hex
        sha256 = hashlib.sha256(content).hexdigest()
        await asyncio.to_thread((self._folder / key).write_bytes, content)
        async with self._cursor() as cursor:
            values = (owner, key, filename, sha256, media_type, len(content))
            await cursor.execute(STATEMENTS["newImage"], values)
            return {"id": cursor.lastrowid, "filename": filename, "sha256": sha256}


class Loaders:
    """Made anew for each request."""

    def __init__(self, data: Data) -> None:
        self.models = _by(data, "models", "id")
        self.users = _by(data, "users", "id")
        self.predictions = _by(data, "predictions", "image_id")
        self.labels = _by(data, "labels", "image_id")


def _by(data: Data, name: str, column: str) -> DataLoader:
    async def load(keys: Iterable[int]) -> list[Row | None]:
        found = {row[column]: row for row in await data.rows(name, tuple(keys))}
        return [found.get(key) for key in keys]

    return DataLoader(load)


def global_id(kind: str, row: Row) -> str:
    return b64encode(f"{kind}:{row['id']}".encode()).decode()


def _known(viewer: Row | None) -> Row:
    if viewer is None:
        raise PermissionError("sign in first")
    return viewer
