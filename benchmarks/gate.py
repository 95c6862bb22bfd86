"""How finely the gate tells clean labels from dirty ones: `.venv/bin/python -m benchmarks.gate`, two minutes.

Candidates learn from parts of the default model's base set with some labels made wrong; each is judged
against the default model on its holdout.
"""

import json
import sys
from collections.abc import Iterator

import numpy as np

from ml import default_model, gate
from ml.gate import Judged
from ml.making import Images, images_of, probabilities, teach

SEEDS = (0, 1, 2)


def candidates(lessons: Images) -> Iterator[tuple[str, Images]]:
    """Names, and what to learn from."""
    count = len(lessons.covid)
    for seed in SEEDS:
        drawn = np.random.default_rng(seed).random(count)
        yield "nine tenths of the images", lessons[drawn < 0.9]
        for share in (0.02, 0.05, 0.1, 0.25):
            yield f"{share:.0%} of the labels flipped", _relabelled(lessons, lessons.covid ^ (drawn < share))
        yield "30% of the COVID images as negatives", _relabelled(lessons, lessons.covid & (drawn >= 0.3))


def _relabelled(lessons: Images, covid: np.ndarray) -> Images:
    return Images(lessons.features, covid, lessons.groups)


def main() -> None:
    shipped = default_model.load()
    base, incumbent = images_of(shipped.base_set), shipped.model
    lessons, exam = base[~shipped.base_set.holdout], base[shipped.base_set.holdout]
    old = Judged(probabilities(incumbent.head, exam.features), incumbent.threshold)
    passed: dict[str, list[bool]] = {}
    every = list(candidates(lessons))
    for number, (name, learned) in enumerate(every, 1):
        print(f"{number} of {len(every)}: {name} …", file=sys.stderr)
        model = teach(learned, incumbent.backbone, default_model.CONFIG)
        new = Judged(probabilities(model.head, exam.features), model.threshold)
        verdict = gate.judge(exam.covid, old, new, exam.groups.tolist())
        passed.setdefault(name, []).append(verdict.promote)
        print(f"{name:38} {verdict.sentence}")
    print(json.dumps({name: f"{sum(found)} of {len(found)}" for name, found in passed.items()}))


if __name__ == "__main__":
    main()
