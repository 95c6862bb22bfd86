"""A program of the tests: trains a head on all devices of one process or of several, and leaves it in a file.

python -m tests.ml.over_devices JOB.json [PROCESS]
"""

import json
import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np


def main(job: dict[str, Any], process: int) -> None:
    """Join the others, if any, and train."""
    jax.config.update("jax_num_cpu_devices", job["devices"])
    if job["processes"] > 1:
        jax.distributed.initialize(job["coordinator"], job["processes"], process)
    assert jax.device_count() == job["devices"] * job["processes"]
    from ml.making import Images, teach
    from ml.recipes import read_by
    from ml.training import TrainingConfig

    given = np.load(job["images"])
    images = Images(given["features"], given["covid"], given["groups"])
    losses: list[float] = []
    backbone, config = read_by(job["head"]).backbone("a" * 64), TrainingConfig(job["head"], job["epochs"])
    model = teach(images, backbone, config, lambda _, loss: losses.append(loss))
    if process == 0:
        layers = model.head.params.items()
        arrays = {f"{layer}.{part}": array for layer, parts in layers for part, array in parts.items()}
        np.savez(job["out"], losses=np.array(losses), **arrays)


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()), int((sys.argv[2:] or ["0"])[0]))
