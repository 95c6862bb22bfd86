"""How far linear heads get on the paper's task, COVID against pneumonia, and on which films they fail:
`OPENBLAS_NUM_THREADS=1 .venv/bin/python -m benchmarks.paper_task FOLDER`, 15 minutes on two cores.

They read more of the whole picture than heads A, B and C do: VGG16's fourth and fifth block, pooled, of the
picture at 224 pixels and at 448. Each is head D's logistic regression, and once more with hardly a penalty.
Of the strengths none is chosen by what is judged: both are shown, over five ways of dividing the patients.
What is read was chosen after others had been tried on the same films (docs/evaluation.md). Beside them stands
what needs no network: how far a picture's proportions are from a square's.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.carry import fitted, scores
from ml import image, logistic, recipes, vgg16, weights
from ml.classifier import FeatureExtractor
from ml.evaluation import Estimate, delong, sensitivity_at
from ml.recipes import Prepared, Recipe
from ml.shortcuts import rotated
from ml.splits import grouped_folds, pseudonym
from services.datasets import Record, read_manifest

FOLDS, DRAWS = 5, 5
STRENGTHS = (logistic.STRENGTH, 1000 * logistic.STRENGTH)
SIDES, BLOCKS = (224, 448), (4, 5)
WAYS: Mapping[str, Sequence[tuple[int, int]]] = {
    "block 5 at 224, as A, B and C": [(224, 5)],
    "block 5 at 448": [(448, 5)],
    "block 5 at 224 and 448": [(224, 5), (448, 5)],
    "blocks 4 and 5 at 224 and 448": [(side, block) for side in SIDES for block in BLOCKS],
}
PROPORTIONS = "no network: how far from a square"
SHOWN = 12

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Films:
    """N films of the task: whether they are of COVID, and whose (N,)."""

    covid: Array
    patients: Array

    def folds(self, seed: int) -> list[Array]:
        """The films' numbers, by fold: those of `covidxr evaluate` with this seed."""
        labels = np.where(self.covid, "covid", "pneumonia").tolist()
        return grouped_folds(labels, self.patients.tolist(), FOLDS, seed)


def whole(side: int, block: int) -> Recipe:
    """The whole picture at so many pixels, and all places of one of VGG16's last blocks, pooled."""
    return replace(
        recipes.WHOLE,
        side=side,
        features=(side >> block) ** 2 * vgg16.BLOCKS[block - 1][-1],
        prepare=lambda decoded: Prepared(image.prepare(decoded.pixels, side)),
        extract=lambda variables, images: vgg16.read(vgg16.last_maps(variables, images, blocks=block)),
        for_platform=partial(vgg16.for_platform, blocks=block),
    )


def told(features: Array, films: Films, strength: float, seed: int) -> Array:
    """Log-odds (N,) by features (N, K), of heads that the other four folds taught."""
    found = np.empty(len(films.covid))
    for fold in films.folds(seed):
        others = np.setdiff1d(np.arange(len(found)), fold)
        point = fitted(features[others], films.covid[others], np.ones(len(others)), strength)
        found[fold] = scores(point, features[fold])
    return found


def seen(records: Sequence[Record]) -> tuple[Array, dict[tuple[int, int], Array]]:
    """How far each of N pictures is from a square (N,), and their features (N, K) by side and block."""
    decoded = [image.decode(record.path.read_bytes()) for record in records]
    proportions = np.abs(np.log([picture.width / picture.height for picture in decoded]))
    with TemporaryDirectory() as cache:
        variables = weights.load(Path(cache))
    features = {}
    for side, block in (pair for ways in WAYS.values() for pair in ways):
        if (side, block) not in features:
            extractor = FeatureExtractor(variables, whole(side, block))
            rows = [extractor.extract([extractor.prepare(picture)])[0] for picture in decoded]
            features[side, block] = rotated(np.stack(rows)).astype(np.float64)
    return proportions, features


def figures(told_by: Array, covid: Array) -> dict[str, Estimate]:
    """The AUC, and the sensitivity where 99 % of those without COVID are cleared."""
    return {"auc": delong(told_by[covid], told_by[~covid]), "at_99": sensitivity_at(0.99, covid, told_by)}


def outranked(told_by: Array, covid: Array) -> Array:
    """For each film with COVID, the share (P,) of the others that are told to be likelier."""
    others = np.sort(told_by[~covid])
    shares: Array = 1 - np.searchsorted(others, told_by[covid], "right") / len(others)
    return shares


def main() -> None:
    """Print the table, the films that are outranked most, and a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    records = [one for one in read_manifest(parser.parse_args().folder) if one.label != "no_finding"]
    films = Films(
        np.array([one.label == "covid" for one in records]),
        np.array([pseudonym(one.patient) for one in records]),  # the folds hang on the names
    )
    proportions, features = seen(records)
    results = {PROPORTIONS: [figures(proportions, films.covid)]}
    shares = []
    for way, pairs in WAYS.items():
        together = np.hstack([features[pair] for pair in pairs])
        for strength in STRENGTHS:
            draws = [told(together, films, strength, seed) for seed in range(DRAWS)]
            results[f"{way}, C = {strength:g}"] = [figures(draw, films.covid) for draw in draws]
            shares += [outranked(draw, films.covid) for draw in draws]
    print(f"{'':50} {'AUC':>20} {'mean':>6} {'at 99':>20} {'mean':>6}")
    for way, of_draws in results.items():
        cells = []
        for name in ("auc", "at_99"):
            first = of_draws[0][name]
            interval = f"{100 * first.value:.1f} ({100 * first.low:.1f}-{100 * first.high:.1f})"
            cells.append(f"{interval:>20} {100 * np.mean([one[name].value for one in of_draws]):6.2f}")
        print(f"{way:50}", *cells)
    mean = np.mean(shares, axis=0)
    paths = [one.path.name for one in records if one.label == "covid"]
    worst = {paths[row]: round(float(mean[row]), 4) for row in np.argsort(-mean, kind="stable")[:SHOWN]}
    print("Share of the pneumonia films that are told to be likelier, mean of all heads:")
    print(*(f"{share:8.3f}  {name}" for name, share in worst.items()), sep="\n")
    plain = {
        way: {name: [round(one[name].value, 4) for one in of_draws] for name in ("auc", "at_99")}
        for way, of_draws in results.items()
    }
    print(json.dumps({"films": len(records), "figures": plain, "outranked": worst}))


if __name__ == "__main__":
    main()
