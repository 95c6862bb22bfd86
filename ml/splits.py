"""Who is kept apart from whom: a holdout frozen by hash, and folds that never share a patient."""

import hashlib
from collections.abc import Sequence

import numpy as np

HOLDOUT_SHARE = 0.25


class SplitError(ValueError):
    """The groups cannot be split as asked."""


def pseudonym(patient: str) -> str:
    """16 hexadecimal digits that stand for a patient wherever the name itself has no business."""
    return hashlib.sha256(f"covid-xr patient {patient}".encode()).hexdigest()[:16]


def in_holdout(group: str) -> bool:
    """Whether a patient's images are kept to judge models and are never trained on.

    A hash decides, so the answer is the same on every machine, for ever, whoever else there is. It is yes for
    about a quarter of all groups.
    """
    digest = hashlib.sha256(f"covid-xr holdout {group}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < HOLDOUT_SHARE * 2**64


def holdout_mask(groups: Sequence[str]) -> np.ndarray:
    """in_holdout of each of N groups, (N,) bool."""
    return np.fromiter((in_holdout(group) for group in groups), bool, len(groups))


def grouped_folds(
    labels: Sequence[str], groups: Sequence[str], folds: int, seed: int = 0
) -> list[np.ndarray]:
    """Each fold's row numbers: no group in two, every label spread as evenly as groups allow.

    Greedy: groups go largest first, in random order where they are as large, each to the fold that it
    unbalances least. Raises SplitError where a label has fewer groups than there are folds.
    """
    names, membership = np.unique(np.asarray(groups), return_inverse=True)
    kinds, kind_of = np.unique(np.asarray(labels), return_inverse=True)
    counts = np.zeros((len(names), len(kinds)))
    np.add.at(counts, (membership, kind_of), 1)
    _check(kinds, counts, folds)
    shuffled = np.random.default_rng(seed).permutation(len(names))
    largest_first = shuffled[np.argsort(-counts[shuffled].sum(axis=1), kind="stable")]
    fold_of = _assign(counts, largest_first, folds)
    return [np.flatnonzero(fold_of[membership] == fold) for fold in range(folds)]


def _check(kinds: np.ndarray, counts: np.ndarray, folds: int) -> None:
    if folds < 2:
        raise SplitError(f"{folds} folds: there must be two or more")
    for kind, present in zip(kinds, (counts > 0).sum(axis=0), strict=True):
        if present < folds:
            raise SplitError(f"{kind}: {present} patients are too few for {folds} folds")


def _assign(counts: np.ndarray, order: np.ndarray, folds: int) -> np.ndarray:
    """Each group's fold (G,), from each group's number of images of each kind (G, K)."""
    shares = np.zeros((folds, counts.shape[1]))
    totals = counts.sum(axis=0)
    fold_of = np.zeros(len(counts), int)
    for group in order:
        added = shares[None] + np.eye(folds)[:, :, None] * counts[group] / totals
        unevenness = added.std(axis=1).sum(axis=1)
        smallest = added.sum(axis=2).diagonal()
        fold_of[group] = np.lexsort((smallest, unevenness.round(12)))[0]
        shares[fold_of[group]] += counts[group] / totals
    return fold_of
