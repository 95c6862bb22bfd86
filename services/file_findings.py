"""Findings for image files, without a platform around them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ml import image as ml_image
from ml.classifier import Classifier, FeatureExtractor, Judgement
from ml.recipes import Prepared


@dataclass(frozen=True)
class FileFinding:
    """What the model says of a file, or why it cannot be read."""

    file: Path
    judgement: Judgement | None = None
    error: str | None = None


def find(files: Sequence[Path], extractor: FeatureExtractor, classifier: Classifier) -> Iterator[FileFinding]:
    """A finding for each file, in order, computed a batch at a time."""
    for start in range(0, len(files), extractor.batch_size):
        yield from _batch(files[start : start + extractor.batch_size], extractor, classifier)


def _batch(files: Sequence[Path], extractor: FeatureExtractor, classifier: Classifier) -> list[FileFinding]:
    read = [_read(file, extractor) for file in files]
    images = [image for image in read if isinstance(image, Prepared)]
    judgements = iter(classifier.judge(extractor.extract(images)))
    return [
        FileFinding(file, error=outcome) if isinstance(outcome, str) else FileFinding(file, next(judgements))
        for file, outcome in zip(files, read, strict=True)
    ]


def _read(file: Path, extractor: FeatureExtractor) -> Prepared | str:
    """The image as the classifier sees it, or the reason why there is none."""
    try:
        with file.open("rb") as opened:
            return extractor.prepare(ml_image.decode(opened.read(ml_image.MAX_BYTES + 1)))
    except ml_image.ImageError as error:
        return str(error)
    except OSError as error:
        return error.strerror or "the file cannot be read"
