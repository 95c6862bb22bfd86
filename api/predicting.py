"""`covidxr predict`: findings for files, for people or for programs."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api import terminal
from api.classifying import Weights, at_work, network
from api.settings import Settings

if TYPE_CHECKING:  # these bring jax, which `covidxr --help` need not wait for
    from ml.classifier import Classifier, FeatureExtractor, Judgement
    from services.file_findings import FileFinding

ABSTAINED = {
    "NOT_A_CHEST_XRAY": "no finding, this is no chest X-ray",
    "OUT_OF_DISTRIBUTION": "no finding, this chest X-ray is unlike those that the model knows",
    "UNCERTAIN": "no finding, too uncertain",
}
ODD_VIEWS = {
    "TURNED_90": "no finding, turned by 90 degrees clockwise: turn it upright and try again",
    "TURNED_180": "no finding, upside down: turn it upright and try again",
    "TURNED_270": "no finding, turned by 90 degrees counter-clockwise: turn it upright and try again",
    "TILTED": "no finding, it lies askew: straighten it and try again",
    "LATERAL": "no finding, a lateral view, it seems: the model knows frontal ones",
}


def predict(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="image files")],
    json_lines: Annotated[bool, typer.Option("--json", help="one JSON object a line")] = False,
    model: Annotated[Path | None, typer.Option(help="a file of `train`; else the default model")] = None,
    weights: Weights = None,
    heatmap: Annotated[
        Path | None, typer.Option(metavar="DIR", help="a folder for pictures of where the model sees COVID")
    ] = None,
) -> None:
    """Say of each image whether it looks like COVID-19; exits with 1 if a file cannot be read."""
    with at_work(keeps_caches=False) as settings:
        extractor, classifier = _predictor(settings, model, weights)
        from services.file_findings import find

        found = []
        findings = find(files, extractor, classifier, heatmap)
        with terminal.bar(shown=not (json_lines and sys.stdout.isatty())) as progress:
            for one in progress.track(findings, len(files), description="images"):
                found.append(one)
                if json_lines:
                    print(_as_json(one, classifier.model.name, heatmap is not None), flush=True)
    if not json_lines:
        for one in found:
            typer.echo(_as_text(one))
    typer.echo(terminal.NOTICE, err=json_lines)
    if any(one.error for one in found):
        raise typer.Exit(1)


def _predictor(
    settings: Settings, file: Path | None, weights: Path | None
) -> tuple[FeatureExtractor, Classifier]:
    """A model, and what makes the features that it reads."""
    from ml import default_model as shipped
    from ml import model_file, recipes
    from ml.classifier import Classifier

    file = file or (settings.default_model or shipped.FOLDER) / shipped.MODEL_FILE
    model = model_file.load(file.read_bytes())
    extractor = network(settings, weights or shipped.weights_file(file.parent), recipes.of(model.backbone))
    return extractor, Classifier(model, extractor.backbone)


def _as_json(found: FileFinding, model: str, drawn: bool) -> str:
    if found.judgement is None:
        return json.dumps({"file": str(found.file), "error": found.error})
    answer = {
        "file": str(found.file),
        "finding": {None: None, True: "COVID", False: "NO_COVID"}[found.judgement.covid],
        "probability": round(found.judgement.probability, 6),
        "abstained": found.judgement.abstained,
        "view": found.view,
        "model": model,
    }
    if drawn:
        answer["heatmap"] = str(found.heatmap) if found.heatmap else None
    return json.dumps(answer)


def _as_text(found: FileFinding) -> str:
    if found.judgement is None:
        return f"{found.file}: {found.error}"
    drawn = f", heatmap {found.heatmap}" if found.heatmap else ""
    finding = _in_words(found.judgement, found.view)
    return f"{found.file}: {finding}, probability {found.judgement.probability:.3f}{drawn}"


def _in_words(judged: Judgement, view: str | None) -> str:
    if view in ODD_VIEWS:
        return ODD_VIEWS[view]
    if judged.abstained:
        return ABSTAINED[judged.abstained]
    return "COVID" if judged.covid else "no COVID"
