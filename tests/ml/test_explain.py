"""Explanations: heat is what the head's gradients say, lies where it should, and is drawn there."""

import io
from collections.abc import Callable

import jax
import jax.numpy as jnp
import matplotlib
import numpy as np
import pytest
from PIL import Image

from ml import explain, heads, recipes, vgg16
from ml.chest import Box
from ml.image import Decoded
from ml.recipes import Recipe
from ml.weights import Weights

RECIPES = pytest.mark.parametrize("recipe", [recipes.WHOLE, recipes.CHEST], ids=["whole", "chest"])
WHOLE = recipes.WHOLE_PICTURE


def pictures(recipe: Recipe, count: int = 2) -> jax.Array:
    return jnp.asarray(np.random.default_rng(0).random((count, recipe.side, recipe.side), np.float32))


def head(recipe: Recipe, seed: int = 0) -> heads.Params:
    """An untrained head of those that read a recipe's features."""
    if recipe is recipes.WHOLE:
        return heads.initialise(jax.random.key(seed))
    kernel = np.random.default_rng(seed).normal(size=(vgg16.CHEST_FEATURES, 1)).astype(np.float32)
    return {"linear": {"kernel": kernel, "bias": np.zeros(1, np.float32)}}


def maps_of(recipe: Recipe, seed: int = 0) -> jax.Array:
    """Maps as a rectifier leaves them, half of them 0."""
    side = 14 if recipe is recipes.WHOLE else 20
    normal = np.random.default_rng(seed).normal(size=(1, side, side, 512))
    return jnp.asarray(np.maximum(normal, 0), jnp.float32)


def picture(width: int, height: int, brightness: float = 0.5) -> Decoded:
    pixels = np.full((min(height, 1024), min(width, 1024)), brightness, np.float32)
    return Decoded(pixels, "PNG", "image/png", width, height)


def drawn(decoded: Decoded, heat: np.ndarray, seen: Box = WHOLE) -> np.ndarray:
    with Image.open(io.BytesIO(explain.overlay(decoded, heat, seen))) as image:
        assert (image.format, image.mode, image.info) == ("PNG", "RGB", {})
        return np.asarray(image).astype(int)


@RECIPES
def test_reading_the_last_maps_makes_the_features(weights: Weights, recipe: Recipe) -> None:
    seen = pictures(recipe)
    maps = recipe.maps(weights.variables, seen)
    features = recipe.extract(weights.variables, seen)
    np.testing.assert_allclose(recipe.read(maps), features, rtol=1e-3, atol=1e-4)


@RECIPES
def test_gains_are_what_the_log_odds_gain_per_gain_of_a_place(recipe: Recipe) -> None:
    params, maps, step = head(recipe), maps_of(recipe), 1e-2
    gains = np.asarray(explain.gains(params, maps, recipe.read))[0]

    def log_odds(y: int, x: int, gain: float) -> float:
        return float(heads.log_odds(params, recipe.read(maps.at[:, y, x].multiply(1 + gain)))[0])

    places = np.random.default_rng(1).integers(len(gains), size=(12, 2)).tolist()
    found = [gains[y, x] for y, x in places]
    wanted = [(log_odds(y, x, step) - log_odds(y, x, -step)) / (2 * step) for y, x in places]
    assert min(wanted) < 0 < max(wanted)
    np.testing.assert_allclose(found, wanted, rtol=0.1, atol=0.01 * gains.max())


def test_a_linear_reading_gives_each_place_its_own_share() -> None:
    """Where the features are the maps and the head adds them up, a gain is what the place adds."""
    maps = maps_of(recipes.CHEST)[:, :10, :10]
    weights = np.random.default_rng(2).normal(size=(100 * 512,)).astype(np.float32)
    params = {"linear": {"kernel": weights[:, None], "bias": np.zeros(1, np.float32)}}
    shares = (np.asarray(maps).reshape(100, 512) * weights.reshape(100, 512)).sum(axis=1).reshape(10, 10)
    np.testing.assert_allclose(explain.gains(params, maps, _flat)[0], shares, rtol=1e-3, atol=1e-2)


def _flat(maps: jax.Array) -> jax.Array:
    return maps.reshape(len(maps), -1)


def test_heat_is_the_gains_of_neighbours_without_their_losses(monkeypatch: pytest.MonkeyPatch) -> None:
    gains = np.zeros((1, 20, 20), np.float32)
    gains[0, 4, 4], gains[0, 4, 5], gains[0, 15, 15] = 1, -1, 2
    monkeypatch.setattr(explain, "gains", lambda *_: gains)
    (heat,) = explain.heat({}, jnp.zeros(0), _flat)
    assert heat.min() == 0
    assert np.unravel_index(heat.argmax(), heat.shape) == (15, 15)
    assert heat[13:18, 13:18].sum() == pytest.approx(2, rel=0.05)
    assert heat[:10].sum() < 0.5  # what stands side by side and says the opposite is silent


def test_in_the_usual_chest_there_is_no_heat_and_elsewhere_where_it_differs() -> None:
    usual_maps = np.asarray(maps_of(recipes.CHEST))[0]
    params, read = head(recipes.CHEST), recipes.CHEST.read
    assert not explain.heat(params, jnp.asarray(usual_maps[None]), read, usual_maps).any()
    other = usual_maps.copy()
    liked = params["linear"]["kernel"].reshape(5, 3, 512)[1, 0] > 0
    other[4:8, 0:4, liked] *= 2
    (heat,) = explain.heat(params, jnp.asarray(other[None]), read, usual_maps)
    assert heat[4:8, 0:4].sum() > 0.5 * heat.sum()


@RECIPES
def test_a_head_of_zeros_sees_nothing(recipe: Recipe) -> None:
    zeros = jax.tree.map(jnp.zeros_like, head(recipe))
    assert not explain.heat(zeros, maps_of(recipe), recipe.read).any()


def test_places_where_nothing_is_seen_do_no_harm() -> None:
    """Square roots are infinitely steep at 0."""
    for maps in (jnp.zeros((1, 20, 20, 512)), maps_of(recipes.CHEST).at[:, :12].set(0)):
        heat = explain.heat(head(recipes.CHEST), maps, recipes.CHEST.read)
        assert np.isfinite(heat).all()
        assert not explain.gains(head(recipes.CHEST), maps, recipes.CHEST.read)[:, :12].any()


def test_what_speaks_for_and_against_weighs_the_same_in_a_chest() -> None:
    gains = np.asarray(explain.gains(head(recipes.CHEST), maps_of(recipes.CHEST), recipes.CHEST.read))
    assert gains.max() > 0
    assert abs(gains.sum()) < 1e-3 * np.abs(gains).sum()


@RECIPES
def test_heat_follows_what_the_head_looks_for(weights: Weights, recipe: Recipe) -> None:
    """A head that likes a texture: it is hot where the texture is, and moves with it."""
    side, half = recipe.side, recipe.side // 2
    stripes = np.indices((side, side)).sum(axis=0) // 2 % 2

    def with_texture(top: bool) -> np.ndarray:
        rows = slice(0, half) if top else slice(half, side)
        shown = np.full((1, side, side), 0.5, np.float32)
        shown[0, rows] = stripes[rows]
        maps = recipe.maps(weights.variables, jnp.asarray(shown))
        return np.asarray(explain.heat(params, maps, recipe.read))[0]

    everywhere = recipe.extract(weights.variables, jnp.asarray(stripes[None], jnp.float32))[0]
    nowhere = recipe.extract(weights.variables, jnp.full((1, side, side), 0.5))[0]
    params = _liking(recipe, np.asarray(everywhere - nowhere))
    for top in (True, False):
        heat = with_texture(top)
        above, below = heat[: len(heat) // 2].sum(), heat[len(heat) // 2 :].sum()
        assert above > 3 * below if top else below > 3 * above


def _liking(recipe: Recipe, wanted: np.ndarray) -> heads.Params:
    if recipe is recipes.CHEST:
        return {"linear": {"kernel": wanted[:, None], "bias": np.zeros(1, np.float32)}}
    params = jax.tree.map(lambda leaf: np.zeros(leaf.shape, np.float32), dict(head(recipe)))
    params["dense1"]["kernel"][:, 0] = wanted / np.abs(wanted).max()
    params["dense2"]["kernel"][0, 0] = params["dense3"]["kernel"][0, 1] = 1
    return params


# ------------------------------------------------------------------ drawing


@pytest.mark.parametrize(
    ("size", "expected"), [((300, 200), (300, 200)), ((4096, 1024), (1024, 256)), ((9000, 1), (1024, 1))]
)
def test_a_drawing_has_the_proportions_of_the_picture(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    height, width, _ = drawn(picture(*size), np.ones((20, 20), np.float32)).shape
    assert (width, height) == expected


def test_without_heat_the_picture_is_as_it_was() -> None:
    assert (drawn(picture(64, 48, 0.2), np.zeros((20, 20), np.float32)) == 51).all()


def test_heat_is_drawn_where_it_is_and_only_on_what_was_seen() -> None:
    heat = np.zeros((20, 20), np.float32)
    heat[:4] = 1  # the top of a chest in the right half of the picture
    pixels = drawn(picture(200, 100), heat, Box(0.5, 0.2, 0.5, 0.8))
    changed = (pixels != 128).any(axis=2)
    assert changed[22:34, 105:195].all()
    assert not changed[:, :100].any()
    assert not changed[:20].any()
    assert not changed[45:].any()


def test_a_chest_that_reaches_over_the_edge_is_drawn_as_far_as_there_is_a_picture() -> None:
    heat = np.zeros((20, 20), np.float32)
    heat[:, :10] = 1
    changed = (drawn(picture(100, 100), heat, Box(-0.5, -0.25, 1, 1.5)) != 128).any(axis=2)
    assert not changed[:, 10:].any()


@pytest.mark.parametrize("scale", [1e-6, 1, 1e6])
def test_the_hottest_place_has_one_colour_whatever_its_heat(scale: float) -> None:
    heat = np.zeros((20, 20), np.float32)
    heat[8:12, 8:12] = scale
    hottest = drawn(picture(200, 200, 0), heat)[100, 100]
    np.testing.assert_allclose(hottest, explain.OPACITY * np.array(explain.INFERNO[-1]), atol=1)


def test_the_colours_are_those_of_matplotlib() -> None:
    theirs: Callable[[np.ndarray], np.ndarray] = matplotlib.colormaps["inferno"]
    tenths = theirs(np.linspace(0, 1, len(explain.INFERNO)))[:, :3] * 255
    np.testing.assert_allclose(explain.INFERNO, tenths, atol=1)
