"""From a decoded picture to features: the ways that there are, each under the name that models carry."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, NamedTuple

import jax

from ml import chest, image, keras_networks, orientation, vgg16
from ml.backbone import Backbone
from ml.chest import Box
from ml.heads import PAPER, HeadName
from ml.image import Decoded, Pixels
from ml.keras_networks import KerasNetwork
from ml.orientation import View
from ml.places import in_places
from ml.vgg16 import Variables

WHOLE_PICTURE: Final = Box(0, 0, 1, 1)


class Prepared(NamedTuple):
    """What the network sees, (side, side) float32 in 0..1, and what was measured while preparing it.

    ``seen`` is the part of the picture that it shows, as shares of the picture's width and height. ``view``
    is how the film was taken or lies, where that was looked for and a chest was found.
    """

    pixels: Pixels
    measures: tuple[float, ...] = ()
    seen: Box = WHOLE_PICTURE
    view: View | None = None


@dataclass(frozen=True)
class Recipe:
    """A network, how pictures are prepared for it, and what is read from it.

    ``features`` counts the numbers of a vector: the network's, then the ``measures`` of preparing. ``maps``
    are those (N, H, W, C) that are read from, and ``read`` makes the network's features of them: together
    they do what ``extract`` does, and let a finding be traced to its places. ``for_platform`` gives the
    network's variables the form that a platform, such as "cpu", computes fastest with. A CPU should see
    ``cpu_batch`` images at a time.
    """

    network: str
    preprocessing: str
    side: int
    features: int
    prepare: Callable[[Decoded], Prepared]
    extract: Callable[[Variables, jax.Array], jax.Array]
    maps: Callable[[Variables, jax.Array], jax.Array]
    read: Callable[[jax.Array], jax.Array]
    for_platform: Callable[[Variables, str], Variables]
    cpu_batch: int
    measures: int = 0

    @property
    def of_network(self) -> int:
        """How many of the features are the network's, from the first on: what heads read."""
        return self.features - self.measures

    def backbone(self, weights: str) -> Backbone:
        """What models and stored features name; ``weights`` is the SHA-256 of the network's."""
        return Backbone(self.network, weights, self.preprocessing)


class UnknownRecipe(ValueError):
    """A model reads features that this version cannot make."""


def _whole(decoded: Decoded, side: int) -> Prepared:
    return Prepared(image.prepare(decoded.pixels, side))


def _chest(decoded: Decoded) -> Prepared:
    found = chest.standardise(decoded)
    view = orientation.view(found)
    likeness = 0.0 if view in orientation.ODD else found.likeness  # the model knows upright frontal films
    return Prepared(found.pixels, (likeness,), found.box, view)


WHOLE: Final = Recipe(
    "vgg16",
    image.PREPROCESSING,
    vgg16.SIDE,
    vgg16.FEATURES,
    partial(_whole, side=vgg16.SIDE),
    vgg16.extract,
    vgg16.last_maps,
    vgg16.read,
    vgg16.for_platform,
    cpu_batch=1,
)
"""The paper's: the whole picture, and the fifth block of VGG16. Heads A, B and C read it."""

LARGE: Final = replace(
    WHOLE,
    preprocessing="grey-stretch-448",
    side=2 * vgg16.SIDE,
    features=4 * vgg16.FEATURES,
    prepare=partial(_whole, side=2 * vgg16.SIDE),
)
"""The whole picture, twice as wide and as high. Head D can read it, or the other, to be compared."""

WHOLES: Final[Mapping[int, Recipe]] = {recipe.side: recipe for recipe in (WHOLE, LARGE)}

CHEST: Final = Recipe(
    "vgg16",
    chest.PREPROCESSING,
    chest.SIDE,
    vgg16.CHEST_FEATURES + 1,
    _chest,
    vgg16.extract_chest,
    partial(vgg16.last_maps, blocks=vgg16.CHEST_BLOCKS),
    vgg16.read_chest,
    partial(vgg16.for_platform, blocks=vgg16.CHEST_BLOCKS),
    cpu_batch=1,
    measures=1,
)
"""Ours: the chest alone, and the fourth block of VGG16 in coarse places. Head D reads it."""


def _by_keras(name: str, network: KerasNetwork) -> Recipe:
    """The chest alone, and coarse places of another network. Head D reads it too."""
    return Recipe(
        name,
        chest.PREPROCESSING,
        chest.SIDE,
        network.features + 1,
        _chest,
        partial(keras_networks.extract, network=name),
        partial(keras_networks.maps, network=name),
        in_places,
        lambda variables, _: variables,
        cpu_batch=8,
        measures=1,
    )


CHESTS: Final[Mapping[str, Recipe]] = {
    "vgg16": CHEST,
    **{name: _by_keras(name, network) for name, network in keras_networks.NETWORKS.items()},
}
"""Head D's recipes, by network."""

RECIPES: Final[Mapping[tuple[str, str], Recipe]] = {
    (recipe.network, recipe.preprocessing): recipe for recipe in (*WHOLES.values(), *CHESTS.values())
}


def of(backbone: Backbone) -> Recipe:
    """The recipe that a model or a base set names. Raises UnknownRecipe."""
    try:
        return RECIPES[backbone.network, backbone.preprocessing]
    except KeyError as error:
        raise UnknownRecipe(f"this version knows no features of {backbone.name}") from error


def read_by(head: HeadName, network: str = "vgg16", whole: int | None = None) -> Recipe:
    """The recipe whose features a head reads of a network.

    ``whole`` has head D read the whole picture at so many pixels. Raises UnknownRecipe.
    """
    side = WHOLE.side if head in PAPER else whole
    if side is None:
        return CHESTS[network]
    if network != WHOLE.network:
        raise UnknownRecipe(
            f"head {head} reads {WHOLE.network} alone of a whole picture: of {network} head D reads the chest"
        )
    if side not in WHOLES:
        raise UnknownRecipe(f"whole pictures are read at {' or '.join(map(str, WHOLES))} pixels, not {side}")
    return WHOLES[side]
