"""Which images judge models and therefore never teach them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tortoise.queryset import QuerySet

from ml.fingerprint import ALIKE, WORDS, Words, are_alike, distances, words
from ml.splits import in_holdout
from store.tables import DeletedFilm, Image

AT_ONCE = 1000
ABSENT = 0
"""In place of the id of an image that was deleted, or that is the base set's."""
NO_PRINT = "0" * 64


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
    there.
    """
    teachers = [number for (number,) in await Image.having_taught().values_list("id")]
    rows = await _read(holdout)
    judging, straddling = await asyncio.to_thread(_divided, rows, teachers)
    new: list[int] = rows["id"][judging & ~rows["holdout"]].tolist()
    for start in range(0, len(new), AT_ONCE):
        await Image.filter(id__in=new[start : start + AT_ONCE]).update(holdout=True)
    return Sides(set(rows["id"][judging].tolist()), set(rows["id"][straddling].tolist()))


class _Row(NamedTuple):
    id: int
    holdout: bool
    sha256: str
    patient_ref: str | None
    fingerprint: str | None


_PACKED = np.dtype(
    [
        ("id", np.int64),
        ("holdout", bool),
        ("file", "S32"),
        ("patient", "S32"),
        ("has_print", bool),
        ("print", np.uint64, WORDS),
    ]
)
"""What is compared of an image, in 106 bytes, since there may be millions: files and patients by SHA-256."""

_Rows = NDArray[np.void]
_Mask = NDArray[np.bool_]
_Numbers = NDArray[np.intp]


async def _read(holdout: Holdout) -> _Rows:
    """All images, those that were deleted and those of the base set."""
    parts = [_packed([_Row(*row) for row in page]) async for page in _pages(Image.all(), *_Row._fields)]
    absent = [(sha256, holdout.prints.get(sha256), not held) for sha256, held in holdout.base.items()]
    # After the images, so that what is deleted meanwhile is among the one or the other.
    async for page in _pages(DeletedFilm.all(), "id", "sha256", "fingerprint", "taught"):
        absent += [film for _, *film in page]
    parts.append(_packed([_Row(ABSENT, not taught, sha256, None, film) for sha256, film, taught in absent]))
    return np.concatenate(parts)


async def _pages(query: QuerySet[Any], *columns: str) -> AsyncIterator[list[Any]]:
    """Columns of all rows, the first of which is the id, some rows at a time."""
    last = 0
    while True:
        page = await query.filter(id__gt=last).order_by("id").limit(AT_ONCE).values_list(*columns)
        yield page
        if len(page) < AT_ONCE:
            return
        last = page[-1][0]


def _packed(rows: Sequence[_Row]) -> _Rows:
    found = np.zeros(len(rows), _PACKED)
    found["id"] = [row.id for row in rows]
    found["holdout"] = [row.holdout for row in rows]
    found["file"] = [_digest(row.sha256) for row in rows]
    found["patient"] = [_digest(row.patient_ref or row.sha256) for row in rows]
    found["has_print"] = [bool(row.fingerprint) for row in rows]
    found["print"] = words([row.fingerprint or NO_PRINT for row in rows])
    return found


def _digest(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


def _divided(rows: _Rows, teachers: Sequence[int]) -> tuple[_Mask, _Mask]:
    """Which images judge, and which straddle."""
    kept, is_there = rows["holdout"], rows["id"] != ABSENT
    taught = np.where(is_there, np.isin(rows["id"], teachers), ~kept)
    files, patients = (np.unique(rows[name], return_inverse=True)[1] for name in ("file", "patient"))
    linked = _spread(rows, kept, np.ones(len(rows), bool), files, patients)
    mixed = _spread(rows, taught & linked, linked, files, patients)
    judging = (linked & ~mixed) | (kept & ~_spread(rows, taught & mixed, mixed, files))
    return judging & is_there, linked & ~judging & is_there


def _spread(rows: _Rows, held: _Mask, among: _Mask, *marks: _Numbers) -> _Mask:
    """The images ``among`` some that share a mark or a film with those that are held, by whatever chain."""
    compared = ~rows["has_print"]
    while True:
        held = _by_marks(held, among, *marks)
        outside = np.flatnonzero(among & rows["has_print"] & ~held)
        twins = outside[are_alike(rows["print"][outside], rows["print"][held & ~compared])]
        if not len(twins):
            return held
        compared |= held
        held[twins] = True


def _by_marks(held: _Mask, among: _Mask, *marks: _Numbers) -> _Mask:
    """The images ``among`` some that share a mark with those that are held, by whatever chain.

    Of each kind of mark, such as patients, there is the number of each image's.
    """
    while True:
        before = held
        for numbers in marks:
            reached = np.zeros(len(numbers), bool)
            reached[numbers[held]] = True
            held = held | (reached[numbers] & among)
        if np.array_equal(held, before):
            return held
