"""The shortcut audit of a model version: it judges the films of the audit set, which taught it nothing."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from ml.audit_set import AuditSet
from ml.base_set import BaseSet
from ml.model_file import Model
from services.audit import BORDER_LIMIT, Altered, Told, audit, sample
from services.judges import single

FILMS_OF_A_KIND = 25
"""Of each source and class; twelve changes of a hundred films take about 5 MB."""


def chosen(model: Model, base: BaseSet) -> np.ndarray:
    """Rows (M,) of the films of an audit set: some of each source and class in the holdout."""
    return sample(base, single(model, base), FILMS_OF_A_KIND)


def gathered(base: BaseSet, rows: np.ndarray, altered: Altered) -> AuditSet:
    """The audit set of some films (M,) of a base set, by change their features (M, F)."""
    return AuditSet(base.sha256[rows], altered, base.backbone)


def audited(
    model: Model, base: BaseSet, films: AuditSet, told: Sequence[Told] | None = None
) -> dict[str, Any]:
    """The audit of a model in plain numbers, for its record; or why there is none.

    ``told`` says how well the base set's features tell sources apart, where that is known: it is the same for
    all models that read them. Raises BaseSetError where the films are of another base set.
    """
    if films.backbone != model.backbone:
        return {
            "not_audited": f"The films of the audit set were kept as features of {films.backbone.name}, and "
            f"this model reads those of {model.backbone.name}."
        }
    rows = films.rows(base)
    found = audit(base, single(model, base), rows, films.altered, told=told)
    return asdict(found) | {
        "films": _kinds(base, rows),
        "follows_border": found.follows_border,
        "border_limit": BORDER_LIMIT,
    }


def told_of(plain: Sequence[dict[str, Any]]) -> list[Told]:
    """What `audited` made plain of how well sources are told apart."""
    return [Told.from_dict(one) for one in plain]


def _kinds(base: BaseSet, rows: np.ndarray) -> list[dict[str, Any]]:
    kinds = Counter(zip(base.sources[rows].tolist(), base.covid[rows].tolist(), strict=True))
    return [
        {"source": source, "covid": covid, "images": count}
        for (source, covid), count in sorted(kinds.items())
    ]
