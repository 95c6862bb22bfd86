"""ResNet50, InceptionV3 and MobileNetV2 as Keras has them, on jax: a standardised chest in, features out.

Keras is an optional extra, imported when a network is first needed. Networks are built without values: their
weights are arguments, as VGG16's are, so that the same code batches, compiles and places them.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Final

import jax

from ml import chest, vgg16
from ml.places import features_of, in_places
from ml.vgg16 import Variables

COLOURS: Final = 3


class KerasMissing(ImportError):
    """The extra is not installed; the message says the remedy."""


@dataclass(frozen=True)
class KerasNetwork:
    """A network of `keras.applications`, and the layer whose maps (N, side, side, channels) are read.

    As of VGG16 it is one on the way, where a picture's side has shrunk to a sixteenth or twentieth, and
    rectified. ``zero_centred`` networks were trained on -1..1, the others on the original VGG's input.
    """

    application: str
    layer: str
    side: int
    channels: int
    zero_centred: bool

    @property
    def features(self) -> int:
        """How many numbers are read of a picture."""
        return features_of(self.side, self.channels)


NETWORKS: Final[Mapping[str, KerasNetwork]] = {
    "resnet50": KerasNetwork("ResNet50", "conv4_block6_out", 10, 1024, zero_centred=False),
    "inceptionv3": KerasNetwork("InceptionV3", "mixed7", 8, 768, zero_centred=True),
    "mobilenetv2": KerasNetwork("MobileNetV2", "block_13_expand_relu", 10, 576, zero_centred=True),
}
"""He et al. 2015, Szegedy et al. 2015 and Sandler et al. 2018, by the names that models carry."""


@partial(jax.jit, static_argnames="network")
def extract(variables: Variables, images: jax.Array, *, network: str) -> jax.Array:
    """Features (N, F) float32, each vector of length 1, of chests (N, 160, 160) float32 in 0..1.

    Compiles once for each N; the weights are an argument, so that other weights compile nothing.
    """
    return in_places(maps(variables, images, network=network))


@partial(jax.jit, static_argnames="network")
def maps(variables: Variables, images: jax.Array, *, network: str) -> jax.Array:
    """What the network's layer sees, (N, side, side, channels) float32, of chests (N, 160, 160) in 0..1.

    Sums are kept in float32 on every device.
    """
    built = _built(network)
    values = [variables["params"][layer][part] for layer, part in names(built)]
    state = list(zip(built.variables, values, strict=True))
    channels = vgg16.normalise(variables["normalisation"], images)
    with keras().StatelessScope(state, initialize_variables=False), jax.default_matmul_precision("highest"):
        seen: jax.Array = built(channels, training=False)
    return seen


def keras() -> Any:
    """Keras on jax, whatever its own settings say. Raises KerasMissing."""
    os.environ["KERAS_BACKEND"] = "jax"  # read once, on import
    try:
        import keras  # type: ignore[import-untyped]
    except ModuleNotFoundError as error:
        raise KerasMissing("this network needs Keras: install the extra: make extra-backbones") from error
    keras.config.set_image_data_format("channels_last")
    keras.config.set_floatx("float32")
    return keras


def whole(network: str, weights: str | None = None) -> Any:
    """The network without its top, as Keras has it, with values where ``weights`` is "imagenet".

    Raises KerasMissing, and of a download that fails, Exception.
    """
    application = getattr(keras().applications, NETWORKS[network].application)
    shape = (chest.SIDE, chest.SIDE, COLOURS)
    return application(include_top=False, weights=weights, input_shape=shape)


def cut(network: str, model: Any) -> Any:
    """The part of a whole network up to the layer that is read."""
    return keras().Model(model.input, model.get_layer(NETWORKS[network].layer).output)


def without_values(network: str) -> Any:
    """The whole network, built in a moment: Keras would take many seconds to make values up."""
    with keras().StatelessScope(initialize_variables=False):
        return whole(network)


def names(model: Any) -> list[tuple[str, str]]:
    """Layer and part of each of the model's variables, in order: Keras counts its names up as it builds."""
    found: list[tuple[str, str]] = []
    layers: dict[str, str] = {}
    for variable in model.variables:
        layer, _, part = variable.path.rpartition("/")
        found.append((layers.setdefault(layer, f"layer{len(layers):03d}"), part))
    return found


def parameter_shapes(network: str) -> dict[str, dict[str, tuple[int, ...]]]:
    """The shape of every layer's parts; nothing is computed."""
    built, shapes = _built(network), dict[str, dict[str, tuple[int, ...]]]()
    for (layer, part), variable in zip(names(built), built.variables, strict=True):
        shapes.setdefault(layer, {})[part] = tuple(variable.shape)
    return shapes


@cache
def _built(network: str) -> Any:
    with keras().StatelessScope(initialize_variables=False):
        return cut(network, whole(network))
