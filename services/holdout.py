"""Which images judge models and therefore never teach them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ml.splits import in_holdout


@dataclass(frozen=True)
class Holdout:
    """Frozen by patient, or by image where no patient is known; the base set's images stay where they are."""

    base: Mapping[str, bool]
    """By SHA-256, whether an image of the base set is held out."""

    def keeps(self, sha256: str, patient_ref: str | None) -> bool:
        """Whether an image is kept for judging models."""
        return self.base[sha256] if sha256 in self.base else in_holdout(patient_ref or sha256)
