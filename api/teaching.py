"""`covidxr train` and `covidxr default-model`: models made from folders of images."""

from __future__ import annotations

from functools import reduce
from pathlib import Path
from typing import Annotated

import typer

from api import terminal
from api.classifying import (
    Data,
    HeadChoice,
    Network,
    NetworkChoice,
    Seed,
    Weights,
    at_work,
    load,
    network,
    weights_of,
)
from api.together import Coordinator, Process, Processes, place_of, together


def train(
    data: Data,
    out: Annotated[Path, typer.Option(help="the model's file to write (.safetensors)")],
    head: Annotated[HeadChoice, typer.Option(help="the paper's A, B or C, or our D")] = HeadChoice.D,
    seed: Seed = 0,
    backbone: Network = NetworkChoice.VGG16,
    weights: Weights = None,
    checkpoints: Annotated[
        Path | None,
        typer.Option(
            help="a folder of checkpoints, from which the same training goes on if it was cut short"
        ),
    ] = None,
    coordinator: Coordinator = None,
    processes: Processes = 1,
    process: Process = 0,
) -> None:
    """Train a head on a folder of labelled images; a quarter of the patients is kept to judge it.

    All devices of the machine take part. Several processes, on several machines, train as one where each is
    started with the same options and images, and with the --process that it is.
    """
    place = place_of(coordinator, processes, process)
    with together(place), at_work() as settings:
        from ml import making, model_file, recipes
        from ml.evaluation import EvaluationError
        from ml.runner import Runner
        from ml.training import TrainingConfig

        recipe = recipes.read_by(head.value, backbone.value)
        base = load(settings, data, network(settings, weights, recipe))
        config = TrainingConfig(head=head.value, seed=seed)
        with terminal.bar() as progress:
            follow = terminal.epochs(progress, config.epochs)
            lessons = making.images_of(base)[~base.holdout]
            model = making.teach(
                lessons,
                base.backbone,
                config,
                follow(f"head {head.value}"),
                on_resume=lambda epoch, _: typer.echo(f"Going on after epoch {epoch}, from {checkpoints}."),
                runner=Runner(checkpoints=checkpoints),
            )
        if process:
            typer.echo("Trained: the first process writes the model.")
            return
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(model_file.save(model))
        typer.echo(
            f"{out}: model {model.name}, trained on {model.positives} images with COVID "
            f"and {model.negatives} without."
        )
        try:
            typer.echo(f"On the holdout: {terminal.figures(making.examine(model, base))}.")
        except EvaluationError as error:
            typer.echo(f"It cannot be judged on the holdout: {error}.")
        typer.echo(terminal.NOTICE)


def default_model(
    data: Annotated[list[Path], typer.Option(help="a folder as for `train`; may be given several times")],
    out: Annotated[
        Path | None,
        typer.Option(help="the folder to write, for COVIDXR_DEFAULT_MODEL; else where it is shipped"),
    ] = None,
    backbone: Network = NetworkChoice.VGG16,
    weights: Weights = None,
) -> None:
    """Make the default model, with all that training and auditing others from it needs.

    Each folder of images is a site: the record says what is reached at one by a head that the others taught.
    """
    shipped_one = backbone is NetworkChoice.VGG16 and weights is None
    if out is None and not shipped_one:
        raise typer.BadParameter(
            "name a folder: what is shipped reads torchvision's VGG16", param_hint="--out"
        )
    with at_work() as settings:
        import numpy as np

        from ml import base_set, recipes
        from ml import default_model as shipped
        from ml.classifier import FeatureExtractor
        from ml.weights import write
        from services import datasets, shipping

        recipe, place = recipes.CHESTS[backbone.value], out or shipped.FOLDER
        seen_by = weights_of(settings, weights, recipe)
        extractor = FeatureExtractor(seen_by, recipe)
        folders = [load(settings, folder, extractor) for folder in data]
        sites = np.repeat(np.arange(len(folders)), [len(folder) for folder in folders])
        files = [record.path for folder in data for record in datasets.read_manifest(folder)]
        with terminal.bar() as progress:
            follow = terminal.epochs(progress, (1 + len(folders)) * shipped.CONFIG.epochs)
            made = shipped.make(reduce(base_set.join, folders), follow("default model"))
            films = shipping.films(made, files, extractor, terminal.counted(progress, "changed pictures"))
            prints = shipping.fingerprints(files, terminal.counted(progress, "fingerprints"))
            record = shipping.record(made, sites, films, follow)
        place.mkdir(parents=True, exist_ok=True)
        shipped.save(made, place)
        shipped.save_audit(films, record, place)
        shipped.save_fingerprints(prints, place)
        if not shipped_one:
            write(place / shipped.WEIGHTS_FILE, seen_by)
        typer.echo(f"{place}: model {made.model.name}, which reads {made.model.backbone.name}.")
        typer.echo(f"On the holdout: {terminal.figures(made.evaluation)}.")
        typer.echo(terminal.NOTICE)
