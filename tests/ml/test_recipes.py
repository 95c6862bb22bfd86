"""The ways from a picture to features: what each shows the network, and by which name models find it."""

import jax
import numpy as np
import pytest

from ml import chest, heads, orientation, recipes, vgg16
from ml.backbone import Backbone
from ml.classifier import FeatureExtractor
from ml.image import Decoded, prepare
from ml.recipes import CHEST, CHESTS, LARGE, WHOLE, WHOLES, UnknownRecipe
from ml.weights import Weights


@pytest.fixture(scope="module")
def picture() -> Decoded:
    pixels = np.random.default_rng(0).random((120, 100), np.float32)
    return Decoded(pixels, "PNG", "image/png", width=100, height=120)


def test_the_papers_heads_are_shown_the_whole_picture(picture: Decoded) -> None:
    prepared = WHOLE.prepare(picture)
    np.testing.assert_array_equal(prepared.pixels, prepare(picture.pixels))
    assert prepared.pixels.shape == (WHOLE.side, WHOLE.side) == (224, 224)
    assert prepared.measures == ()
    assert WHOLE.features == vgg16.FEATURES


def test_the_large_picture_is_the_same_one_twice_as_wide_and_high(picture: Decoded, weights: Weights) -> None:
    prepared = LARGE.prepare(picture)
    np.testing.assert_array_equal(prepared.pixels, prepare(picture.pixels, 448))
    found = FeatureExtractor(weights, LARGE).extract([prepared])
    assert found.shape == (1, LARGE.features) == (1, 14 * 14 * 512)


def test_head_d_is_shown_the_chest_and_how_much_of_one_it_is(picture: Decoded) -> None:
    prepared = CHEST.prepare(picture)
    found = chest.standardise(picture)
    np.testing.assert_array_equal(prepared.pixels, found.pixels)
    assert prepared.pixels.shape == (CHEST.side, CHEST.side) == (160, 160)
    assert prepared.measures == (found.likeness,)
    assert CHEST.features == vgg16.CHEST_FEATURES + len(prepared.measures)
    assert CHEST.measures == len(prepared.measures)


@pytest.mark.parametrize("view", [*orientation.ODD, "FRONTAL", None])
def test_a_film_in_a_view_that_no_model_knows_is_like_no_chest(
    picture: Decoded, monkeypatch: pytest.MonkeyPatch, view: orientation.View | None
) -> None:
    monkeypatch.setattr(orientation, "view", lambda upright: view)
    prepared = CHEST.prepare(picture)
    assert prepared.view == view
    assert (prepared.measures == (0.0,)) == (view in orientation.ODD)


@pytest.mark.parametrize("recipe", [*WHOLES.values(), *CHESTS.values()])
def test_a_recipe_is_found_by_what_models_name(recipe: recipes.Recipe) -> None:
    backbone = recipe.backbone("a" * 64)
    assert backbone == Backbone(recipe.network, "a" * 64, recipe.preprocessing)
    assert recipes.of(backbone) is recipe
    assert len(recipes.RECIPES) == len(WHOLES) + len(CHESTS)


def test_head_d_reads_a_chest_by_any_network_and_the_papers_heads_by_vgg16() -> None:
    assert list(CHESTS) == ["vgg16", "resnet50", "inceptionv3", "mobilenetv2"]
    for name, recipe in CHESTS.items():
        assert recipe is recipes.read_by("D", name)
        assert (recipe.network, recipe.preprocessing, recipe.side) == (name, chest.PREPROCESSING, chest.SIDE)
    assert recipes.read_by("A") is WHOLE
    with pytest.raises(UnknownRecipe, match="head A reads vgg16 alone of a whole picture"):
        recipes.read_by("A", "resnet50")
    assert [recipes.read_by("D", whole=side) for side in (224, 448)] == [WHOLE, LARGE]
    assert recipes.read_by("A", whole=448) is WHOLE
    with pytest.raises(UnknownRecipe, match="of resnet50 head D reads the chest"):
        recipes.read_by("D", "resnet50", whole=224)
    with pytest.raises(UnknownRecipe, match="at 224 or 448 pixels, not 300"):
        recipes.read_by("D", whole=300)


@pytest.mark.parametrize("backbone", [Backbone("vgg16", "a", "grey"), Backbone("resnet", "a", "chest-160")])
def test_an_unknown_recipe_is_an_error_that_names_it(backbone: Backbone) -> None:
    with pytest.raises(UnknownRecipe, match=backbone.name):
        recipes.of(backbone)


def test_the_papers_heads_have_as_many_inputs_as_the_network_gives_them() -> None:
    head = heads.pack("A", heads.initialise(jax.random.key(0)))
    assert heads.inputs(head) == WHOLE.of_network == WHOLE.features
    assert all(recipes.read_by(name) is WHOLE for name in heads.PAPER)
