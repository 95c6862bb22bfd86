"""What a head reaches at a site that did not teach it: figures at home do not carry over."""

from dataclasses import dataclass

import numpy as np

from ml.base_set import BaseSet
from ml.heads import HeadName
from services.studies import Follow, Plan, taught
from services.study_results import OfSome


@dataclass(frozen=True)
class Elsewhere:
    """A head that other sites taught, shown all images of one; ``shared`` of them show patients of both."""

    taught_by: list[str]
    shown: list[str]
    taught: int
    shared: int
    figures: OfSome


def leave_sites_out(
    name: HeadName, base: BaseSet, sites: np.ndarray, plan: Plan, follow: Follow
) -> list[Elsewhere]:
    """Each of the ``sites`` (N,) int judged by a head that all others taught, where these have both classes.

    It is what `covidxr evaluate --shifted` does. Sites are named by the sources of their images.
    """
    found = []
    for site in np.unique(sites):
        there, others = sites == site, np.flatnonzero(sites != site)
        if not 0 < base.covid[others].sum() < len(others):
            continue
        heard = follow(f"head {name} without {', '.join(_sources(base, there))}")
        result = taught(name, base, others, base, plan, heard).result(base, np.flatnonzero(there))
        found.append(
            Elsewhere(
                _sources(base, ~there),
                _sources(base, there),
                len(others),
                int(np.isin(base.patients[there], base.patients[others]).sum()),
                result.among(np.ones(len(result.covid), bool)),
            )
        )
    return found


def _sources(base: BaseSet, rows: np.ndarray) -> list[str]:
    names: list[str] = np.unique(base.sources[rows]).tolist()
    return names
