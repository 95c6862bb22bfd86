"""VGG16, the backbone: a grey image in, features out (Simonyan and Zisserman 2014, column D)."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from ml import tiled_vgg16
from ml.places import features_of, in_places

# Output channels of each convolution (3 by 3); every block ends in a max-pool (2 by 2).
BLOCKS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
CONVOLUTIONS = tuple(f"conv{b}_{c}" for b, block in enumerate(BLOCKS, 1) for c in range(1, len(block) + 1))
SIDE = 224
FEATURES = 7 * 7 * 512
CHEST_BLOCKS = 4
CHEST_FEATURES = features_of(10, 512)
TOP = {"fc6": 4096, "fc7": 4096, "fc8": 1000}

# {"params": {layer: {"kernel", "bias"}}, "normalisation": {"scale": (3,), "offset": (3,)}}, all float32,
# or what `for_platform` makes of them.
Variables = Mapping[str, Any]


class VGG16(nn.Module):
    """Normalised images (N, H, W, 3) to the pooled last block, flattened: (N, H/32 · W/32 · 512) after five.

    The channels' order and scale are those that the weights were trained with. With ``top`` the three fully
    connected layers follow, and the result is the logits of ImageNet's classes (N, 1000). Each layer's output
    is in the collection ``layers``, as ``after_<layer>``. Sums are kept in float32 on every device, and so is
    what lies between layers, or in another ``dtype``.
    """

    top: bool = False
    blocks: int = len(BLOCKS)
    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        x = self._seen("input", x)
        for number, block in enumerate(BLOCKS[: self.blocks], 1):
            for step, channels in enumerate(block, 1):
                x = self._convolution(f"conv{number}_{step}", channels, x)
            x = self._seen(f"pool{number}", nn.max_pool(x, (2, 2), strides=(2, 2)))  # type: ignore[no-untyped-call]
        x = self._seen("flatten", x.reshape(x.shape[0], -1))
        return self._classify(x) if self.top else x

    def _convolution(self, name: str, channels: int, x: jax.Array) -> jax.Array:
        convolution = nn.Conv(
            channels, (3, 3), dtype=self.dtype, precision=jax.lax.Precision.HIGHEST, name=name
        )
        return self._seen(name, nn.relu(convolution(x)))

    def _classify(self, x: jax.Array) -> jax.Array:
        for name, width in TOP.items():
            x = nn.Dense(width, precision=jax.lax.Precision.HIGHEST, name=name)(x)
            x = self._seen(name, x if name == "fc8" else nn.relu(x))
        return x

    def _seen(self, name: str, x: jax.Array) -> jax.Array:
        self.sow("layers", f"after_{name}", x)
        return x


def normalise(normalisation: Mapping[str, jax.Array], images: jax.Array) -> jax.Array:
    """Grey images (N, H, W) in 0..1 as the three channels (N, H, W, 3) that the weights want."""
    return images[..., None] * normalisation["scale"] + normalisation["offset"]


def for_platform(variables: Variables, platform: str, blocks: int = len(BLOCKS)) -> Variables:
    """The first blocks' variables as a platform computes fastest with.

    On a CPU these are kernels for `ml.winograd`; elsewhere the vendor's convolutions are faster.
    """
    layers = _layers(blocks)
    if platform == "cpu":
        return {**variables, "params": tiled_vgg16.tiled(variables["params"], layers)}
    return {**variables, "params": {name: variables["params"][name] for name in layers}}


@jax.jit
def extract(variables: Variables, images: jax.Array) -> jax.Array:
    """Features (N, 25088) float32 of grey images (N, 224, 224) float32 in 0..1.

    Compiles once for each N; the weights are an argument, so that other weights compile nothing.
    """
    return _pooled_block(variables, images, len(BLOCKS)).reshape(len(images), -1)


@jax.jit
def extract_chest(variables: Variables, images: jax.Array) -> jax.Array:
    """Features (N, 7680) float32, each vector of length 1, of chests (N, 160, 160) float32 in 0..1.

    Compiles once for each N.
    """
    return in_places(_pooled_block(variables, images, CHEST_BLOCKS))


def _pooled_block(variables: Variables, images: jax.Array, blocks: int) -> jax.Array:
    """The last of some blocks, pooled: (N, H / 2^blocks, W / 2^blocks, C)."""
    channels = normalise(variables["normalisation"], images)
    if tiled_vgg16.is_tiled(variables["params"]):
        return tiled_vgg16.run(variables["params"], channels, _layers(blocks), _pooled_layers(blocks))
    flat = VGG16(blocks=blocks).apply({"params": variables["params"]}, channels)
    assert isinstance(flat, jax.Array)
    _, height, width, _ = channels.shape
    return flat.reshape(len(images), height >> blocks, width >> blocks, -1)


@partial(jax.jit, static_argnames="blocks")
def last_maps(variables: Variables, images: jax.Array, blocks: int = len(BLOCKS)) -> jax.Array:
    """What the last convolution of a block sees, (N, S / 2^(blocks - 1), ..., C), of images (N, S, S).

    Compiles once for each shape.
    """
    channels = normalise(variables["normalisation"], images)
    if tiled_vgg16.is_tiled(variables["params"]):
        return tiled_vgg16.run(variables["params"], channels, _layers(blocks), _pooled_layers(blocks - 1))
    network = VGG16(blocks=blocks)
    _, seen = network.apply({"params": variables["params"]}, channels, mutable=["layers"])
    maps: jax.Array = seen["layers"][f"after_{_layers(blocks)[-1]}"][0]
    return maps


def _layers(blocks: int) -> tuple[str, ...]:
    return CONVOLUTIONS[: sum(len(block) for block in BLOCKS[:blocks])]


def _pooled_layers(blocks: int) -> tuple[str, ...]:
    """The last convolutions of some blocks, which a max-pool follows."""
    return tuple(_layers(number)[-1] for number in range(1, blocks + 1))


def read(maps: jax.Array) -> jax.Array:
    """The features that `extract` makes, of the fifth block's last maps (N, 14, 14, 512)."""
    return _pooled(maps).reshape(len(maps), -1)


def read_chest(maps: jax.Array) -> jax.Array:
    """The features that `extract_chest` makes, of the fourth block's last maps (N, 20, 20, 512)."""
    return in_places(_pooled(maps))


def _pooled(maps: jax.Array) -> jax.Array:
    pooled: jax.Array = nn.max_pool(maps, (2, 2), strides=(2, 2))  # type: ignore[no-untyped-call]
    return pooled


def layer_shapes(top: bool = False) -> dict[str, tuple[int, ...]]:
    """Every layer's output shape for one image, without the batch axis; nothing is computed."""
    layers = _traced(top)["layers"]
    return {name.removeprefix("after_"): outputs[0].shape[1:] for name, outputs in layers.items()}


def parameter_shapes(top: bool = False) -> dict[str, dict[str, tuple[int, ...]]]:
    """The shape of every layer's kernel and bias; nothing is computed."""
    params = _traced(top)["params"]
    return {layer: {name: leaf.shape for name, leaf in leaves.items()} for layer, leaves in params.items()}


def _traced(top: bool) -> Any:
    image = np.empty((1, SIDE, SIDE, 3), np.float32)
    return jax.eval_shape(partial(VGG16(top).init, mutable=["params", "layers"]), jax.random.key(0), image)
