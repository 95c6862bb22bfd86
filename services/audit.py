"""The shortcut audit: does a finding follow the disease, or the source, the border, the file?"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from ml import alterations
from ml import image as ml_image
from ml.alterations import BORDER_ONLY
from ml.base_set import BaseSet
from ml.evaluation import Estimate, wilson
from ml.shortcuts import told_apart
from services.inference import Extractor
from services.judges import NOBODY, Judges
from services.study_results import LeftOut, Result
from services.study_tables import per_cent

BORDER_LIMIT = 0.75
"""A model whose AUC is above this where the chest is greyed out follows the border."""
OF_A_KIND = 60
"""Images of a source and class that are altered, at most."""
ENOUGH = 20
"""Patients of a source and class, for telling it from another to mean something."""
LARGE = 4
"""Images of a publication, to be given its own line."""

UNCHANGED = "as they are"
Altered = Mapping[str, np.ndarray]
"""By the name of the change, features (M, F) of the same images."""


@dataclass(frozen=True)
class Told:
    """How well the features tell two sources apart among images of one label: 0.5 is not at all."""

    label: str
    sources: tuple[str, str]
    images: int
    auc: Estimate

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Told":
        """What `dataclasses.asdict` made plain."""
        first, second = plain["sources"]
        return cls(plain["label"], (first, second), plain["images"], Estimate(**plain["auc"]))


@dataclass(frozen=True)
class Change:
    """After a change: the AUC, and of the findings the share that is another, and that is the opposite.

    ``refused`` is the share of the pictures that the model takes for no chest X-rays, whatever its head says;
    none of a model that judges whatever it is shown.
    """

    name: str
    auc: Estimate
    changed: Estimate
    reversed: Estimate
    refused: Estimate | None = None

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Change":
        """What `dataclasses.asdict` made plain; earlier records do not say what is refused."""
        return cls(
            plain["name"],
            Estimate(**plain["auc"]),
            Estimate(**plain["changed"]),
            Estimate(**plain["reversed"]),
            Estimate(**plain["refused"]) if plain.get("refused") else None,
        )


@dataclass(frozen=True)
class Audit:
    """What was found of one head; ``altered`` counts the images that were changed."""

    altered: int
    told: list[Told]
    changes: list[Change]
    publications: list[LeftOut]
    sources: list[LeftOut]

    @property
    def border(self) -> Change:
        """What is found where the chest is greyed out."""
        return next(change for change in self.changes if change.name == BORDER_ONLY)

    @property
    def follows_border(self) -> bool:
        """Whether the finding can be had without the chest."""
        return self.border.auc.value > BORDER_LIMIT


def verdict(head: str, border: Change) -> str:
    """Whether a head's finding follows the border, by the rule and with the AUC where the chest is hidden.

    And whether other films might say otherwise, and what share of such pictures the model refuses, where
    it refuses any and that is known.
    """
    judged = "follows the border" if border.auc.value > BORDER_LIMIT else "does not follow the border"
    unsure = (
        " Its interval has the rule inside: other films may say otherwise."
        if border.auc.low <= BORDER_LIMIT <= border.auc.high
        else ""
    )
    refused = (
        f" It would refuse {per_cent(border.refused)} % of such pictures as no chest X-ray."
        if border.refused
        else ""
    )
    return (
        f"Head {head} {judged}: where the chest is greyed out, its AUC is {per_cent(border.auc)}, and the "
        f"rule is {100 * BORDER_LIMIT:.0f} at most.{unsure}{refused}"
    )


def border_of(plain: Mapping[str, Any]) -> Change:
    """What is found where the chest is greyed out, of an audit in plain numbers."""
    return next(Change.from_dict(change) for change in plain["changes"] if change["name"] == BORDER_ONLY)


def sample(base: BaseSet, judges: Judges, of_a_kind: int = OF_A_KIND, seed: int = 0) -> np.ndarray:
    """Rows (M,) of images to alter, of each source and class at most so many; all can be judged."""
    shuffled = np.random.default_rng(seed).permutation(len(base))
    kinds = {
        (source, covid) for source, covid in zip(base.sources.tolist(), base.covid.tolist(), strict=True)
    }
    judged = judges.of[shuffled] != NOBODY
    chosen = [
        shuffled[judged & (base.sources[shuffled] == source) & (base.covid[shuffled] == covid)][:of_a_kind]
        for source, covid in sorted(kinds)
    ]
    return np.sort(np.concatenate(chosen))


def alter(files: Sequence[Path], extractor: Extractor, progress: Callable[[int, int], None]) -> Altered:
    """The features of files after each change. Raises ImageError."""
    found = []
    for done, file in enumerate(files, 1):
        decoded = ml_image.decode(file.read_bytes())
        prepared = [extractor.prepare(view) for view in alterations.views(decoded)]
        found.append(extractor.extract(prepared))
        progress(done, len(files))
    return dict(zip(alterations.NAMES, np.stack(found, axis=1), strict=True))


def audit(
    base: BaseSet,
    judges: Judges,
    rows: np.ndarray,
    altered: Altered,
    elsewhere: BaseSet | None = None,
    sources: Sequence[LeftOut] = (),
    told: Sequence[Told] | None = None,
) -> Audit:
    """Audit a head: ``altered`` are features of the rows (M,) of the base set.

    Images of ``elsewhere`` take part in telling sources apart, unless it is ``told`` already how well that
    goes; ``sources`` have been found beforehand, since to leave one out is to train again.
    """
    before = judges.result(base, rows)
    everyone = np.flatnonzero(judges.of != NOBODY)
    if told is None:
        told = sources_told([base, elsewhere] if elsewhere else [base], judges.inputs)
    return Audit(
        len(rows),
        list(told),
        [
            _change(UNCHANGED, before, before, judges.refused(rows, base.features[rows])),
            *(
                _change(name, before, judges.result(base, rows, features), judges.refused(rows, features))
                for name, features in altered.items()
            ),
        ],
        _publications(judges.result(base, everyone)),
        list(sources),
    )


def sources_told(bases: Sequence[BaseSet], inputs: int) -> list[Told]:
    """How well the first ``inputs`` features, which a head reads, tell the sources of each label apart.

    By twos, where there are enough patients.
    """
    features, labels, sources, patients = (
        np.concatenate([getattr(base, column) for base in bases])
        for column in ("features", "labels", "sources", "patients")
    )
    found = []
    for label in np.unique(labels):
        names = [
            name
            for name in np.unique(sources[labels == label])
            if len(set(patients[(labels == label) & (sources == name)])) >= ENOUGH
        ]
        for pair in combinations(names, 2):
            of_pair = (labels == label) & np.isin(sources, pair)
            auc = told_apart(features[of_pair, :inputs], sources[of_pair] == pair[0], patients[of_pair])
            found.append(Told(str(label), (str(pair[0]), str(pair[1])), int(of_pair.sum()), auc))
    return found


def _change(name: str, before: Result, after: Result, refused: Estimate | None) -> Change:
    decided = ~before.left_open & ~after.left_open
    turned = decided & (before.called != after.called)
    other = turned | (before.left_open != after.left_open)
    count = len(turned)
    return Change(
        name,
        after.evaluation.auc,
        wilson(int(other.sum()), count),
        wilson(int(turned.sum()), count),
        refused,
    )


def _publications(result: Result) -> list[LeftOut]:
    """Sensitivity by publication, as the folds leave them out whole; small ones together."""
    names, counts = np.unique(result.patients[result.covid], return_counts=True)
    large = names[np.argsort(-counts, kind="stable")][: int((counts >= LARGE).sum())]
    rest = result.covid & ~np.isin(result.patients, large)
    found = [
        LeftOut(
            f"publication {number} of {len(large)}", result.among(result.covid & (result.patients == name))
        )
        for number, name in enumerate(large, 1)
    ]
    others = len(names) - len(large)
    return [*found, LeftOut(f"the {others} with fewer than {LARGE} images", result.among(rest))]
