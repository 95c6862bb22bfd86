"""Proof by fire: a server is killed at random moments while clients use all that it has.

    .venv/bin/python -m tests.torture --seconds 600 --database mariadb

They upload, label, subscribe, ask for retrainings and put models in service. What the server acknowledged
must be there afterwards, once; runs have ended, with a reason where there is no verdict; and each
subscriber has heard each event once, in order.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path

from tests.databases import empty_mysql
from tests.torture.ordeal import torture


def main() -> None:
    """Print a table, end with one line of JSON; status 1 where anything was lost or repeated."""
    parser = argparse.ArgumentParser(
        prog="tests.torture", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--database",
        default="sqlite",
        choices=["sqlite", "mariadb"],
        help="mariadb: an own database on the server of COVIDXR_TEST_MYSQL, dropped afterwards",
    )
    parser.add_argument("--images", type=Path, default=Path("../shared/cxr-b"))
    given = parser.parse_args()
    database = empty_mysql() if given.database == "mariadb" else nullcontext("")
    with tempfile.TemporaryDirectory(prefix="covidxr-torture-") as name, database as url:
        figures = torture(Path(name), given.images, given.seconds, given.seed, url)
    for what, value in figures.items():
        print(f"{what.replace('_', ' '):<22} {value}")
    print(json.dumps({"benchmark": "torture", **vars(given), "images": given.images.name, **figures}))
    sys.exit(1 if figures["faults"] else 0)


if __name__ == "__main__":
    main()
