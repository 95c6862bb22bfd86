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
from store.tables import Image

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


async def held_out() -> set[int]:
    """The images kept for judging, and with them all others of the same patient, file or film.

    A patient may be known by a reference that was given later, a file may have come from two people, and a
    film may have been stored anew. Whatever was reached so is kept for judging from then on.
    """
    names = _Row._fields
    rows = [_Row(*row) for row in await Image.all().values_list(*names)]
    held = await asyncio.to_thread(_spread, rows)
    found = sorted(held - {row.id for row in rows if row.holdout})
    for start in range(0, len(found), AT_ONCE):
        await Image.filter(id__in=found[start : start + AT_ONCE]).update(holdout=True)
    return held


def _spread(rows: list[_Row]) -> set[int]:
    marks = {row.id: {("file", row.sha256), ("patient", row.patient_ref or row.sha256)} for row in rows}
    ids = np.array([row.id for row in rows if row.fingerprint], int)
    prints = words([row.fingerprint for row in rows if row.fingerprint])
    held = {row.id for row in rows if row.holdout}
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
