"""Which images judge models and therefore never teach them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np

from ml.fingerprint import ALIKE, Words, are_alike, distances, words
from ml.splits import in_holdout
from store.tables import DeletedFilm, Image

AT_ONCE = 1000


@dataclass(frozen=True)
class Holdout:
    """Frozen by patient, or by image where no patient is known; the base set's images stay where they are."""

    base: Mapping[str, bool]
    """By SHA-256, whether an image of the base set is held out."""
    prints: Mapping[str, str] = field(default_factory=dict)
    """By SHA-256, fingerprints of the base set's images; without them only the same files are known again."""

    @property
    def taught_by(self) -> set[str]:
        """The base set's images that teach every run, by SHA-256."""
        return {sha256 for sha256, held in self.base.items() if not held}

    def keeps(self, sha256: str, patient_ref: str | None, fingerprint: str | None = None) -> bool:
        """Whether an image is kept for judging models."""
        if sha256 in self.base:
            return self.base[sha256]
        side = self._side_of_twin(fingerprint)
        return in_holdout(patient_ref or sha256) if side is None else side

    def _side_of_twin(self, fingerprint: str | None) -> bool | None:
        """The side of the base set's image that is nearest of those with the same film; None without one."""
        if fingerprint is None or not self.prints:
            return None
        found = distances(words([fingerprint]), self._words)[0]
        nearest = int(found.argmin())
        return self.base[list(self.prints)[nearest]] if found[nearest] <= ALIKE else None

    @cached_property
    def _words(self) -> Words:
        return words(list(self.prints.values()))


class _Row(NamedTuple):
    id: int
    holdout: bool
    sha256: str
    patient_ref: str | None
    fingerprint: str | None


@dataclass(frozen=True)
class Sides:
    """Images that do not teach, by id: those that judge models, and those that stand between."""

    judging: set[int]
    straddling: set[int]


async def sides(holdout: Holdout) -> Sides:
    """The images kept for judging, and with them all others of the same patient, file or film.

    A patient may be known by a reference that was given later, a file may have come from two people, and a
    film may have been stored anew. Whatever was reached so is kept for judging from then on. But where one
    of those so linked has taught a model, only what was kept before goes on judging, and the others straddle,
    as does whatever taught or is a copy of what did. Deleted images and the base set's count as if they were
    there, by negative ids.
    """
    rows = [_Row(*row) for row in await Image.all().values_list(*_Row._fields)]
    teachers = {image.id for image in await Image.having_taught().only("id")}
    absent = [(film.sha256, film.fingerprint, not film.taught) for film in await DeletedFilm.all()]
    absent += [(sha256, holdout.prints.get(sha256), held) for sha256, held in holdout.base.items()]
    for number, (sha256, fingerprint, held) in enumerate(absent, start=1):
        rows.append(_Row(-number, held, sha256, None, fingerprint))
        if not held:
            teachers.add(-number)
    found = await asyncio.to_thread(_divided, rows, teachers)
    new = sorted(found.judging - {row.id for row in rows if row.holdout})
    for start in range(0, len(new), AT_ONCE):
        await Image.filter(id__in=new[start : start + AT_ONCE]).update(holdout=True)
    return found


def _divided(rows: list[_Row], teachers: set[int]) -> Sides:
    kept = {row.id for row in rows if row.holdout}
    linked = _spread(rows, kept)
    mixed = _spread([row for row in rows if row.id in linked], teachers & linked)
    films = [row._replace(patient_ref=None) for row in rows if row.id in mixed]
    judging = (linked - mixed) | (kept - _spread(films, teachers & mixed))
    there = {row.id for row in rows if row.id > 0}
    return Sides(judging & there, (linked - judging) & there)


def _spread(rows: list[_Row], held: set[int]) -> set[int]:
    """The images that share a patient, a file or a film with some, by whatever chain."""
    marks = {row.id: {("file", row.sha256), ("patient", row.patient_ref or row.sha256)} for row in rows}
    ids = np.array([row.id for row in rows if row.fingerprint], int)
    prints = words([row.fingerprint for row in rows if row.fingerprint])
    compared = np.zeros(len(ids), bool)
    while True:
        grown = _by_marks(held, marks)
        inside = np.isin(ids, list(grown))
        outside = np.flatnonzero(~inside)
        twins = ids[outside[are_alike(prints[outside], prints[inside & ~compared])]]
        compared |= inside
        if not len(twins):
            return grown
        held = grown | set(twins.tolist())


def _by_marks(held: set[int], marks: Mapping[int, set[tuple[str, str]]]) -> set[int]:
    """The images that share a patient or a file with those that are held, by whatever chain."""
    reached: set[tuple[str, str]] = set()
    while not (found := set().union(*(marks[image_id] for image_id in held))) <= reached:
        reached = found
        held = {image_id for image_id, own in marks.items() if own & reached}
    return held
