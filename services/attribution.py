"""Where in a picture heads see COVID: how much of the heat lies in the lung fields."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ml import chest, lungs
from ml import image as ml_image
from ml.base_set import BaseSet
from ml.classifier import Classifier, FeatureExtractor
from ml.evaluation import Estimate
from ml.heads import HeadName
from services.judges import Judges
from services.study_tables import Table, per_cent

OF_A_KIND = 20
"""Images of a source and class that are looked at, at most."""
KINDS = {True: "with COVID", False: "without"}
HOW = (
    "Heat is what heatmaps show: where a head sees COVID in pictures that it has not learned from, of "
    "head D by VGG16, where it is shown the chest, less what it sees in the usual one. The lung fields "
    "are those of the mean chest, laid over the chest that was found. Heat spread evenly over all that "
    "the head sees has the share *even*. A head that looks at the lungs alone has a share near 100. A "
    "share that is not above *even* says that it does not look for COVID in the lungs more than "
    "elsewhere: what it goes by may lie in the mediastinum, at the diaphragm or the shoulders, or in how "
    "the film was taken. Nothing here tells which."
)


@dataclass(frozen=True)
class Within:
    """The mean share of the heat that lies in the lung fields, of images of a class, and the even share."""

    covid: bool
    images: int
    share: Estimate
    even: float


Attributions = Mapping[HeadName, Sequence[Within]]


def within(
    base: BaseSet,
    judges: Judges,
    rows: np.ndarray,
    files: Sequence[Path],
    extractor: FeatureExtractor,
    progress: Callable[[int, int], None],
) -> list[Within]:
    """By class, of the images in ``rows`` (M,), whose ``files`` these are. Raises ImageError."""
    classifiers = [Classifier(model, extractor.backbone, extractor.device) for model in judges.models]
    shares = []
    for done, (row, file) in enumerate(zip(rows, files, strict=True), 1):
        shares.append(_shares(file, classifiers[judges.of[row]], extractor))
        progress(done, len(files))
    found, covid = np.array(shares), base.covid[rows]
    return [of_class(found[covid == kind], kind) for kind in (True, False)]


def _shares(file: Path, classifier: Classifier, extractor: FeatureExtractor) -> tuple[float, float]:
    """Of the heat, and of even heat."""
    decoded = ml_image.decode(file.read_bytes())
    prepared, box = extractor.prepare(decoded), chest.standardise(decoded).box
    heat = classifier.heat(extractor.maps(prepared))
    return (
        lungs.share_within(heat, prepared.seen, box),
        lungs.share_within(np.ones_like(heat), prepared.seen, box),
    )


def of_class(shares: np.ndarray, covid: bool) -> Within:
    """A film without any heat has no share, and is not counted."""
    drawn = shares[~np.isnan(shares[:, 0])]
    if not len(drawn):
        return Within(covid, 0, Estimate(np.nan, np.nan, np.nan), np.nan)
    mean, even = drawn.mean(axis=0).tolist()
    error = 1.96 * float(drawn[:, 0].std(ddof=min(1, len(drawn) - 1))) / len(drawn) ** 0.5
    return Within(covid, len(drawn), Estimate(mean, max(0.0, mean - error), min(1.0, mean + error)), even)


def table(attributions: Attributions) -> Table:
    """The shares, a row for each head and class."""
    rows = [
        [
            name,
            KINDS[one.covid],
            str(one.images),
            per_cent(one.share),
            f"{100 * one.even:.1f}",
        ]
        for name, found in attributions.items()
        for one in found
    ]
    return Table("Heat that lies in the lung fields", ["head", "pictures", "images", "share", "even"], rows)


def plain(attributions: Attributions) -> dict[str, Any]:
    """All shares as fractions, for JSON."""
    return {name: [asdict(one) for one in found] for name, found in attributions.items()}


def sentence(name: HeadName, found: Sequence[Within]) -> str:
    """What the shares come to."""
    shares = " and ".join(
        f"{100 * one.share.value:.0f} % of it in pictures {'with' if one.covid else 'without'} COVID"
        for one in found
    )
    even = 100 * float(np.mean([one.even for one in found]))
    above = any(one.share.low > one.even for one in found)
    verdict = "more than" if above else "no more than"
    return f"Head {name}'s heat: {shares} lies in the lung fields, {verdict} the {even:.0f} % of even heat."
