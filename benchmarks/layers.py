"""Which algorithm suits which layer of VGG16: `python -m benchmarks.layers [SIDE [BATCH [ROUNDS]]]`.

The milliseconds that XLA's own convolution takes and Winograd's with tiles of 2, 4 and 6, the pool included
where one follows, each the least of rounds in which all take turns. `ml.tiled_vgg16` holds the choice.
"""

import argparse
import json
from collections.abc import Callable
from time import perf_counter

import jax
import jax.numpy as jnp
import numpy as np

from ml import tiled_vgg16, vgg16, winograd

WAYS = ("direct", "F(2)", "F(4)", "F(6)")

Run = Callable[[], jax.Array]


def layers(side: int) -> dict[str, tuple[int, int, int, bool]]:
    """Side, channels in and out, and whether a pool follows, of each shape of layer but the first."""
    found: dict[str, tuple[int, int, int, bool]] = {}
    before = 3
    for number, block in enumerate(vgg16.BLOCKS, 1):
        for step, channels in enumerate(block, 1):
            shape = (side >> (number - 1), before, channels, step == len(block))
            if before > 3 and shape not in found.values():
                found[f"conv{number}_{step}"] = shape
            before = channels
    return found


def ways(side: int, before: int, after: int, pooled: bool, batch: int) -> dict[str, Run]:
    """Each algorithm on the same numbers, compiled."""
    generator = np.random.default_rng(0)
    x = jnp.asarray(generator.random((batch, side, side, before), np.float32))
    kernel = generator.standard_normal((3, 3, before, after), np.float32)
    bias = jnp.zeros(after)
    return {"direct": _compiled(_direct, x, jnp.asarray(kernel), bias, pooled)} | {
        f"F({tile})": _compiled(
            winograd.with_zeros_around, x, jnp.asarray(winograd.transformed(kernel, tile)), bias, pooled
        )
        for tile in winograd.POINTS
    }


def _direct(x: jax.Array, kernel: jax.Array, bias: jax.Array, pooled: bool) -> jax.Array:
    dimensions = ("NHWC", "HWIO", "NHWC")
    found = jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=dimensions)
    rectified = jax.nn.relu(found + bias)
    return vgg16._pooled(rectified) if pooled else rectified


def _compiled(way: Callable[..., jax.Array], *given: object) -> Run:
    *arrays, pooled = given
    program = jax.jit(way, static_argnums=3).lower(*arrays, pooled).compile()
    return lambda: program(*arrays)


def least(runs: dict[str, Run], rounds: int) -> dict[str, float]:
    """The least milliseconds of each, after one round to warm up."""
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds + 1):
        for name, run in runs.items():
            start = perf_counter()
            run().block_until_ready()
            taken[name].append(1000 * (perf_counter() - start))
    return {name: round(min(times[1:]), 2) for name, times in taken.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    for name, usual in (("side", 224), ("batch", 1), ("rounds", 12)):
        parser.add_argument(name, type=int, nargs="?", default=usual)
    asked = parser.parse_args()
    print(f"Milliseconds a layer, images of {asked.side} by {asked.side}, {asked.batch} at a time\n")
    print(f"{'layer':8} {'shape':>18}", *(f"{way:>9}" for way in WAYS), "   chosen")
    found = {}
    for name, shape in layers(asked.side).items():
        found[name] = least(ways(*shape, asked.batch), asked.rounds)
        described = f"{shape[0]}² {shape[1]} to {shape[2]}"
        chosen = f"   F({tiled_vgg16.TILES[name]})"
        print(f"{name:8} {described:>18}", *(f"{found[name][way]:9.2f}" for way in WAYS), chosen, flush=True)
    print(json.dumps({"side": asked.side, "batch": asked.batch, "layers": found}))


if __name__ == "__main__":
    main()
