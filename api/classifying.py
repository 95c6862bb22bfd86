"""What the classifier's commands share: their options, the network, and folders of images."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from api import terminal
from api.preparation import make_data_folder
from api.settings import Settings

if TYPE_CHECKING:  # these bring jax, which `covidxr --help` need not wait for
    from ml.base_set import BaseSet
    from ml.classifier import FeatureExtractor
    from ml.recipes import Recipe
    from ml.weights import Weights as NetworkWeights

Data = Annotated[Path, typer.Option(help="a folder of images with a manifest.csv: file,label,patient,source")]
Weights = Annotated[
    Path | None,
    typer.Option(
        help="the network's weights, else ImageNet's: .h5, .keras, .safetensors, and .pth named by its hash"
    ),
]
Seed = Annotated[int, typer.Option(min=0, help="the same seed gives the same bytes on one machine")]


class NetworkChoice(StrEnum):
    """The default, and those of the extra `backbones`."""

    VGG16 = "vgg16"
    RESNET50 = "resnet50"
    INCEPTIONV3 = "inceptionv3"
    MOBILENETV2 = "mobilenetv2"


class HeadChoice(StrEnum):
    """The paper's three heads, and ours."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"


Network = Annotated[
    NetworkChoice,
    typer.Option("--network", help="whose features head D reads; all but vgg16 need the extra `backbones`"),
]


@contextmanager
def at_work(keeps_caches: bool = True) -> Iterator[Settings]:
    """Jax is set up, and what people can mend is said in a sentence, without a stack trace."""
    with _data_folder(keeps_caches) as settings, _set_up(settings):
        yield settings


@contextmanager
def _data_folder(keeps_caches: bool) -> Iterator[Settings]:
    """The settings with their data folder, or with one for the moment unless there is one or it is named."""
    settings = Settings()
    if keeps_caches or "data_dir" in settings.model_fields_set or settings.data_dir.exists():
        make_data_folder(settings.data_dir)
        yield settings
    else:
        with TemporaryDirectory(prefix="covidxr-") as folder:
            yield settings.model_copy(update={"data_dir": Path(folder)})


@contextmanager
def _set_up(settings: Settings) -> Iterator[None]:
    from api.classifier import UNUSABLE, prepare_jax

    prepare_jax(settings.data_dir, settings.device)
    from services.datasets import DatasetError
    from services.studies import StudyError

    try:
        yield
    except (*UNUSABLE, DatasetError, StudyError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error


def network(settings: Settings, file: Path | None, recipe: Recipe) -> FeatureExtractor:
    """What makes a recipe's features, with ImageNet's weights or those of a file."""
    from ml.classifier import FeatureExtractor

    return FeatureExtractor(weights_of(settings, file, recipe), recipe)


def weights_of(settings: Settings, file: Path | None, recipe: Recipe) -> NetworkWeights:
    """ImageNet's weights of a recipe's network, or those of a file."""
    from ml import networks

    return networks.load(recipe.network, settings.data_dir / "cache" / "weights", file)


def load(settings: Settings, data: Path, extractor: FeatureExtractor) -> BaseSet:
    """A folder's images as features, which are kept for the next time."""
    from services import datasets

    with terminal.bar() as progress:
        follow = terminal.counted(progress, f"features of {data.name}")
        return datasets.load(data, extractor, settings.data_dir / "cache" / "features", follow)
