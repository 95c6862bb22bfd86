"""A hospital joins: what its labels, given through the platform, do for it, and what they cost at home.

A copy of this checkout is given a default model that learned from one site alone, and served. Images of the
other site get labels through GraphQL, some more each time, and an administrator asks for a retraining. After
each, the platform's own predictions of other images of both sites are read back and judged. What passes and
awaits a confirmation, because few patients judged it, the administrator confirms.

    .venv/bin/python -m benchmarks.shift --home ../shared/cxr --joining ../shared/cxr-b
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.shift_plot import NAMES, Figures, Stage, draw
from ml.evaluation import Estimate, delong, wilson
from ml.splits import in_holdout, pseudonym
from tests.live import COVIDXR, ROOT, Live, serving

LABELS = (10, 25, 50, 100)
PASSWORD = "a benchmark's password"
UPLOADED_AT_ONCE = 20
ENDED = {"PROMOTED", "AWAITING", "REJECTED", "FAILED", "CANCELLED"}
SECONDS = 900

RUN = """{ trainingRuns(first: 1) { nodes { state error model { id number trainedOn verdict } } } }"""
PROMOTE = "mutation($input: PromoteModelInput!) { promoteModel(input: $input) { errors { code message } } }"
REQUEST = "mutation { requestRetraining { run { id } errors { code message } } }"
IN_SERVICE = "{ model { id number } }"
PREDICTIONS = """query($after: String) { images(first: 100, after: $after) {
    nodes { id prediction { probability finding model { number } } } pageInfo { hasNextPage endCursor } } }"""
LABEL = """mutation($input: SubmitLabelInput!) { submitLabel(input: $input) { errors { code message } } }"""


@dataclass(frozen=True)
class Film:
    """An image of a site, and the truth about it."""

    file: Path
    covid: bool
    patient: str


def films(site: Path) -> list[Film]:
    """The images of a site whose patients the other collection does not hold too."""
    twins = json.loads((ROOT / "ml" / "default_model" / "twins.json").read_text())
    known = {film for pair in twins for film in pair}
    with (site / "manifest.csv").open(encoding="utf-8-sig", newline="") as manifest:
        found = [
            Film(site / row["file"], row["label"] == "covid", row["patient"])
            for row in csv.DictReader(manifest)
        ]
    return [film for film in found if hashlib.sha256(film.file.read_bytes()).hexdigest() not in known]


def divided(joining: Sequence[Film], seed: int = 0) -> tuple[list[Film], list[Film]]:
    """Those that get labels, the classes in turn, and those that judge."""
    shuffled = [joining[row] for row in np.random.default_rng(seed).permutation(len(joining))]
    kinds = [[film for film in shuffled if film.covid == covid] for covid in (True, False)]
    half = max(LABELS) // 2
    labelled = [film for pair in zip(*(kind[:half] for kind in kinds), strict=True) for film in pair]
    return labelled, [film for kind in kinds for film in kind[half:]]


def copy_taught_by(home: Path, folder: Path) -> Path:
    """A copy of this checkout whose default model learned from one site alone."""
    rooms = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    for room in rooms:
        shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "schema.graphql"):
        shutil.copy(ROOT / name, folder / name)
    command = [*COVIDXR, "default-model", "--data", str(home.resolve())]
    subprocess.run(command, cwd=folder, env=_cached(folder), stdout=sys.stderr, check=True)
    return folder


def _cached(folder: Path) -> dict[str, str]:
    return {"COVIDXR_DATA_DIR": str(folder / "cache"), **os.environ}


async def follow(
    live: Live, home: Sequence[Film], labelled: Sequence[Film], joining: Sequence[Film]
) -> list[Stage]:
    """The figures before, and after each retraining."""
    live.run("create-admin", "chief@hospital.example", COVIDXR_ADMIN_PASSWORD=PASSWORD)
    admin = await live.sign_in("chief@hospital.example", PASSWORD)
    truth_home = await _uploaded(admin, home, "at home")
    truth_joining = await _uploaded(admin, joining, "of the joining site")
    to_label = await _uploaded(admin, labelled, "to be labelled")
    stages = [await _stage(admin, 0, truth_home, truth_joining, None)]
    given = 0
    for count in LABELS:
        for image, covid in list(to_label.items())[given:count]:
            await _label(admin, image, covid)
        given = count
        run = await _retrained(admin)
        stages.append(await _stage(admin, count, truth_home, truth_joining, run))
    return stages


async def _uploaded(admin: Live, chosen: Sequence[Film], what: str) -> dict[str, bool]:
    """The truth by the id of the image."""
    truth: dict[str, bool] = {}
    for start in range(0, len(chosen), UPLOADED_AT_ONCE):
        part = chosen[start : start + UPLOADED_AT_ONCE]
        results = await admin.upload([film.file for film in part], "id", waitSeconds=60)
        truth |= {
            one["image"]["id"]: film.covid for one, film in zip(results, part, strict=True) if one["image"]
        }
        _say(f"images {what}: {len(truth)} of {len(chosen)}")
    return truth


async def _label(admin: Live, image: str, covid: bool) -> None:
    given = {"imageId": image, "finding": "COVID" if covid else "NO_COVID"}
    answer = await admin.ask(LABEL, input=given)
    assert answer["submitLabel"]["errors"] == [], answer


async def _retrained(admin: Live) -> dict[str, Any]:
    answer = await admin.ask(REQUEST)
    assert answer["requestRetraining"]["errors"] == [], answer
    async with asyncio.timeout(SECONDS):
        while True:
            run: dict[str, Any] = (await admin.ask(RUN))["trainingRuns"]["nodes"][0]
            if run["state"] in ENDED:
                assert run["model"], run
                return run
            await asyncio.sleep(1)


async def _stage(
    admin: Live, labels: int, home: dict[str, bool], joining: dict[str, bool], run: dict[str, Any] | None
) -> Stage:
    if run and run["state"] == "AWAITING":
        await _promote(admin, run["model"]["id"])
    found = await _predictions(admin)
    served = _judged(found, home), _judged(found, joining)
    made = served
    if run and run["state"] == "REJECTED":
        made = await _tried(admin, run["model"]["id"], home, joining)
    outcome, verdict = (run["state"], run["model"]["verdict"]) if run else ("FIRST", "")
    _say(
        f"{labels} labels, {outcome}: the AUC of the model made is {made[0].auc.value:.3f} at home and "
        f"{made[1].auc.value:.3f} at the joining site"
    )
    return Stage(labels, outcome, verdict, *served, *made)


async def _tried(
    admin: Live, candidate: str, home: dict[str, bool], joining: dict[str, bool]
) -> tuple[Figures, Figures]:
    """The figures of a model that the gate refused: put in service by hand, and taken back."""
    before = (await admin.ask(IN_SERVICE))["model"]["id"]
    await _promote(admin, candidate)
    found = await _predictions(admin)
    await _promote(admin, before)
    return _judged(found, home), _judged(found, joining)


async def _promote(admin: Live, model: str) -> None:
    answer = await admin.ask(PROMOTE, input={"id": model, "reason": "a benchmark that looks at both"})
    assert answer["promoteModel"]["errors"] == [], answer


async def _predictions(admin: Live) -> dict[str, dict[str, Any]]:
    """By image, once the model in service has made them all."""
    number = (await admin.ask(IN_SERVICE))["model"]["number"]
    async with asyncio.timeout(SECONDS):
        while True:
            nodes, after = [], None
            while True:
                page = (await admin.ask(PREDICTIONS, after=after))["images"]
                nodes += page["nodes"]
                if not page["pageInfo"]["hasNextPage"]:
                    break
                after = page["pageInfo"]["endCursor"]
            if all(node["prediction"] and node["prediction"]["model"]["number"] == number for node in nodes):
                return {node["id"]: node["prediction"] for node in nodes}
            await asyncio.sleep(1)


def _judged(predictions: dict[str, dict[str, Any]], truth: dict[str, bool]) -> Figures:
    covid = np.array([*truth.values()])
    given = [predictions[image] for image in truth]
    found = np.array([one["probability"] for one in given])
    called = np.array([one["finding"] == "COVID" for one in given])
    decided = np.array([one["finding"] is not None for one in given])
    return Figures(
        delong(found[covid], found[~covid]),
        _share(called, decided & covid),
        _share(~called, decided & ~covid),
        _share(~decided, np.ones(len(covid), bool)),
    )


def _share(true: np.ndarray, among: np.ndarray) -> Estimate:
    return wilson(int(true[among].sum()), int(among.sum())) if among.any() else Estimate(0, 0, 1)


def table(stages: Sequence[Stage]) -> str:
    """Per cent, with 95 % intervals."""
    lines = [
        f"{'labels':>6}  {'outcome':<10} {'model and images':<26} " + "".join(f"{name:<20}" for name in NAMES)
    ]
    for stage in stages:
        for where, figures in stage.rows():
            cells = (
                f"{100 * one.value:.1f} ({100 * one.low:.1f}-{100 * one.high:.1f})"
                for one in figures.in_order()
            )
            row = "".join(f"{cell:<20}" for cell in cells)
            lines.append(f"{stage.labels:>6}  {stage.outcome:<10} {where:<26} {row}")
    return "\n".join(lines)


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def main() -> None:
    """Run, print a table, write the plot, end with one line of JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--home", type=Path, default=Path("../shared/cxr"))
    parser.add_argument("--joining", type=Path, default=Path("../shared/cxr-b"))
    parser.add_argument("--out", type=Path, default=Path("shift.png"), help="the plot to write")
    given = parser.parse_args()
    labelled, others = divided(films(given.joining))
    at_home = [film for film in films(given.home) if in_holdout(pseudonym(film.patient))]
    with tempfile.TemporaryDirectory(prefix="covidxr-shift-") as name:
        root = copy_taught_by(given.home, Path(name) / "copy")
        with serving(Path(name) / "data", root, retrain_threshold="100000") as live:
            stages = asyncio.run(follow(live, at_home, labelled, others))
    given.out.write_bytes(draw(stages))
    print(table(stages))
    print(f"For research, not for diagnosis. The plot is in {given.out}.")
    counts = {"home": len(at_home), "joining": len(others), "labelled": len(labelled)}
    print(json.dumps({"benchmark": "shift", "images": counts, "stages": [asdict(stage) for stage in stages]}))


if __name__ == "__main__":
    main()
