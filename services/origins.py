"""Where images that teach or judge a model come from: their source, their label, what the label rests on."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ml.base_set import POSITIVE, BaseSet, stack

PLATFORM = "this platform"
"""The source of images that were uploaded: which hospital they are of, nobody has said."""
NO_COVID = "no_covid"
"""The label of people's negatives, who say no more than that."""
UNSTATED = "UNSTATED"


@dataclass(frozen=True, eq=False)
class Origins:
    """Of N images their sources, labels, evidence and patients, (N,) str each.

    The base set's labels are those of the collections that it is made of, which state no evidence by image.
    """

    sources: np.ndarray
    labels: np.ndarray
    evidence: np.ndarray
    patients: np.ndarray

    def __len__(self) -> int:
        return len(self.sources)

    @property
    def counts(self) -> dict[str, int]:
        """Images, patients and images with COVID."""
        return {
            "images": len(self),
            "patients": len(set(self.patients.tolist())),
            "covid": int((self.labels == POSITIVE).sum()),
        }

    @property
    def kinds(self) -> Counter[tuple[str, str, str]]:
        """How many there are of each source, label and evidence."""
        return Counter(zip(self.sources.tolist(), self.labels.tolist(), self.evidence.tolist(), strict=True))


def of_base(base: BaseSet, rows: np.ndarray) -> Origins:
    """Of some images (N,) bool of a base set."""
    unstated = stack([UNSTATED] * int(rows.sum()))
    return Origins(base.sources[rows], base.labels[rows], unstated, base.patients[rows])


def of_platform(given: Mapping[str, np.ndarray], rows: np.ndarray) -> Origins:
    """Of some images (N,) bool that `services.training_set` laid out."""
    labels = np.where(given["covid"][rows], POSITIVE, NO_COVID)
    return Origins(stack([PLATFORM] * len(labels)), labels, given["evidence"][rows], given["group"][rows])


def join(first: Origins, second: Origins) -> Origins:
    """The images of both."""
    columns = ("sources", "labels", "evidence", "patients")
    return Origins(*(np.concatenate([getattr(part, name) for part in (first, second)]) for name in columns))


def described(taught: Origins, judged: Origins) -> dict[str, Any]:
    """What taught a model and what judged it, counted, as plain numbers for its record."""
    of_taught, of_judged = taught.kinds, judged.kinds
    return {
        "taught": taught.counts,
        "judged": judged.counts,
        "kinds": [
            {
                "source": source,
                "label": label,
                "evidence": evidence,
                "taught": of_taught[source, label, evidence],
                "judged": of_judged[source, label, evidence],
            }
            for source, label, evidence in sorted({*of_taught, *of_judged})
        ],
    }
