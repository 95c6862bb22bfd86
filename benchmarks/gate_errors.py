"""How often the gate errs at its stated level: `.venv/bin/python -m benchmarks.gate_errors`, a minute or two.

Holdouts are made up by the hundred, of the real one's patients and images. Scores are normal in each class
(the binormal model, Hanley and McNeil 1982), so that the incumbent has the sensitivity, the specificity and
the AUC of the default model there, or the AUC nearest to it; images of one patient are as alike as there. A
candidate's scores go along with the incumbent's and are worse, or better, by what a line says.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from ml.gate import Judged, Margins, judge_resampled, resamples, sizes_of
from ml.verdict import Verdict

NORMAL = NormalDist()
HOLDOUTS = 400
ALONG = 0.9
"""Correlation of the two models' scores within a class."""
SHARES = (0.5, 0.25, 0.1)
"""Of the real holdout's patients, in the small ones."""


@dataclass(frozen=True)
class Scores:
    """Means of the classes, and the deviation of the positives; the negatives' is 1, the threshold is 0."""

    positive: float
    negative: float
    deviation: float

    @classmethod
    def of(cls, sensitivity: float, specificity: float, auc: float) -> "Scores":
        """The model that has these three figures; where none has, that with the largest AUC."""
        a, b, z = (NORMAL.inv_cdf(figure) for figure in (sensitivity, specificity, auc))
        # (a s + b) / sqrt(s² + 1) = z, a quadratic in the deviation s; largest at s = a / b.
        root = max(0.0, (a * b) ** 2 - (a * a - z * z) * (b * b - z * z))
        deviation = a / b if a * a + b * b <= z * z else (math.sqrt(root) - a * b) / (a * a - z * z)
        return cls(a * abs(deviation), -b, abs(deviation))

    @property
    def auc(self) -> float:
        """Of the positives above the negatives."""
        return NORMAL.cdf((self.positive - self.negative) / math.hypot(1, self.deviation))

    def less(self, sensitivity: float = 0.0, specificity: float = 0.0, auc: float = 0.0) -> "Scores":
        """The same less so much of a figure, where the others follow: both classes move for the AUC."""
        found = NORMAL.cdf(self.positive / self.deviation) - sensitivity
        passed = NORMAL.cdf(-self.negative) - specificity
        positive, negative = self.deviation * NORMAL.inv_cdf(found), -NORMAL.inv_cdf(passed)
        apart = NORMAL.inv_cdf(self.auc - auc) * math.hypot(1, self.deviation) if auc else positive - negative
        nearer = (positive - negative - apart) / 2
        return Scores(positive - nearer, negative + nearer, self.deviation)


@dataclass(frozen=True)
class Holdout:
    """Truth (N,) bool and patients (N,) as numbers, and how alike the scores of one patient's images are."""

    positive: np.ndarray
    patients: np.ndarray
    alike: float

    def part(self, share: float, generator: np.random.Generator) -> "Holdout":
        """The images of a share of the patients, of each class."""
        sick = np.unique(self.patients[self.positive])
        strata = sick, np.setdiff1d(self.patients, sick)
        kept = [generator.permutation(one)[: max(2, round(share * len(one)))] for one in strata]
        rows = np.isin(self.patients, np.concatenate(kept))
        return Holdout(self.positive[rows], self.patients[rows], self.alike)

    def drawn(self, incumbent: Scores, candidate: Scores, generator: np.random.Generator) -> list[Judged]:
        """Both models' probabilities on patients drawn anew."""
        shared, own = self._noise(generator), self._noise(generator)
        noises = shared, ALONG * shared + math.sqrt(1 - ALONG**2) * own
        pairs = zip((incumbent, candidate), noises, strict=True)
        return [Judged(_probabilities(self.positive, scores, noise)) for scores, noise in pairs]

    def _noise(self, generator: np.random.Generator) -> np.ndarray:
        numbers = np.unique(self.patients, return_inverse=True)[1]
        of_patients = generator.normal(size=numbers.max() + 1)[numbers]
        of_images = generator.normal(size=len(numbers))
        return np.asarray(math.sqrt(self.alike) * of_patients + math.sqrt(1 - self.alike) * of_images)


def _probabilities(positive: np.ndarray, scores: Scores, noise: np.ndarray) -> np.ndarray:
    logits = np.where(positive, scores.positive + scores.deviation * noise, scores.negative + noise)
    return np.asarray(1 / (1 + np.exp(-logits)))


def likeness(values: np.ndarray, groups: np.ndarray) -> float:
    """The intraclass correlation of values (N,) in groups (N,), by the analysis of variance; 0 to 1."""
    numbers = np.unique(groups, return_inverse=True)[1]
    counts = np.bincount(numbers)
    means = np.bincount(numbers, values) / counts
    within = ((values - means[numbers]) ** 2).sum() / max(1, len(values) - len(counts))
    between = (counts * (means - values.mean()) ** 2).sum() / max(1, len(counts) - 1)
    size = (len(values) - (counts**2).sum() / len(values)) / max(1, len(counts) - 1)
    return float(np.clip((between - within) / (between + (size - 1) * within), 0, 1))


def verdicts(
    holdout: Holdout, incumbent: Scores, candidate: Scores, count: int, seed: int
) -> Iterator[Verdict]:
    """What the gate says of a candidate on so many holdouts, by the same resamples of patients."""
    generator, margins = np.random.default_rng(seed), Margins()
    weights = resamples(holdout.positive, holdout.patients.tolist(), seed)
    sizes = sizes_of(holdout.positive, holdout.patients.tolist(), margins)
    for _ in range(count):
        judged = holdout.drawn(incumbent, candidate, generator)
        yield judge_resampled(holdout.positive, *judged, weights, sizes, margins)


def rates(found: list[Verdict]) -> dict[str, float]:
    """Shares of verdicts: figures that pass, all that pass, and what is promoted or awaits a word."""
    shares = {
        one.name: float(np.mean([verdict.comparisons[place].passes for verdict in found]))
        for place, one in enumerate(found[0].comparisons)
    }
    for name in ("passes", "promote", "awaits"):
        shares[name] = float(np.mean([getattr(verdict, name) for verdict in found]))
    return shares


def real() -> tuple[Holdout, Scores]:
    """The default model's holdout, and the binormal model of what it reaches there."""
    from ml import default_model
    from ml.evaluation import evaluate
    from ml.making import images_of, probabilities

    shipped = default_model.load()
    exam = images_of(shipped.base_set)[shipped.base_set.holdout]
    said = probabilities(shipped.model.head, exam.features).astype(float)
    figures = evaluate(exam.covid, said, shipped.model.threshold)
    logits = np.log(said.clip(1e-6, 1 - 1e-6) / (1 - said.clip(1e-6, 1 - 1e-6)))
    patients = np.unique(exam.groups, return_inverse=True)[1]
    alike = [likeness(logits[rows], patients[rows]) for rows in (exam.covid, ~exam.covid)]
    scores = Scores.of(figures.sensitivity.value, figures.specificity.value, figures.auc.value)
    return Holdout(exam.covid, patients, float(np.mean(alike))), scores


def cases(incumbent: Scores) -> Iterator[tuple[str, Scores]]:
    """Candidates, by what is to be said of them."""
    margins = Margins()
    yield "as good", incumbent
    yield "better, AUC + 0.01", incumbent.less(auc=-0.01)
    yield "sensitivity worse by its margin", incumbent.less(sensitivity=margins.sensitivity)
    yield "specificity worse by its margin", incumbent.less(specificity=margins.specificity)
    yield "AUC worse by its margin", incumbent.less(auc=margins.auc)
    yield "AUC worse by twice its margin", incumbent.less(auc=2 * margins.auc)


def main() -> None:
    holdout, incumbent = real()
    generator = np.random.default_rng(0)
    holdouts = {"the real one": holdout} | {
        f"{share:.0%} of it": holdout.part(share, generator) for share in SHARES
    }
    found: dict[str, dict[str, dict[str, float]]] = {}
    print(f"likeness of a patient's images {holdout.alike:.2f}, AUC of the incumbent {incumbent.auc:.3f}")
    print(
        f"{'holdout':14}{'candidate':34}{'sens.':>8}{'spec.':>8}{'AUC':>8}{'pass':>8}{'promoted':>10}{'awaits':>8}"
    )
    for where, one in holdouts.items():
        for name, candidate in cases(incumbent):
            shares = rates(list(verdicts(one, incumbent, candidate, HOLDOUTS, seed=1)))
            found.setdefault(where, {})[name] = shares
            print(f"{where:14}{name:34}" + "".join(f"{share:8.1%}" for share in shares.values()))
    print(json.dumps({"holdouts": HOLDOUTS, "shares": found}))


if __name__ == "__main__":
    main()
