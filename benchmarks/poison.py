"""What members who lie can do to the next model: some minutes of `.venv/bin/python -m benchmarks.poison`.

A third of the base set's patients come in as films of twenty members; a model that the others taught is in
service. One member lies, or ten do, in one way, and all else is the platform's own: which labels count, what
is left out, who judges, the training, the gate. Both models are then asked about everything that is held
out, by its true labels. Ends with a line of JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from ml import default_model, gate
from ml.base_set import BaseSet
from ml.evaluation import evaluate
from ml.features import pack
from ml.gate import Judged, Margins
from ml.making import Images, images_of, probabilities, teach
from ml.model_file import Model
from services import training_set
from services.examples import select
from services.holdout import Holdout
from services.keys import features_key
from services.learning import divide
from store.blobs import Blobs
from store.database import migrate, open_database, sqlite_url
from store.tables import Evidence, Finding, Image, Label, Role, User

MEMBERS = 20
BROUGHT = 1 / 3
"""Of the patients, by members."""
COPIES = 10
SHARE = 0.05
"""Of a run, that one user may have where it is capped."""
EXTRACTOR = "base set"


@dataclass(frozen=True)
class Told:
    """A film that somebody brings in, by its row in the base set, and what is said of it."""

    row: int
    covid: bool
    evidence: Evidence = Evidence.UNSTATED
    copy: int = 0
    corrected: bool = False
    """An administrator, without evidence, says the truth after that."""


@dataclass(frozen=True, eq=False)
class World:
    """A base set to begin with, films that members bring in, and the model that the former taught."""

    every: BaseSet
    prints: dict[str, str]
    base: BaseSet
    brought: np.ndarray
    """Rows of ``every``."""
    public: np.ndarray
    """Rows of ``every`` that taught, which anybody may have."""
    incumbent: Model


Lie = Callable[[World, Sequence[int]], list[Told]]


def _each(world: World, rows: Sequence[int], **more: Any) -> list[Told]:
    return [Told(row, not world.every.covid[row], **more) for row in rows]


def honest(world: World, rows: Sequence[int]) -> list[Told]:
    return [Told(row, bool(world.every.covid[row])) for row in rows]


def flipped(world: World, rows: Sequence[int]) -> list[Told]:
    return _each(world, rows)


def covid_denied(world: World, rows: Sequence[int]) -> list[Told]:
    return [Told(row, False) for row in rows]


def covid_made_up(world: World, rows: Sequence[int]) -> list[Told]:
    return [Told(row, True) for row in rows]


def copied(world: World, rows: Sequence[int]) -> list[Told]:
    """Each film so many times, a little altered, so that it is another file."""
    return [told for copy in range(COPIES) for told in _each(world, rows, copy=copy)]


def corrected(world: World, rows: Sequence[int]) -> list[Told]:
    return _each(world, rows, corrected=True)


def with_evidence(world: World, rows: Sequence[int]) -> list[Told]:
    return _each(world, rows, evidence=Evidence.RT_PCR, corrected=True)


def public_films(world: World, rows: Sequence[int]) -> list[Told]:
    """The base set's own films, which are public, besides."""
    return _each(world, [*rows, *world.public.tolist()])


LIES: dict[str, tuple[Lie, float]] = {
    "none: all are honest": (honest, 1.0),
    "all labels flipped": (flipped, 1.0),
    "COVID told as none": (covid_denied, 1.0),
    "everything told as COVID": (covid_made_up, 1.0),
    f"flipped, {COPIES} copies of each": (copied, 1.0),
    f"the same, a share of {SHARE:.0%} each": (copied, SHARE),
    "flipped, and corrected by an administrator": (corrected, 1.0),
    "the same, RT-PCR claimed": (with_evidence, 1.0),
    "public films of the base set flipped": (public_films, 1.0),
    f"the same, at most {SHARE:.0%} each": (public_films, SHARE),
}
"""By name, and what share of a run the policy leaves to one user."""


def part(base: BaseSet, rows: np.ndarray) -> BaseSet:
    """Some of a base set's images."""
    columns = ("features", "labels", "patients", "sources", "sha256")
    return BaseSet(*(getattr(base, name)[rows] for name in columns), base.backbone)


def begun(seed: int) -> World:
    """A world whose patients are drawn by the seed."""
    every = default_model.load().base_set
    patients = np.unique(every.patients)
    coming = np.random.default_rng(seed).choice(patients, round(BROUGHT * len(patients)), replace=False)
    is_brought = np.isin(every.patients, coming)
    base = part(every, ~is_brought)
    incumbent = teach(images_of(base)[~base.holdout], every.backbone, default_model.CONFIG)
    known = set(base.sha256.tolist())
    prints = default_model.load_fingerprints()
    rows = np.flatnonzero(is_brought)
    public = np.flatnonzero(~is_brought & ~every.holdout)
    return World(every, {one: prints[one] for one in known if one in prints}, base, rows, public, incumbent)


async def bring(world: World, holdout: Holdout, liars: int, lie: Lie, blobs: Blobs, seed: int) -> None:
    """The members' films and labels, those of the first few by the lie."""
    chief = await User.create(email="chief@h.example", name="Chief", role=Role.ADMIN, password_hash="")
    prints = default_model.load_fingerprints()
    shares = np.array_split(np.random.default_rng(seed).permutation(world.brought), MEMBERS)
    for number, rows in enumerate(shares):
        user = await User.create(email=f"{number}@h.example", name="", role=Role.MEMBER, password_hash="")
        given = (lie if number < liars else honest)(world, rows.tolist())
        # The base set has some files twice, of which nobody can have more than one.
        for told in {(world.every.sha256[told.row], told.copy): told for told in given}.values():
            image = await _uploaded(world, holdout, user, told, prints, blobs)
            await _labelled(image, user, told.covid, told.evidence)
            if told.corrected:
                await _labelled(image, chief, bool(world.every.covid[told.row]), Evidence.UNSTATED)


async def _uploaded(
    world: World, holdout: Holdout, user: User, told: Told, prints: dict[str, str], blobs: Blobs
) -> Image:
    original = str(world.every.sha256[told.row])
    sha256 = hashlib.sha256(f"{original} {told.copy}".encode()).hexdigest() if told.copy else original
    patient, fingerprint = str(world.every.patients[told.row]), prints.get(original)
    key = f"{user.id}-{told.row}-{told.copy}"
    await blobs.put(features_key(EXTRACTOR, key), pack(world.every.features[told.row]))
    return await Image.create(
        owner=user,
        key=key,
        filename="",
        sha256=sha256,
        media_type="image/png",
        size=1,
        width=1,
        height=1,
        patient_ref=patient,
        fingerprint=fingerprint,
        features=EXTRACTOR,
        holdout=holdout.keeps(sha256, patient, fingerprint),
    )


async def _labelled(image: Image, by: User, covid: bool, evidence: Evidence) -> None:
    finding = Finding.COVID if covid else Finding.NO_COVID
    await Label.create(image=image, finding=finding, evidence=evidence, by_admin=by.is_admin, submitted_by=by)


async def gathered(
    world: World, liars: int, lie: Lie, share: float, seed: int, folder: Path
) -> tuple[Images, Images]:
    """What the next run learns from and is judged by."""
    url, blobs = sqlite_url(folder / "poison.sqlite"), Blobs(f"file://{folder}/blobs")
    holdout = Holdout(
        dict(zip(world.base.sha256.tolist(), world.base.holdout.tolist(), strict=True)), world.prints
    )
    await migrate(url)
    async with open_database(url):
        await bring(world, holdout, liars, lie, blobs, seed)
        selection = await select(EXTRACTOR, share, holdout)
        await training_set.lay_out(selection.examples, EXTRACTOR, blobs, folder)
    return divide(world.base, folder)


def asked(world: World, exam: Images, candidate: Model) -> str:
    """What the gate says, by the labels that there are."""
    old, new = (
        Judged(probabilities(one.head, exam.features), one.threshold) for one in (world.incumbent, candidate)
    )
    home = np.arange(len(exam.covid)) < world.base.holdout.sum()
    verdict = gate.judge(exam.covid, old, new, exam.groups.tolist(), home=home)
    return "promoted" if verdict.promote else "awaits" if verdict.awaits else "rejected"


def figures(world: World, model: Model) -> dict[str, float]:
    """Of a model on all that is held out of the whole base set, by the true labels."""
    exam = images_of(world.every)[world.every.holdout]
    found = evaluate(exam.covid, probabilities(model.head, exam.features), model.threshold)
    return {name: getattr(found, name).value for name in ("sensitivity", "specificity", "auc")}


def attacks() -> Iterator[tuple[int, str]]:
    """How many lie, and how; that all are honest is tried once."""
    return (
        (liars, name) for liars, name in product((1, 10), LIES) if liars == 1 or LIES[name][0] is not honest
    )


def tried(world: World, liars: int, name: str, seed: int) -> dict[str, Any]:
    """One lie, carried through to the gate."""
    lie, share = LIES[name]
    with tempfile.TemporaryDirectory() as folder:
        lessons, exam = asyncio.run(gathered(world, liars, lie, share, seed, Path(folder)))
        candidate = teach(lessons, world.every.backbone, default_model.CONFIG)
        outcome = asked(world, exam, candidate)
    before, after = figures(world, world.incumbent), figures(world, candidate)
    return {"liars": liars, "lie": name, "seed": seed, "gate": outcome, "before": before, "after": after}


def summary(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The most that was lost by what was promoted, or could be by a word of an administrator."""
    margins = Margins()
    return {
        gate_says: max(
            [
                one["before"]["sensitivity"] - one["after"]["sensitivity"]
                for one in found
                if one["gate"] == gate_says
            ],
            default=None,
        )
        for gate_says in ("promoted", "awaits", "rejected")
    } | {"margin": margins.sensitivity}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3)
    chosen = parser.parse_args()
    found: list[dict[str, Any]] = []
    print(f"{'liars':>5}  {'lie':44}{'seed':>5}{'gate':>10}{'sensitivity':>16}{'specificity':>16}{'AUC':>16}")
    for seed in range(chosen.seeds):
        world = begun(seed)
        for liars, name in attacks():
            print(f"seed {seed}, {liars} of {MEMBERS}: {name} …", file=sys.stderr)
            one = tried(world, liars, name, seed)
            moved = "".join(
                f"{one['before'][figure]:9.3f} → {one['after'][figure]:.3f}"[-16:].rjust(16)
                for figure in ("sensitivity", "specificity", "auc")
            )
            print(f"{liars:5}  {name:44}{seed:5}{one['gate']:>10}{moved}", flush=True)
            found.append(one)
    print(json.dumps({"tried": found, "sensitivity_lost_at_most": summary(found)}))


if __name__ == "__main__":
    main()
