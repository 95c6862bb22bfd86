"""Whether heat tells what the model looks at: `.venv/bin/python -m benchmarks.heat FOLDER…`, five minutes.

Windows of standardised chests are blurred away one by one. What the log-odds of COVID lose by it is compared,
by rank correlation over the windows, with the heat there: as Grad-CAM averages gradients, with the gradients
in their places, and evened out over neighbours as `ml.explain` does.
"""

import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import jax
import jax.numpy as jnp
import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.stats import spearmanr

from ml import chest, default_model, explain, heads, image, recipes, weights
from ml.weights import Weights

IMAGES = 16
WINDOW, STEP = 32, 16  # pixels of the chest; a place of the maps is eight
PLACE = 8
READ = recipes.CHEST.read


def chosen(folders: list[Path]) -> list[Path]:
    """As many images with COVID as without."""
    listed = [(folder / row["file"], row["label"]) for folder in folders for row in _rows(folder)]
    generator = np.random.default_rng(0)
    kinds = ([file for file, label in listed if (label == "covid") is covid] for covid in (True, False))
    return [files[number] for files in kinds for number in generator.choice(len(files), IMAGES // 2, False)]


def _rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "manifest.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def heats(params: heads.Params, maps: jax.Array) -> dict[str, np.ndarray]:
    """The ways to draw heat (20, 20) from maps (1, 20, 20, 512)."""
    gradients = jax.grad(lambda seen: heads.log_odds(params, READ(seen)).sum())(maps)
    averaged = (maps * gradients.mean(axis=(1, 2), keepdims=True)).sum(axis=-1)
    return {
        "Grad-CAM": np.maximum(np.asarray(averaged)[0], 0),
        "gradients in their places": np.maximum(np.asarray(explain.gains(params, maps, READ))[0], 0),
        "evened out": explain.heat(params, maps, READ)[0],
    }


def windows() -> Iterator[tuple[slice, slice]]:
    """Rows and columns in pixels."""
    starts = range(0, chest.SIDE - WINDOW + 1, STEP)
    yield from ((slice(y, y + WINDOW), slice(x, x + WINDOW)) for y in starts for x in starts)


def losses(loaded: Weights, params: heads.Params, shown: np.ndarray) -> np.ndarray:
    """What the log-odds lose where each window is blurred away."""
    blurred, hiding = gaussian_filter(shown, WINDOW / 2), []
    for rows, columns in windows():
        hidden = np.zeros_like(shown)
        hidden[rows, columns] = 1
        hidden = gaussian_filter(hidden, 4)
        hiding.append(shown * (1 - hidden) + blurred * hidden)
    whole = _log_odds(loaded, params, shown[None])
    parts = np.array_split(np.stack(hiding), 3)  # of one size, so that one program does
    return whole - np.concatenate([_log_odds(loaded, params, part) for part in parts])


def _log_odds(loaded: Weights, params: heads.Params, shown: np.ndarray) -> np.ndarray:
    return np.asarray(heads.log_odds(params, recipes.CHEST.extract(loaded.variables, jnp.asarray(shown))))


def _in_windows(heat: np.ndarray) -> list[float]:
    cells = ([slice(one.start // PLACE, one.stop // PLACE) for one in window] for window in windows())
    return [float(heat[rows, columns].sum()) for rows, columns in cells]


def main() -> None:
    params = default_model.load_model().head.params
    found: dict[str, list[float]] = {}
    with TemporaryDirectory() as cache:
        loaded = weights.load(Path(cache))
    for file in chosen([Path(folder) for folder in sys.argv[1:]]):
        shown = chest.standardise(image.decode(file.read_bytes())).pixels
        lost = losses(loaded, params, shown)
        for name, heat in heats(
            params, recipes.CHEST.maps(loaded.variables, jnp.asarray(shown[None]))
        ).items():
            found.setdefault(name, []).append(float(spearmanr(_in_windows(heat), lost).statistic))
    print(f"Rank correlation of heat with what hiding a place does, {IMAGES} images, head D\n")
    for name, values in found.items():
        print(f"{name:28} mean {np.mean(values):5.2f}, {min(values):5.2f} to {max(values):5.2f}")
    print(json.dumps({name: round(float(np.mean(values)), 3) for name, values in found.items()}))


if __name__ == "__main__":
    main()
