"""What a retraining costs as the images grow, beside Keras and beside making features anew each time.

`make bench-retrain [ARGS='--sizes 1000 10000 100000']`: the trainer's own process learns from made-up images
that lie in a folder as the platform lays them out, and its time and memory are noted. Then head C's epochs
take turns with Keras's `fit` on the same arrays, and kept features with the network that made them. All have
the cores that a trainer has, half of them. Prints tables, and a line of JSON. Needs Linux's /proc; minutes.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

from rich.console import Console

from api.terminal import table
from api.trainer import ROOT
from benchmarks.retraining.laying_out import lay_out
from benchmarks.retraining.trainer import Cost, run
from ml.heads import HeadName

OURS, KERAS = "ours", ("Keras, float32", "Keras, float16")
SEEN_BY = {"D": "chests", "C": "pictures"}
KIB = 1024


def trained(head: HeadName, count: int, epochs: int) -> Cost:
    """What a retraining on so many images costs; its folder is removed."""
    folder = Path(tempfile.mkdtemp())
    try:
        return run(*lay_out(folder, head, count, epochs))
    finally:
        shutil.rmtree(folder)


def turns(names: list[str], count: int, rounds: int) -> dict[str, float]:
    """The median seconds of an image by each contender, who take turns in processes of their own."""
    took: dict[str, list[float]] = {name: [] for name in names}
    with ExitStack() as stack:
        started = [stack.enter_context(_contender(name, count)) for name in names]
        for _ in range(rounds):
            for name, process in zip(names, started, strict=True):
                assert process.stdin is not None
                process.stdin.write("\n")
                process.stdin.flush()
                took[name].append(float(_line(process)) / count)
    return {name: statistics.median(seconds) for name, seconds in took.items()}


@contextmanager
def _contender(name: str, count: int) -> Iterator[subprocess.Popen[str]]:
    """Its process, ready; it ends when its input does."""
    command = [sys.executable, "-m", "benchmarks.retraining.contenders", name, str(count)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, text=True, **pipes) as process:  # type: ignore[call-overload]
        if _line(process) != "ready":
            raise RuntimeError(f"{name} cannot take part: see above")
        yield process


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def rows_of(costs: dict[int, Cost]) -> list[dict[str, Any]]:
    """A row of figures for each size; of memory, what each image more has taken since the size before."""
    grown: list[float | None] = [None]
    for (few, before), (many, after) in pairwise(costs.items()):
        grown.append(KIB * (after.peak_mib - before.peak_mib) / (many - few))
    return [
        {
            "images": count,
            "seconds": round(cost.seconds, 1),
            "epoch_ms_an_image": round(1000 * cost.epoch_seconds / count, 4),
            "peak_mib": round(cost.peak_mib),
            "anonymous_mib": round(cost.anonymous_mib),
            "kib_an_image_more": None if more is None else round(more, 2),
        }
        for (count, cost), more in zip(costs.items(), grown, strict=True)
    ]


def whole_loop(row: dict[str, Any], anew: float, read: float) -> float:
    """How many times as long a retraining takes that makes features anew, of one that reads those kept."""
    count, training = row["images"], row["seconds"]
    return float((training + count * anew) / (training + count * read))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 4000])
    parser.add_argument("--heads", choices=tuple(SEEN_BY), nargs="+", default=["D", "C"])
    parser.add_argument("--epochs", type=int, default=3, help="of each retraining; the platform's are 20")
    parser.add_argument("--images", type=int, default=300, help="of an epoch beside Keras")
    parser.add_argument("--films", type=int, default=8, help="of which features are made anew")
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    console, found = Console(width=110), dict[str, Any]()
    for head in asked.heads:
        rows = rows_of({count: trained(head, count, asked.epochs) for count in asked.sizes})
        names = [f"features of {SEEN_BY[head]} {way}" for way in ("anew", "read")]
        made = turns(names, asked.films, asked.rounds)
        for row in rows:
            row["anew_over_kept"] = round(whole_loop(row, *made.values()), 2)
        found[head] = {"epochs": asked.epochs, "sizes": rows, "seconds_an_image": made}
        show(console, head, asked.epochs, rows, made)
    if "C" in asked.heads:
        found["beside_keras"] = beside_keras(console, asked.images, asked.rounds)
    print(json.dumps(found))


def beside_keras(console: Console, count: int, rounds: int) -> dict[str, float]:
    """Milliseconds an image of an epoch, by ours and by Keras's `fit`, and how many times ours is as fast."""
    took = turns([OURS, *KERAS], count, rounds)
    best = min(took[name] for name in KERAS)
    lines = [[name, f"{1000 * took[name]:.2f}", f"{took[name] / took[OURS]:.2f}"] for name in took]
    header = ["an epoch by", "ms an image", "times ours"]
    console.print(table(f"Head C, {count} images in batches of 10", header, lines))
    return {name: round(1000 * seconds, 3) for name, seconds in took.items()} | {
        "keras_over_ours": round(best / took[OURS], 2)
    }


def show(
    console: Console, head: str, epochs: int, rows: list[dict[str, Any]], made: dict[str, float]
) -> None:
    """A table of one head."""
    header = ["images", "seconds", "ms/image/epoch", "peak MiB", "no file's", "KiB/image more", "anew/kept"]
    lines = [["" if value is None else f"{value:,}" for value in row.values()] for row in rows]
    console.print(table(f"Head {head}, {epochs} epochs", header, lines))
    console.print(", ".join(f"{name}: {1000 * seconds:.2f} ms an image" for name, seconds in made.items()))


if __name__ == "__main__":
    main()
