"""Makes a retraining of made-up images: a folder as the platform lays it out, and its default model's."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Final

import jax
import numpy as np

from ml import base_set, default_model, model_file
from ml.base_set import BaseSet, stack
from ml.gate import Margins
from ml.heads import HeadName, initialise, pack
from ml.model_file import Model
from ml.recipes import WHOLE
from ml.splits import holdout_mask
from services import training_set

BASE_IMAGES: Final = 100
"""Of the base set for the paper's heads, which is made up too."""
AT_ONCE: Final = 500
ZEROS_BELOW: Final = 0.915
"""Deviations of a normal number, below which 82 in 100 lie: as many of the paper's features are zeros."""


def whole_features(covid: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """The paper's features (N, 25088) float16: rectified, so that as many are zeros as in real ones."""
    features = generator.standard_normal((len(covid), WHOLE.features), np.float32) - np.float32(ZEROS_BELOW)
    features[:, :500] += covid[:, None]
    return np.maximum(features, 0).astype(np.float16)


def chest_features(covid: np.ndarray, known: BaseSet, generator: np.random.Generator) -> np.ndarray:
    """Head D's features (N, 7681) float16: those of films of the same truth, each number off by a third."""
    rows = np.empty(len(covid), int)
    for kind in (True, False):
        rows[covid == kind] = generator.choice(
            np.flatnonzero(known.covid == kind), int((covid == kind).sum())
        )
    found = known.features[rows].astype(np.float32)
    found[:, :-1] *= generator.uniform(0.67, 1.33, found[:, :-1].shape).astype(np.float32)
    found[:, :-1] /= np.linalg.norm(found[:, :-1], axis=1, keepdims=True)
    return found.astype(np.float16)


def lay_out(folder: Path, head: HeadName, count: int, epochs: int, seed: int = 0) -> tuple[Path, Path]:
    """A default model's folder, and a run's with so many labelled images, three of ten with COVID."""
    beginning, run = folder / "beginning", folder / "run"
    run.mkdir(parents=True)
    shutil.copytree(default_model.FOLDER, beginning, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    generator = np.random.default_rng(seed)
    known = default_model.load().base_set
    if head != "D":
        known = _begin_with(beginning, head, generator)
    covid = generator.random(count) < 0.3
    with (run / training_set.FEATURES_FILE).open("wb") as rows:
        for part in np.array_split(covid, -(-count // AT_ONCE)):
            made = chest_features(part, known, generator) if head == "D" else whole_features(part, generator)
            rows.write(made.astype("<f2").tobytes())
    groups = np.array([f"patient {number // 2}" for number in range(count)])
    np.savez(
        run / training_set.IMAGES_FILE,
        covid=covid,
        group=groups,
        holdout=holdout_mask(groups.tolist()),
        sha256=np.array([f"{number:064x}" for number in range(count)]),
        evidence=np.array(["RT_PCR"] * count),
    )
    shutil.copy(beginning / default_model.MODEL_FILE, run / training_set.INCUMBENT_FILE)
    task = {"head": head, "epochs": epochs, "seed": seed, "margins": asdict(Margins())}
    (run / training_set.TASK_FILE).write_text(json.dumps(task))
    return beginning, run


def _begin_with(beginning: Path, head: HeadName, generator: np.random.Generator) -> BaseSet:
    """A default model of the paper's, untrained, and its base set."""
    covid = np.arange(BASE_IMAGES) % 2 == 0
    backbone = WHOLE.backbone("a" * 64)
    base = BaseSet(
        whole_features(covid, generator),
        labels=stack(["covid" if one else "no_finding" for one in covid]),
        patients=stack([f"base {number}" for number in range(BASE_IMAGES)]),
        sources=stack(["made up"] * BASE_IMAGES),
        sha256=stack([f"base {number}" for number in range(BASE_IMAGES)]),
        backbone=backbone,
    )
    model = Model(pack(head, initialise(jax.random.key(0))), backbone, 0.5, 0, 1, 1)
    (beginning / default_model.BASE_SET_FILE).write_bytes(base_set.save(base))
    (beginning / default_model.MODEL_FILE).write_bytes(model_file.save(model))
    return base
