"""What is shipped beside the default model: the films that models are audited by, and its record."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ml import audit_set
from ml import image as ml_image
from ml.audit_set import AuditSet
from ml.default_model import CONFIG, DefaultModel
from ml.fingerprint import fingerprint
from services import audit, elsewhere, model_record, origins, version_audit
from services.inference import Extractor
from services.studies import Follow, Plan


def films(
    default: DefaultModel, files: Sequence[Path], extractor: Extractor, progress: Callable[[int, int], None]
) -> AuditSet:
    """The audit set as it will be read again; ``files`` are those of the base set (N,). Raises ImageError."""
    rows = version_audit.chosen(default.model, default.base_set)
    altered = audit.alter([files[row] for row in rows], extractor, progress)
    return audit_set.load(audit_set.save(version_audit.gathered(default.base_set, rows, altered)))


def fingerprints(files: Sequence[Path], progress: Callable[[int, int], None]) -> dict[str, str]:
    """The fingerprints of images by the SHA-256 of their files. Raises ImageError."""
    found = {}
    for number, file in enumerate(files, 1):
        data = file.read_bytes()
        found[hashlib.sha256(data).hexdigest()] = fingerprint(ml_image.decode(data).pixels)
        progress(number, len(files))
    return found


def record(default: DefaultModel, sites: np.ndarray, seen: AuditSet, follow: Follow) -> dict[str, Any]:
    """The default model's record; ``sites`` (N,) int says of which folder each image of the base set is."""
    base = default.base_set
    plan = Plan((CONFIG.head,), seed=CONFIG.seed, epochs=CONFIG.epochs)
    made = model_record.recorded(
        default.model,
        CONFIG,
        origins.of_base(base, ~base.holdout),
        origins.of_base(base, base.holdout),
        base.features[base.holdout],
        version_audit.audited(default.model, base, seen),
    )
    found = elsewhere.leave_sites_out(CONFIG.head, base, sites, plan, follow)
    return made | {"elsewhere": model_record.plain(found)}
