"""Odd bytes for all that takes bytes of strangers.

python -m tests.fuzz [--seconds 60] [--targets images dicom] [--seed SEED] tries new ones;
python -m tests.fuzz --again build/fuzz/images/1f2e… tries one that was kept.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.fuzz.hunting import LACKING, Hunt, again, hunt
from tests.fuzz.targets import TARGETS

KEPT = Path("build/fuzz")


def main() -> int:
    """The exit status: 1 where there are findings, or a hunt was none, or under CI nothing to hunt with."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60, help="of all targets together")
    parser.add_argument("--targets", nargs="+", choices=TARGETS, default=list(TARGETS))
    parser.add_argument("--seed", default=secrets.token_hex(4), help="another one tries other inputs")
    parser.add_argument(
        "--again", type=Path, help="an input that was kept, in a folder named after its target"
    )
    given = parser.parse_args()
    if LACKING:
        print(f"Skipped: {LACKING}")
        return 1 if os.environ.get("CI") else 0
    if given.again:
        wrong = again(given.again.parent.name, given.again)
        print(wrong or "Nothing is wrong with it.")
        return 1 if wrong else 0
    done = hunts(given.targets, given.seconds, given.seed)
    idle = [found.target for found in done if not 0 < found.taken < found.inputs]
    if idle:
        print(f"Tried nothing that is taken, or nothing that is not: {', '.join(idle)}. Take more seconds.")
    return 1 if idle or any(found.findings for found in done) else 0


def hunts(names: Sequence[str], seconds: float, seed: str) -> list[Hunt]:
    """A hunt for each target, told as they go."""
    print(f"seed {seed}; what is found is kept in {KEPT}", flush=True)
    print(f"{'target':12} {'inputs':>10} {'taken':>10} {'seconds':>8} {'findings':>8}", flush=True)
    done = []
    for name in names:
        found = hunt(name, seconds / len(names), seed, KEPT)
        print(
            f"{name:12} {found.inputs:10,} {found.taken:10,} {found.seconds:8.1f} {len(found.findings):8}",
            flush=True,
        )
        for sha256, wrong in found.findings.items():
            print(f"  {sha256[:16]} {wrong.splitlines()[0][:200]}", flush=True)
        done.append(found)
    print(json.dumps([found.figures for found in done]))
    return done


if __name__ == "__main__":
    sys.exit(main())
