"""What the gate sees where a hospital joins whose labels are all wrong: some minutes of
`.venv/bin/python -m benchmarks.gate_site`.

A model that one site's images of the base set taught is in service. The other site's images come in, some or
all of them, with true labels or with every label flipped, and so do those of its patients who judge. The gate
is asked with all who judge, without and with its second look at those at home, whose labels nobody touched.
"""

import json
import sys
from collections.abc import Callable, Mapping
from itertools import product
from typing import Any

import numpy as np

from ml import default_model, gate
from ml.evaluation import evaluate
from ml.gate import Judged
from ml.making import Images, images_of, probabilities, teach
from ml.model_file import Model
from ml.verdict import Verdict

SITE = "COVID-19 Radiography Database"
SHARES = (0.25, 0.5, 1.0)
SEEDS = (0, 1, 2)


def flipped(images: Images) -> Images:
    """The same with every label the other way round."""
    return Images(images.features, ~images.covid, images.groups)


TELLINGS: Mapping[str, Callable[[Images], Images]] = {"true": lambda images: images, "flipped": flipped}
"""How the new site labels."""


def together(one: Images, other: Images) -> Images:
    """Both, one behind the other."""
    columns = ("features", "covid", "groups")
    return Images(*(np.concatenate([getattr(part, name) for part in (one, other)]) for name in columns))


def asked(home: Images, others: Images, incumbent: Model, candidate: Model) -> Verdict:
    """What the gate says where patients at home and others judge."""
    exam = together(home, others)
    old, new = (
        Judged(probabilities(model.head, exam.features), model.threshold) for model in (incumbent, candidate)
    )
    at_home = np.arange(len(exam.covid)) < len(home.covid)
    return gate.judge(exam.covid, old, new, exam.groups.tolist(), home=at_home)


def auc(exam: Images, model: Model) -> float:
    """The area under the curve of a model on an exam."""
    return evaluate(exam.covid, probabilities(model.head, exam.features)).auc.value


def main() -> None:
    base = default_model.load().base_set
    every, held, there = images_of(base), base.holdout, base.sources == SITE
    home, exam_home = every[~there & ~held], every[~there & held]
    site, exam_site = every[there & ~held], every[there & held]
    found: list[dict[str, Any]] = []
    print("  labels  share seed   without      gate         AUC home    AUC site, true labels")
    for seed in SEEDS:
        drawn = np.random.default_rng(seed)
        incumbent = teach(home[drawn.random(len(home.covid)) < 0.9], base.backbone, default_model.CONFIG)
        for share, told in product(SHARES, TELLINGS):
            print(f"seed {seed}, {share:.0%} of the images, labels {told} …", file=sys.stderr)
            part = TELLINGS[told](site[np.random.default_rng(seed).random(len(site.covid)) < share])
            candidate = teach(together(home, part), base.backbone, default_model.CONFIG)
            verdict = asked(exam_home, TELLINGS[told](exam_site), incumbent, candidate)
            without = all(one.passes for one in verdict.comparisons)
            outcome = "promoted" if verdict.promote else "awaits" if verdict.awaits else "rejected"
            aucs = [auc(one, model) for one in (exam_home, exam_site) for model in (incumbent, candidate)]
            print(
                f"{told:>8}{share:7.0%}{seed:5}{'passes' if without else 'rejected':>10}{outcome:>10}"
                f"{aucs[0]:9.3f} → {aucs[1]:.3f}{aucs[2]:17.3f} → {aucs[3]:.3f}",
                flush=True,
            )
            case = {"labels": told, "share": share, "seed": seed}
            found.append({**case, "without": without, "gate": outcome, "aucs": aucs})
    print(json.dumps({"candidates": found}))


if __name__ == "__main__":
    main()
