"""Makes ml/usual_chest.npz, which heat is held against: `.venv/bin/python -m scripts.usual_chest FOLDER…`.

FOLDERs are data folders as of `covidxr train`; ../shared/cxr and ../shared/cxr-b made the file in the tree.
The same films give the same file on one machine, after some minutes.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from ml import image, usual, weights
from ml.classifier import FeatureExtractor
from services.datasets import read_manifest

EVERY = 4


def main(folders: list[str]) -> None:
    files = [record.path for folder in folders for record in read_manifest(Path(folder))][::EVERY]
    with TemporaryDirectory() as cache:
        extractor = FeatureExtractor(weights.load(Path(cache)))
    total = np.zeros(1)
    for file in files:
        total = total + extractor.maps(extractor.prepare(image.decode(file.read_bytes())))
    usual.save(extractor.backbone, (total / len(files)).astype(np.float32))
    print(f"{usual.FILE}: {len(files)} films.")


if __name__ == "__main__":
    main(sys.argv[1:])
