"""Features at rest: what is missing or damaged leaves a gap and takes nothing else down."""

from pathlib import Path

import numpy as np

from ml.features import pack
from services import kept_features
from services.keys import features_key
from store.blobs import Blobs

HERE, ELSEWHERE = "vgg16-0a1b", "resnet50-2c3d"


async def test_reads_what_is_there_and_leaves_gaps(tmp_path: Path) -> None:
    blobs = Blobs(f"file://{tmp_path}")
    kept = np.array([0, 0.25, 2], np.float16)
    await blobs.put(features_key(HERE, "good"), pack(kept))
    await blobs.put(features_key(HERE, "damaged"), pack(kept)[:-3])
    await blobs.put(features_key(ELSEWHERE, "of another network"), pack(kept))

    first, *others = await kept_features.read(blobs, HERE, ["good", "damaged", "of another network", "never"])

    assert first is not None
    np.testing.assert_array_equal(first, kept)
    assert others == [None, None, None]
