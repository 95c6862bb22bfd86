"""Makes tiny_zip.pth and tiny_legacy.pth: one small state dict in both of PyTorch's formats.

PyTorch is needed here alone: see make_vgg16_golden.py for an environment.
"""

from pathlib import Path

import torch

FOLDER = Path(__file__).parent


def main() -> None:
    torch.manual_seed(0)
    layers = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.Linear(4, 3))
    with torch.no_grad():
        for number, parameter in enumerate(layers.parameters()):
            parameter.copy_(torch.arange(parameter.numel()).reshape(parameter.shape) + 100 * number)
    torch.save(layers.state_dict(), FOLDER / "tiny_zip.pth")
    torch.save(layers.state_dict(), FOLDER / "tiny_legacy.pth", _use_new_zipfile_serialization=False)


if __name__ == "__main__":
    main()
