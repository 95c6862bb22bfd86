"""Odd bytes for all that takes bytes of strangers.

python -m tests.fuzz [--seconds 60] [--targets images dicom] [--seed SEED]
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
from pathlib import Path

from tests.fuzz.hunting import hunt
from tests.fuzz.targets import TARGETS

KEPT = Path("build/fuzz")


def main() -> int:
    """The exit status: 1 where there are findings."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60, help="of all targets together")
    parser.add_argument("--targets", nargs="+", choices=TARGETS, default=list(TARGETS))
    parser.add_argument("--seed", default=secrets.token_hex(4), help="another one tries other inputs")
    given = parser.parse_args()
    print(f"seed {given.seed}; what is found is kept in {KEPT}", flush=True)
    print(f"{'target':12} {'inputs':>10} {'taken':>10} {'seconds':>8} {'findings':>8}", flush=True)
    hunts = []
    for name in given.targets:
        found = hunt(TARGETS[name], given.seconds / len(given.targets), given.seed, KEPT)
        print(
            f"{name:12} {found.inputs:10,} {found.taken:10,} {found.seconds:8.1f} {len(found.findings):8}",
            flush=True,
        )
        for sha256, wrong in found.findings.items():
            print(f"  {sha256[:16]} {wrong.splitlines()[0][:200]}", flush=True)
        hunts.append(found)
    print(json.dumps([found.figures for found in hunts]))
    return 1 if any(found.findings for found in hunts) else 0


if __name__ == "__main__":
    sys.exit(main())
