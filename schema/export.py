"""Writes the schema in its definition language, sorted, as it is committed; or tells whether that is stale.

python -m schema.export [--check]
"""

from __future__ import annotations

import sys
from pathlib import Path

from schema.schema import build_schema

FILE = Path(__file__).parents[1] / "schema.graphql"


def sdl() -> str:
    """The schema in the schema definition language."""
    return build_schema(in_order=True).as_str() + "\n"


def main(arguments: list[str]) -> int:
    """The exit status: 1 where --check finds the committed file stale."""
    text = sdl()
    if arguments == ["--check"]:
        if FILE.is_file() and FILE.read_text(encoding="utf-8") == text:
            return 0
        print(
            f"{FILE.name} is stale: run python -m schema.export, and review what has changed", file=sys.stderr
        )
        return 1
    FILE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
