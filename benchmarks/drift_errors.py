"""How often drift is told of: `.venv/bin/python -m benchmarks.drift_errors`, some minutes.

Hospitals are made up, each for a year in which images come in evenly and drift is looked for every hour over
the last 30 days, as the platform does. Their reference is of 330 images, drawn anew for each, as if another
holdout had judged the model. Signals are spread as on the real holdout, and moved by what a line says, from
the first day on or from the 90th.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ml import default_model
from ml.drift import MARGINS, NAMES, Figures, Name, Sample, compare

YEARS = 100
DAYS = 365
MONTH = 30
JUDGES = 330
LOOKS_A_DAY = 24
BEGINS = 90
"""The day on which a change comes, where it comes later."""
LABELLED = 0.3
"""Of the images with a finding."""


@dataclass(frozen=True)
class Moved:
    """By how much each signal is another than on the holdout."""

    words: str
    abstentions: float = 0.0
    probability: float = 0.0
    distance: float = 0.0
    agreement: float = 0.0
    since: int = 0


@dataclass(frozen=True)
class Images:
    """Images in the order of their upload: whether each has a finding, what was said of it, and its truth."""

    days: np.ndarray
    abstained: np.ndarray
    probability: np.ndarray
    distance: np.ndarray
    labelled: np.ndarray
    agreed: np.ndarray


def drawn(
    real: Images, count: int, moved: Moved, generator: np.random.Generator, labelled: float = 1.0
) -> Images:
    """So many images of a year, like real ones and moved."""
    days = np.sort(generator.random(count) * DAYS)
    late = days >= moved.since
    rows = generator.integers(0, len(real.days), count)
    abstained = generator.random(count) < real.abstained.mean() + moved.abstentions * late
    known = ~abstained & (generator.random(count) < labelled)
    right = generator.random(count) < real.agreed.sum() / real.labelled.sum() + moved.agreement * late
    return Images(
        days,
        abstained,
        np.clip(real.probability[rows] + moved.probability * late, 0, 1),
        real.distance[rows] + moved.distance * late,
        known,
        known & right,
    )


def figures(images: Images) -> Figures:
    """Of all of them."""
    return next(windows(images, np.array([0]), np.array([len(images.days)])))


def windows(images: Images, begins: np.ndarray, ends: np.ndarray) -> Iterator[Figures]:
    """Of the images from each row on and before another, (L,) each."""
    columns = {
        "abstained": images.abstained,
        "p": images.probability,
        "pp": images.probability**2,
        "d": images.distance,
        "dd": images.distance**2,
        "labelled": images.labelled,
        "agreed": images.agreed,
    }
    sums = {name: np.concatenate([[0.0], np.cumsum(values, dtype=float)]) for name, values in columns.items()}
    inside = {name: total[ends] - total[begins] for name, total in sums.items()}
    for row, count in enumerate((ends - begins).tolist()):
        one = {name: float(values[row]) for name, values in inside.items()}
        yield Figures(
            images=count,
            abstained={"UNCERTAIN": round(one["abstained"])},
            probability=Sample.of_sums(count, one["p"], one["pp"]),
            distance=Sample.of_sums(count, one["d"], one["dd"]),
            labelled=round(one["labelled"]),
            agreed=round(one["agreed"]),
        )


def warnings(reference: Figures, images: Images) -> dict[Name, list[float]]:
    """The days on which each signal is warned of in a year of hourly looks, as the platform does."""
    looks = np.arange(0, DAYS, 1 / LOOKS_A_DAY)
    begins = np.searchsorted(images.days, looks - MONTH)
    ends = np.searchsorted(images.days, looks)
    told: dict[Name, list[float]] = {name: [] for name in NAMES}
    standing: set[Name] = set()
    last, signals = (-1, -1), ()
    for look, begin, end, month in zip(looks, begins, ends, windows(images, begins, ends), strict=True):
        if (begin, end) != last:  # else nothing has changed
            signals, last = compare(reference, month), (begin, end)
        for signal in signals:
            if signal.is_over:
                standing.discard(signal.name)
            if signal.differs and signal.name not in standing:
                standing.add(signal.name)
                told[signal.name].append(float(look))
    return told


def real_images() -> Images:
    """The holdout of the default model."""
    from ml.making import probabilities

    shipped = default_model.load()
    base, held, model = shipped.base_set, shipped.base_set.holdout, shipped.model
    features = base.features[held]
    said = probabilities(model.head, features).astype(float)
    distances = model.distances(features)
    reasons = model.abstentions(distances, said)
    found = np.array([reason is None for reason in reasons])
    right = found & ((said >= model.threshold) == base.covid[held])
    return Images(np.zeros(len(said)), ~found, said, distances, found, right)


def cases() -> Iterator[Moved]:
    """What may have changed."""
    yield Moved("nothing")
    yield Moved("all by half the margin", *(0.5 * MARGINS[name] for name in NAMES))
    yield Moved("all by the margin", *(MARGINS[name] for name in NAMES[:3]), -MARGINS["AGREEMENT"])
    for times in (2, 3):
        moved = [times * MARGINS[name] for name in NAMES[:3]]
        yield Moved(f"by {times} margins, day {BEGINS}", *moved, -times * MARGINS["AGREEMENT"], BEGINS)


def summary(years: list[dict[Name, list[float]]], moved: Moved) -> dict[Name, dict[str, float | None]]:
    """By signal: the share of years with a warning, warnings a year that has one, days until the first."""
    found: dict[Name, dict[str, float | None]] = {}
    for name in NAMES:
        days = [year[name] for year in years if year[name]]
        waits = [one[0] - moved.since for one in days if one[0] >= moved.since]
        found[name] = {
            "warned": len(days) / len(years),
            "warnings": float(np.mean([len(one) for one in days])) if days else None,
            "days": float(np.median(waits)) if waits else None,
        }
    return found


def main() -> None:
    real, generator = real_images(), np.random.default_rng(0)
    results: dict[str, dict[str, dict[Name, dict[str, float | None]]]] = {}
    print("share of years with a warning, warnings in such a year, median days to the first")
    print(f"{'images a month':16}{'moved':24}" + "".join(f"{name:>24}" for name in NAMES))
    for month in (60, 300, 1500):
        for moved in cases():
            years = [
                warnings(
                    figures(drawn(real, JUDGES, Moved(""), generator)),
                    drawn(real, month * DAYS // MONTH, moved, generator, LABELLED),
                )
                for _ in range(YEARS if month < 1000 else YEARS // 4)
            ]
            found = summary(years, moved)
            results.setdefault(str(month), {})[moved.words] = found
            print(f"{month:<16}{moved.words:24}" + "".join(f"{_cell(found[name]):>24}" for name in NAMES))
    print(json.dumps({"years": YEARS, "found": results}))


def _cell(found: dict[str, float | None]) -> str:
    if found["warnings"] is None:
        return f"{found['warned']:.1%}"
    days = "" if found["days"] is None else f", {found['days']:.0f} d"
    return f"{found['warned']:.1%} x {found['warnings']:.1f}{days}"


if __name__ == "__main__":
    main()
