"""VGG16 beside its peers: `make bench-vgg16`, or `.venv/bin/python -m benchmarks.vgg16 --help`.

Each contender runs in a process of its own, on the same images, weights and cores (`benchmarks.contenders`),
and they take turns: whatever slows the machine down slows all alike. Peers that are not installed are skipped
by name. Ours begins with the grey image, the peers with its three normalised channels. The error is the
largest difference from float64 sums, in proportion to the largest feature.

On a GPU (``--device gpu --precisions bf16 --batches 1 8 64 256 512``) ours is by the vendor's convolutions.
The device "rehearsal" is a CPU that runs what a GPU would, to see that it runs.
"""

import argparse
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import sleep
from typing import Any

import numpy as np

from benchmarks.contenders import CHANNELS_FIRST, ON_JAX, POOLED, product_side
from ml import vgg16, weights

OPERATIONS = 30.7e9  # multiplications and additions of the convolutions, an image
CHECKED = 2  # images that are compared with float64
PAUSE = 0.05  # seconds, for threads of the last contender to stop waiting for work
OURS, RATE = "ours", "product"
PEERS = Path(".venv-bench/bin/python")


@dataclass
class Contender:
    """A process, and the milliseconds of its turns; ``unable`` says why it has none."""

    name: str
    process: "subprocess.Popen[str]"
    unable: str = ""
    taken: list[float] = field(default_factory=list)

    def settle(self) -> None:
        """Wait until it is ready, or hear why it never will be."""
        said = _line(self.process)
        self.unable = "" if said == "ready" else said or "it ended without a word"

    def turn(self) -> None:
        assert self.process.stdin
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.taken.append(float(_line(self.process)))

    def end(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()

    @property
    def figures(self) -> dict[str, float]:
        return {"minimum_ms": round(min(self.taken), 2), "median_ms": round(median(self.taken), 2)}


def _line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def write_inputs(folder: Path, count: int) -> None:
    """The images, as they come and normalised, and ImageNet's weights."""
    loaded = weights.load(folder)
    layers = {**loaded.variables["params"], "normalisation": loaded.variables["normalisation"]}
    flat = {f"{layer}.{part}": array for layer, parts in layers.items() for part, array in parts.items()}
    grey = np.random.default_rng(7).random((count, vgg16.SIDE, vgg16.SIDE), np.float32)
    np.savez(folder / "weights.npz", **flat)
    np.save(folder / "grey.npy", grey)
    np.save(folder / "channels.npy", np.asarray(vgg16.normalise(loaded.variables["normalisation"], grey)))


def exact(folder: Path) -> np.ndarray:
    """Features of the first images by nine shifted products, float64."""
    arrays = np.load(folder / "weights.npz")
    grey = np.load(folder / "grey.npy")[:CHECKED].astype(np.float64)
    x = grey[..., None] * arrays["normalisation.scale"] + arrays["normalisation.offset"]
    for name in vgg16.CONVOLUTIONS:
        _, height, width, _ = x.shape
        padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
        kernel = arrays[f"{name}.kernel"].astype(np.float64)
        sums = arrays[f"{name}.bias"].astype(np.float64)
        for row, column in np.ndindex(3, 3):
            sums = sums + padded[:, row : row + height, column : column + width] @ kernel[row, column]
        x = np.maximum(sums, 0)
        if name in POOLED:
            x = x.reshape(len(x), height // 2, 2, width // 2, 2, -1).max(axis=(2, 4))
    return x.reshape(len(x), -1)


def start(name: str, folder: Path, asked: argparse.Namespace, precision: str) -> Contender:
    python = sys.executable if name in ON_JAX else str(PEERS)
    job = {"name": name, "device": asked.device, "precision": precision, "threads": asked.threads}
    threads = {name: str(asked.threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    platform = {"JAX_PLATFORMS": "cuda" if asked.device == "gpu" else "cpu"}
    process = subprocess.Popen(
        [python, "-m", "benchmarks.contenders", str(folder), json.dumps(job)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | threads | platform | {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"},
    )
    return Contender(name, process)


def compare(batch: int, precision: str, asked: argparse.Namespace) -> dict[str, Any]:
    """One batch size in one precision: everyone's turns, and how ours stands to the best."""
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_inputs(folder, batch)
        contenders = []
        for name in _names(asked, precision):
            contenders.append(start(name, folder, asked, precision))
            contenders[-1].settle()  # one after the other: what compiles wants the cores
        able = [contender for contender in contenders if not contender.unable]
        for _ in range(asked.rounds):
            for contender in able:
                sleep(PAUSE)
                contender.turn()
        for contender in able:
            contender.end()
        return _figures(batch, precision, asked.device, contenders, _errors(folder, able))


def _names(asked: argparse.Namespace, precision: str) -> list[str]:
    """Who takes part: what has another precision or device is left out."""
    names = [*ON_JAX, *(CHANNELS_FIRST if PEERS.exists() else ())]
    if asked.device == "cpu":
        absent = {"PyTorch, CUDA graph"} if precision == "f32" else {*names} - {OURS, RATE, "OpenVINO"}
    else:
        absent = {"ONNX Runtime", "OpenVINO"} | ({"XLA", "Keras"} if precision == "bf16" else set())
    return [name for name in names if name not in absent]


def _errors(folder: Path, able: list[Contender]) -> dict[str, float]:
    expected = exact(folder)
    found = {one.name: np.load(folder / f"{one.name}.npy")[:CHECKED] for one in able if one.name != RATE}
    return {name: float(np.abs(rows - expected).max() / expected.max()) for name, rows in found.items()}


def _figures(
    batch: int, precision: str, device: str, contenders: list[Contender], errors: dict[str, float]
) -> dict[str, Any]:
    """``share_of_product``: operations a second as a share of a matrix product's; Winograd's may exceed 1."""
    able = {one.name: one for one in contenders if not one.unable}
    peers = {name: one.figures for name, one in able.items() if name not in (OURS, RATE)}
    best = min(peers, key=lambda name: peers[name]["minimum_ms"]) if peers else None
    ours = able[OURS].figures
    rate = 2.0 * product_side(device) ** 3 / able[RATE].figures["minimum_ms"]
    return {
        "batch": batch,
        "precision": precision,
        "ours": ours,
        "peers": peers,
        "skipped": {one.name: one.unable for one in contenders if one.unable},
        "best_peer": best,
        "ratio_to_best": round(peers[best]["minimum_ms"] / ours["minimum_ms"], 3) if best else None,
        "max_relative_error": errors[OURS],
        "peers_relative_error": {name: errors[name] for name in peers},
        "share_of_product": round(OPERATIONS * batch / ours["minimum_ms"] / rate, 3),
    }


def show(row: dict[str, Any]) -> None:
    """A table of one comparison, the fastest first."""
    print(f"\nBatch {row['batch']}, {row['precision']}: milliseconds for the batch, the least and the median")
    everyone = {OURS: row["ours"], **row["peers"]}
    errors = {OURS: row["max_relative_error"], **row["peers_relative_error"]}
    for name in sorted(everyone, key=lambda one: float(everyone[one]["minimum_ms"])):
        figures = everyone[name]
        taken = f"{figures['minimum_ms']:10.1f}{figures['median_ms']:10.1f}"
        print(f"  {name:24}{taken}    error {errors[name]:.0e}")
    for name, reason in row["skipped"].items():
        print(f"  {name:24}   skipped: {reason}")
    print(f"  the best peer takes {row['ratio_to_best']} times as long as ours", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--device", choices=("cpu", "gpu", "rehearsal"), default="cpu")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--precisions", choices=("f32", "bf16"), nargs="+", default=["f32", "bf16"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=10)
    asked = parser.parse_args()
    if not PEERS.exists():
        print("No peers but those on jax: `make bench-vgg16` installs the others.")
    results = [compare(batch, one, asked) for one in asked.precisions for batch in asked.batches]
    for row in results:
        show(row)
    print(json.dumps({"device": asked.device, "threads": asked.threads, "results": results}))


if __name__ == "__main__":
    main()
