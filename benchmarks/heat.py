"""Whether heat tells what the model looks at: `.venv/bin/python -m benchmarks.heat FOLDER…`, five minutes.

Windows of standardised chests are blurred away one by one. What the log-odds of COVID lose by it is compared,
by rank correlation over the windows, with the heat there: as Grad-CAM averages gradients, with the gradients
in their places, evened out over neighbours, and less that of the usual chest, as `ml.explain` does. *Own* is
what this film loses more than the others do on average; *alike*, how the mean heat of films with COVID
correlates with that of films without. *Lungs* are the shares in the lung fields, with COVID and without.
"""

import csv
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import jax
import jax.numpy as jnp
import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.stats import spearmanr

from ml import chest, default_model, explain, heads, image, lungs, recipes, usual, weights
from ml.weights import Weights

OF_A_KIND = 8
WINDOW, STEP = 32, 16  # pixels of the chest; a place of the maps is eight
PLACE = 8
READ = recipes.CHEST.read
WHOLE = recipes.WHOLE_PICTURE


@dataclass(frozen=True)
class Film:
    """A film's kind, what it loses window by window, and its heat by the way in which it is drawn."""

    folder: str
    covid: bool
    lost: np.ndarray
    heats: dict[str, np.ndarray]


def chosen(folders: list[Path]) -> list[tuple[str, bool, Path]]:
    """As many films with COVID as without of each folder."""
    kinds: dict[tuple[str, bool], list[Path]] = {}
    for folder in folders:
        for row in _rows(folder):
            kinds.setdefault((folder.name, row["label"] == "covid"), []).append(folder / row["file"])
    generator = np.random.default_rng(1)
    return [
        (*kind, files[number])
        for kind, files in kinds.items()
        for number in generator.choice(len(files), OF_A_KIND, False)
    ]


def _rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "manifest.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def heats(params: heads.Params, maps: jax.Array, usual_maps: np.ndarray) -> dict[str, np.ndarray]:
    """The ways to draw heat (20, 20) from maps (1, 20, 20, 512)."""
    gradients = jax.grad(lambda seen: heads.log_odds(params, READ(seen)).sum())(maps)
    averaged = (maps * gradients.mean(axis=(1, 2), keepdims=True)).sum(axis=-1)
    return {
        "Grad-CAM": np.maximum(np.asarray(averaged)[0], 0),
        "gradients in their places": np.maximum(np.asarray(explain.gains(params, maps, READ))[0], 0),
        "evened out": explain.heat(params, maps, READ)[0],
        "less the usual chest's": explain.heat(params, maps, READ, usual_maps)[0],
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


def figures(films: list[Film], way: str) -> dict[str, float]:
    """What there is to say of a way to draw heat; even heat has the share of `EVEN` in the lung fields."""
    told = [_rank(film.heats[way], film.lost) for film in films]
    own = [_rank(film.heats[way], film.lost - _others(films, film)) for film in films]
    kinds = {(film.folder, film.covid): f"{film.folder} {_word(film)}" for film in films}
    found = {"all": float(np.mean(told)), "own": float(np.mean(own))}
    for (folder, covid), name in kinds.items():
        of_kind = [film.folder == folder and film.covid == covid for film in films]
        found[name] = float(np.mean(np.array(told)[of_kind]))
    means = [np.mean([_share(film, way) for film in films if film.covid == covid], axis=0) for covid in KINDS]
    found["alike"] = float(np.corrcoef(means[0].ravel(), means[1].ravel())[0, 1])
    for covid in KINDS:
        inside = [_inside(film.heats[way]) for film in films if film.covid == covid]
        found[f"lungs {'with' if covid else 'without'}"] = float(np.nanmean(inside))
    return found


KINDS = (True, False)
EVEN = lungs.share_within(np.ones((20, 20), np.float32), WHOLE, WHOLE)


def _word(film: Film) -> str:
    return "with" if film.covid else "without"


def _others(films: list[Film], film: Film) -> np.ndarray:
    mean: np.ndarray = np.mean([other.lost for other in films if other is not film], axis=0)
    return mean


def _share(film: Film, way: str) -> np.ndarray:
    heat = film.heats[way]
    return heat / max(float(heat.sum()), 1e-9)


def _inside(heat: np.ndarray) -> float:
    return lungs.share_within(heat, WHOLE, WHOLE)


def _rank(heat: np.ndarray, lost: np.ndarray) -> float:
    return float(spearmanr(_in_windows(heat), lost).statistic)


def main() -> None:
    params = default_model.load_model().head.params
    with TemporaryDirectory() as cache:
        loaded = weights.load(Path(cache))
    usual_maps = usual.maps_of(recipes.CHEST.backbone(loaded.sha256))
    assert usual_maps is not None, "ml/usual_chest.npz is of these weights"
    films = []
    for folder, covid, file in chosen([Path(folder) for folder in sys.argv[1:]]):
        shown = chest.standardise(image.decode(file.read_bytes())).pixels
        maps = recipes.CHEST.maps(loaded.variables, jnp.asarray(shown[None]))
        drawn = heats(params, maps, usual_maps)
        films.append(Film(folder, covid, losses(loaded, params, shown), drawn))
    found = {way: figures(films, way) for way in films[0].heats}
    print(f"Rank correlation of heat with what hiding a place does, {len(films)} films; and where it lies\n")
    names = list(next(iter(found.values())))
    print(" " * 26, *(f"{name:>12}" for name in names))
    for way, row in found.items():
        print(f"{way:26}", *(f"{row[name]:12.2f}" for name in names))
    print(f"\nOf even heat {EVEN:.2f} lies in the lung fields.")
    print(json.dumps(found | {"even": EVEN}))


if __name__ == "__main__":
    main()
