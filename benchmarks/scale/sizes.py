"""What an image takes of each store, by what lies there."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from tests.databases import connect

KINDS = ("pixels", "features")


def sizes(database: str, blobs: Path, stream: Path, images: int) -> dict[str, float]:
    """Bytes an image, once so many have been judged: rows with their indices, files, and events."""
    name = urlsplit(database).path[1:]
    with connect(name) as server, server.cursor() as cursor:
        cursor.execute("SHOW TABLES")
        for (table,) in cursor.fetchall():
            cursor.execute(f"ANALYZE TABLE `{table}`")
            cursor.fetchall()
        cursor.execute(
            "SELECT SUM(data_length + index_length) FROM information_schema.tables WHERE table_schema = %s",
            name,
        )
        row = cursor.fetchone()
    rows = float(row[0]) if row else 0.0
    found = {kind: _size(blobs / kind) / images for kind in KINDS}
    return {"rows": rows / images, **found, "events": _size(stream) / images}


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
