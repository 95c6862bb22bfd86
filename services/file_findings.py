"""Findings for image files, without a platform around them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from ml import explain
from ml import image as ml_image
from ml.classifier import Classifier, FeatureExtractor, Judgement
from ml.image import Decoded
from ml.orientation import View
from ml.recipes import Prepared


@dataclass(frozen=True)
class FileFinding:
    """What the model says of a file, its view and heatmap, if any, or why the file cannot be read."""

    file: Path
    judgement: Judgement | None = None
    error: str | None = None
    heatmap: Path | None = None
    view: View | None = None


@dataclass(frozen=True)
class _Read:
    decoded: Decoded
    prepared: Prepared


def find(
    files: Sequence[Path], extractor: FeatureExtractor, classifier: Classifier, heatmaps: Path | None = None
) -> Iterator[FileFinding]:
    """A finding for each file, in order, computed a batch at a time.

    In the folder ``heatmaps``, if any, an overlay of each is written, but of what is no chest X-ray. A file
    that is there is never replaced: it may be a radiograph.
    """
    if heatmaps is not None:
        heatmaps.mkdir(parents=True, exist_ok=True)  # first, so that one that cannot be made costs no work
    for start in range(0, len(files), extractor.batch_size):
        yield from _batch(files[start : start + extractor.batch_size], extractor, classifier, heatmaps)


def _batch(
    files: Sequence[Path], extractor: FeatureExtractor, classifier: Classifier, heatmaps: Path | None
) -> Iterator[FileFinding]:
    read = [_read(file, extractor) for file in files]
    images = [image.prepared for image in read if isinstance(image, _Read)]
    judgements = iter(classifier.judge(extractor.extract(images)))
    for file, outcome in zip(files, read, strict=True):
        if isinstance(outcome, str):
            yield FileFinding(file, error=outcome)
            continue
        view = outcome.prepared.view
        judgement = next(judgements).seen_as(view)
        drawn = None
        if heatmaps is not None and judgement.abstained != "NOT_A_CHEST_XRAY":
            drawn = _written(heatmaps, file.stem, _overlay(outcome, extractor, classifier))
        yield FileFinding(file, judgement, heatmap=drawn, view=view)


def _read(file: Path, extractor: FeatureExtractor) -> _Read | str:
    """The image as it is and as the classifier sees it, or the reason why there is none."""
    try:
        with file.open("rb") as opened:
            decoded = ml_image.decode(opened.read(ml_image.MAX_BYTES + 1))
        return _Read(decoded, extractor.prepare(decoded))
    except ml_image.ImageError as error:
        return str(error)
    except OSError as error:
        return error.strerror or "the file cannot be read"


def _overlay(image: _Read, extractor: FeatureExtractor, classifier: Classifier) -> bytes:
    heat = classifier.heat(extractor.maps(image.prepared))
    return explain.overlay(image.decoded, heat, image.prepared.seen)


def _written(folder: Path, stem: str, png: bytes) -> Path:
    """Where it was written: under the stem or, where that is taken, with the next free number."""
    for number in count(1):
        path = folder / (f"{stem}.png" if number == 1 else f"{stem}-{number}.png")
        try:
            with path.open("xb") as file:
                file.write(png)
        except FileExistsError:
            continue
        break
    return path
