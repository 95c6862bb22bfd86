"""The ways from a picture to features: what each shows the network, and by which name models find it."""

import numpy as np
import pytest

from ml import chest, heads, orientation, recipes, vgg16
from ml.backbone import Backbone
from ml.image import Decoded, prepare
from ml.recipes import CHEST, WHOLE, UnknownRecipe


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


def test_head_d_is_shown_the_chest_and_how_much_of_one_it_is(picture: Decoded) -> None:
    prepared = CHEST.prepare(picture)
    found = chest.standardise(picture)
    np.testing.assert_array_equal(prepared.pixels, found.pixels)
    assert prepared.pixels.shape == (CHEST.side, CHEST.side) == (160, 160)
    assert prepared.measures == (found.likeness,)
    assert CHEST.features == vgg16.CHEST_FEATURES + len(prepared.measures)


def test_a_chest_that_has_been_turned_is_like_none(picture: Decoded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orientation, "turned", lambda decoded, upright: 180)
    assert CHEST.prepare(picture).measures == (0.0,)


@pytest.mark.parametrize("recipe", [WHOLE, CHEST])
def test_a_recipe_is_found_by_what_models_name(recipe: recipes.Recipe) -> None:
    backbone = recipe.backbone("a" * 64)
    assert backbone == Backbone("vgg16", "a" * 64, recipe.preprocessing)
    assert recipes.of(backbone) is recipe
    assert len(recipes.RECIPES) == 2


@pytest.mark.parametrize("backbone", [Backbone("vgg16", "a", "grey"), Backbone("resnet", "a", "chest-160")])
def test_an_unknown_recipe_is_an_error_that_names_it(backbone: Backbone) -> None:
    with pytest.raises(UnknownRecipe, match=backbone.name):
        recipes.of(backbone)


@pytest.mark.parametrize("name", heads.NAMES)
def test_each_head_has_as_many_inputs_as_the_network_gives_it(name: heads.HeadName) -> None:
    recipe = recipes.read_by(name)
    inputs, _ = next(iter(heads.layers(name).values()))
    measures = 1 if recipe is CHEST else 0
    assert inputs == recipe.features - measures
    assert (recipe is CHEST) == (name not in heads.PAPER)
