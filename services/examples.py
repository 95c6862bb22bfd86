"""What a run learns from and is judged by: which labelled images, and which it leaves out and why."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from services.holdout import Holdout, sides
from services.labelling import counting, in_conflict
from store.tables import Image, Label, LeftOutCause

ROUNDING = 1e-9
"""A share of 0.29 of 100 labels is 29 of them, whatever floating point makes of it."""


@dataclass(frozen=True)
class Example:
    """A labelled image whose features are stored; held out, it judges models and never teaches them."""

    image: Image
    label: Label
    holdout: bool


@dataclass(frozen=True)
class Selection:
    """The images of a run, by id, and by cause how many are left out already."""

    examples: list[Example]
    causes: Counter[LeftOutCause]

    def left_out(self, laid_out: Sequence[Example]) -> dict[str, int]:
        """How many labelled images do not teach, by cause, of which any; each has one cause.

        ``laid_out`` are the examples whose features could be read.
        """
        counts = self.causes + Counter(
            {
                LeftOutCause.HELD_OUT: sum(example.holdout for example in laid_out),
                LeftOutCause.UNREADABLE: len(self.examples) - len(laid_out),
            }
        )
        return {cause.value: counts[cause] for cause in LeftOutCause if counts[cause]}


async def select(extractor: str, share: float, holdout: Holdout) -> Selection:
    """Every image that has a label that counts and features by the extractor, but for what is left out.

    Left out are images whose labels are all withdrawn, or in conflict until that is settled, images without
    features, those that stand between what taught and what judges, see `sides`, and what is beyond a user's
    ``share``, see `capped`.
    """
    entries: dict[int, list[Label]] = defaultdict(list)
    for entry in await Label.all():
        entries[entry.image_id].append(entry)
    images = {image.id: image for image in await Image.labelled().filter(features=extractor)}
    kept_apart, causes = await sides(holdout), Counter[LeftOutCause]()
    found: list[Example] = []
    for image_id in sorted(entries):
        image, label = images.get(image_id), counting(entries[image_id])
        if label is None:
            causes[LeftOutCause.WITHDRAWN] += 1
        elif in_conflict(entries[image_id]):
            causes[LeftOutCause.IN_CONFLICT] += 1
        elif image is None:
            causes[LeftOutCause.UNREADABLE] += 1
        elif image_id in kept_apart.straddling:
            causes[LeftOutCause.STRADDLES] += 1
        else:
            found.append(Example(image, label, image_id in kept_apart.judging))
    kept = capped(found, share, holdout.taught_by)
    causes[LeftOutCause.OVER_SHARE] = len(found) - len(kept)
    return Selection(kept, causes)


def capped(found: Sequence[Example], share: float, base: Collection[str]) -> list[Example]:
    """The examples without what anyone gave beyond a share of what the run learns from; the newest are kept.

    A run learns from the images of the base set that teach, ``base`` (their SHA-256), and from labelled ones,
    each of which counts once and takes the place of the base set's where they are one file. Where everybody
    may have m labels these are T(m) images, and m is the largest number with m <= share * T(m): after the
    cap nobody has more than the share. Everybody may have one, even where that is more. Those that are held
    out are left whole: they judge what was learned.
    """
    places = _places(found)
    most = _most(found, places, share, set(base))
    return [example for example in found if places.get(example.label.id, 0) <= most]


def _places(found: Sequence[Example]) -> dict[int, int]:
    """By label that teaches its place among its user's, the newest of which is the first."""
    given, places = Counter[int](), dict[int, int]()
    teaching = (example.label for example in found if not example.holdout)
    for label in sorted(teaching, key=lambda label: label.id, reverse=True):
        given[label.submitted_by_id] += 1
        places[label.id] = given[label.submitted_by_id]
    return places


def _most(found: Sequence[Example], places: dict[int, int], share: float, base: set[str]) -> int:
    """How many labels anyone may have."""
    added: dict[int, list[str]] = defaultdict(list)
    for example in found:
        if not example.holdout:
            added[places[example.label.id]].append(example.image.sha256)
    labels, anew, most = 0, set[str](), 1
    for many in range(1, len(added) + 1):
        labels += len(added[many])
        anew |= base.intersection(added[many])
        if many <= share * (len(base) - len(anew) + labels) + ROUNDING:
            most = many
    return most
