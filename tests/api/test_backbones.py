"""Other networks from end to end, with weights that know nothing: made, put in service, asked."""

import csv
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from api.classifier import load_beginning
from api.classifying import NetworkChoice
from api.cli import app
from api.preparation import CannotStart
from api.settings import Settings
from api.trainer import TrainerProcess, learning_from
from api.wiring import load_parts, running
from ml import default_model, image, keras_networks, making, model_file, networks, recipes
from ml.classifier import Classifier, FeatureExtractor
from ml.keras_weights import random_weights
from ml.training import TrainingConfig
from ml.weights import write
from services import datasets, learning
from store.tables import Image, ModelVersion
from tests.people import admin
from tests.services.test_learning import lay_out, outcome
from tests.uploading import upload

NETWORK = "mobilenetv2"
OF_A_KIND = 16


@pytest.fixture(scope="module")
def few(site_a: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty-two films of site A, half of them with COVID."""
    folder = tmp_path_factory.mktemp("few")
    records = datasets.read_manifest(site_a)
    others = [record for record in records if record.label != "covid"]
    chosen = [record for record in records if record.label == "covid"][:OF_A_KIND]
    chosen += others[:: len(others) // OF_A_KIND][:OF_A_KIND]
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(datasets.COLUMNS)
        for number, record in enumerate(chosen):
            name = f"{number}{record.path.suffix}"
            shutil.copy(record.path, folder / name)
            writer.writerow([name, record.label, record.patient, record.source])
    return folder


@pytest.mark.parametrize("network", list(keras_networks.NETWORKS))
def test_a_model_of_each_network_finds_and_shows_where(network: str, few: Path, tmp_path: Path) -> None:
    extractor = FeatureExtractor(random_weights(network, 0), recipes.CHESTS[network])
    base = datasets.load(few, extractor, tmp_path)
    config = TrainingConfig(head="D", epochs=3)
    model = model_file.load(model_file.save(making.teach(making.images_of(base), base.backbone, config)))
    assert model.backbone.network == network
    classifier = Classifier(model, extractor.backbone)
    film = extractor.prepare(image.decode((few / "0.jpg").read_bytes()))
    (judgement,) = classifier.judge(extractor.extract([film]))
    assert 0 < judgement.probability < 1
    assert (judgement.covid is None) == (judgement.abstained is not None)
    heat = classifier.heat(extractor.maps(film))
    assert heat.shape == (keras_networks.NETWORKS[network].side,) * 2
    assert np.isfinite(heat).all()


@pytest.fixture(scope="module")
def made(few: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A default model of another network, made by the command from a file of weights."""
    folder = tmp_path_factory.mktemp("made")
    write(folder / "own.safetensors", random_weights(NETWORK, 0))
    words = ["--network", NETWORK, "--weights", folder / "own.safetensors", "--data", few]
    result = run(folder, "default-model", *words, "--out", folder / "model")
    assert result.exit_code == 0, result.output
    assert f"which reads {NETWORK}/" in result.stdout
    return folder / "model"


def run(data_dir: Path, *words: str | Path) -> Result:
    """A command in this process."""
    return CliRunner(env={"COVIDXR_DATA_DIR": str(data_dir)}).invoke(app, [str(word) for word in words])


@pytest.mark.slow
def test_the_folder_holds_all_of_one_network(made: Path) -> None:
    default = default_model.load(made)
    assert default.model.backbone.network == NETWORK
    assert set(default_model.load_fingerprints(made)) == set(default.base_set.sha256.tolist())
    assert default.model.backbone == default.base_set.backbone == default_model.load_audit_set(made).backbone
    assert default.model.backbone.weights == random_weights(NETWORK, 0).sha256
    assert default.base_set.features.shape == (2 * OF_A_KIND, recipes.CHESTS[NETWORK].features)


@pytest.mark.slow
def test_predict_finds_the_weights_beside_the_model(made: Path, few: Path, tmp_path: Path) -> None:
    films = [few / f"{number}.jpg" for number in range(3)]
    result = run(tmp_path, "predict", "--json", "--model", made / "head.safetensors", *films)
    assert result.exit_code == 0, result.output
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert [0 <= answer["probability"] <= 1 for answer in answers] == [True] * 3
    assert {answer["model"] for answer in answers} == {default_model.load_model(made).name}


@pytest.mark.slow
async def test_the_server_serves_what_the_setting_names(made: Path, few: Path, tmp_path: Path) -> None:
    places = {"data_dir": tmp_path / "data", "default_model": made}
    settings = Settings(**places, device="cpu", log_format="json", log_level="error")
    parts = load_parts(settings)
    assert parts.trainer == TrainerProcess("cpu", learning_from(made, "json", "error"))
    async with running(settings, parts) as platform:
        (found,) = await upload(platform, await admin(), (few / "0.jpg").read_bytes(), wait=60)
        model = await ModelVersion.get()
        assert (model.backbone, model.extractor) == (NETWORK, default_model.load_model(made).backbone.name)
        assert (await Image.get(id=found.id)).features == model.extractor
        prediction = await found.predictions.all().first()
        assert prediction is not None
        assert 0 <= prediction.probability <= 1


@pytest.mark.slow
def test_a_retraining_learns_from_the_base_set_of_the_same_network(made: Path, tmp_path: Path) -> None:
    known = default_model.load(made).base_set
    rows = np.flatnonzero(~known.holdout)[:4]
    folder = lay_out(tmp_path, known, rows, known.covid[rows])
    (folder / "incumbent.safetensors").write_bytes((made / "head.safetensors").read_bytes())
    learning.learn(folder, lambda *_: None, made)
    assert outcome(folder)["trainedOn"] == int((~known.holdout).sum())
    candidate = model_file.load((folder / "candidate.safetensors").read_bytes())
    assert candidate.backbone == known.backbone


@pytest.mark.slow
def test_what_is_amiss_with_the_folder_is_said_before_anything_serves(made: Path, tmp_path: Path) -> None:
    other = shutil.copytree(made, tmp_path / "other")
    write(other / "weights.safetensors", random_weights(NETWORK, 1))
    with pytest.raises(CannotStart, match="the weights beside it are of"):
        load_beginning(tmp_path, other)
    shutil.copy(default_model.FOLDER / "head.safetensors", other)
    with pytest.raises(CannotStart, match="the base set holds"):
        load_beginning(tmp_path, other)
    with pytest.raises(CannotStart, match="No such file"):
        load_beginning(tmp_path, tmp_path / "nowhere")


def test_the_command_offers_every_network() -> None:
    assert tuple(NetworkChoice) == networks.NAMES
    assert [networks.written(name) for name in networks.NAMES] == [
        "VGG16",
        "ResNet50",
        "InceptionV3",
        "MobileNetV2",
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["default-model", "--network", "resnet50"], "name a folder"),
        (["train", "--network", "resnet50", "--head", "A", "--out", "x"], "head A reads vgg16 alone"),
        (["evaluate", "--network", "resnet50", "--out", "x"], "head A reads vgg16 alone"),
        (["train", "--network", "vgg19", "--out", "x"], "'vgg19' is not one of"),
    ],
)
def test_what_does_not_go_together_is_said(words: list[str], message: str, few: Path, tmp_path: Path) -> None:
    result = run(tmp_path, *words, "--data", few)
    assert result.exit_code in (1, 2)
    assert message in result.output
    assert "Traceback" not in result.output


def test_without_the_extra_the_command_says_the_remedy(
    few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "keras", None)
    result = run(tmp_path, "train", "--network", "resnet50", "--data", few, "--out", tmp_path / "x")
    assert result.exit_code == 1
    assert "install the extra: make extra-backbones" in result.output
