"""Makes vgg16_golden.npz: what PyTorch computes with the weights that the tests use.

PyTorch is needed here alone:

python3.11 -m venv /tmp/golden && /tmp/golden/bin/pip install torch==2.13.0 numpy safetensors
/tmp/golden/bin/python tests/golden/make_vgg16_golden.py data/weights/vgg16-imagenet.safetensors
"""

import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

BLOCKS = (2, 2, 3, 3, 3)
SAMPLES = 10_000


def synthetic_images() -> np.ndarray:
    """Two grey images (2, 224, 224) float32 in 0..1, which the tests make too."""
    y, x = np.mgrid[0:224, 0:224] / 224.0
    waves = 0.5 + 0.5 * np.sin(40 * x * y + 9 * y) * np.cos(25 * x - 3 * y * y)
    discs = ((x - 0.35) ** 2 + (y - 0.5) ** 2 < 0.05) * 0.6 + ((x - 0.7) ** 2 + (y - 0.45) ** 2 < 0.04) * 0.4
    return np.stack([waves, discs]).astype(np.float32)


def torch_features(arrays: dict[str, np.ndarray], images: np.ndarray) -> np.ndarray:
    """Features (N, 25088) float32 in this project's order: row, column, channel."""
    import torch  # here, so that the tests can take synthetic_images from this file without it

    rgb = torch.from_numpy(images)[:, None].repeat(1, 3, 1, 1)
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    x = (rgb - mean[:, None, None]) / deviation[:, None, None]
    for block, steps in enumerate(BLOCKS, 1):
        for step in range(1, steps + 1):
            kernel = torch.from_numpy(arrays[f"conv{block}_{step}.kernel"]).permute(3, 2, 0, 1).contiguous()
            bias = torch.from_numpy(arrays[f"conv{block}_{step}.bias"])
            x = torch.relu(torch.nn.functional.conv2d(x, kernel, bias, padding=1))
        x = torch.nn.functional.max_pool2d(x, 2)
    return x.permute(0, 2, 3, 1).reshape(len(images), -1).numpy()


def main(weights: Path) -> None:
    features = torch_features(load_file(weights), synthetic_images())
    indices = np.sort(np.random.default_rng(16).choice(features.shape[1], SAMPLES, replace=False))
    target = Path(__file__).with_name("vgg16_golden.npz")
    np.savez_compressed(
        target,
        indices=indices,
        values=features[:, indices],
        norms=np.linalg.norm(features.astype(np.float64), axis=1),
    )
    print(f"{target}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
