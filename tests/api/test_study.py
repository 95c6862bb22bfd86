"""The classifier at the command line, on real files."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import safetensors.numpy
from PIL import Image
from typer.testing import CliRunner, Result

from api import terminal
from api.cli import app
from ml import chest, image, model_file
from tests.radiographs import small_site, write_folder

PLOTS = ("roc", "precision", "calibration", "confusion")
NOTICE = "For research, not for diagnosis."


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_site(tmp_path_factory.mktemp("folders") / "site")


@contextmanager
def at_work(data_dir: Path) -> Iterator["Run"]:
    with pytest.MonkeyPatch.context() as patching:
        patching.setenv("COVIDXR_DATA_DIR", str(data_dir))
        yield Run()


@pytest.fixture
def run(data_dir: Path) -> "Iterator[Run]":
    with at_work(data_dir) as running:
        yield running


class Run:
    """Runs a command in this process."""

    def __call__(self, *words: str | Path) -> Result:
        return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def head_c(site: Path, data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of the paper's, which takes any picture for a radiograph."""
    file = tmp_path_factory.mktemp("models") / "c.safetensors"
    with at_work(data_dir) as run:
        assert run("train", "--data", site, "--head", "C", "--out", file).exit_code == 0
    return file


def lines_of(result: Result) -> list[dict[str, object]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_help_does_not_wait_for_jax() -> None:
    code = "import sys, api.cli; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_administrator_is_made_without_jax(tmp_path: Path) -> None:
    code = (
        "import sys; from api.cli import app; "
        "app(['create-admin', 'ada@hospital.example'], standalone_mode=False); sys.exit('jax' in sys.modules)"
    )
    settings = {"COVIDXR_DATA_DIR": str(tmp_path), "COVIDXR_ADMIN_PASSWORD": "of a test alone, and long"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | settings, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_predict_says_one_json_object_a_line(run: Run, site_a: Path) -> None:
    files = sorted((site_a / "originals").iterdir())
    result = run("predict", "--json", *files)
    found = lines_of(result)
    assert result.exit_code == 0, result.stderr
    assert [line["file"] for line in found] == [str(file) for file in files]
    for line in found:
        assert list(line) == ["file", "finding", "probability", "abstained", "view", "model"]
        assert line["finding"] in ("COVID", "NO_COVID")
        assert 0 <= float(str(line["probability"])) <= 1
        assert (line["abstained"], line["view"]) == (None, "FRONTAL")
    assert NOTICE in result.stderr


def test_predict_tells_the_images_of_site_a_apart(run: Run, site_a: Path) -> None:
    files = [*sorted((site_a / "covid").iterdir())[:4], *sorted((site_a / "no_finding").iterdir())[:4]]
    findings = [line["finding"] for line in lines_of(run("predict", "--json", *files))]
    assert findings.count("COVID") >= 3
    assert findings[4:] == ["NO_COVID"] * 4


def test_files_that_cannot_be_read_fail_alone(run: Run, site: Path, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("not an image")
    result = run("predict", "--json", site / "0.png", tmp_path / "text.png", tmp_path / "gone.png", tmp_path)
    found = lines_of(result)
    assert result.exit_code == 1
    assert set(found[0]) > {"finding", "probability"}
    assert [set(line) for line in found[1:]] == [{"file", "error"}] * 3
    assert "not an image" in str(found[1]["error"])
    assert found[2]["error"] == "No such file or directory"
    assert found[3]["error"] == "Is a directory"


def test_predict_speaks_to_people_too(run: Run, site: Path) -> None:
    result = run("predict", site / "0.png")
    assert result.exit_code == 0, result.stderr
    assert f"{site / '0.png'}: " in result.stdout
    assert "probability 0." in result.stdout or "probability 1." in result.stdout
    assert NOTICE in result.stdout


def test_predict_says_of_a_turned_film_how_to_turn_it(run: Run, site_a: Path, tmp_path: Path) -> None:
    film = next(file for file in sorted((site_a / "no_finding").iterdir()))
    with Image.open(film) as upright:
        upright.transpose(Image.Transpose.ROTATE_270).save(tmp_path / "clockwise.png")
    (line,) = lines_of(run("predict", "--json", tmp_path / "clockwise.png"))
    assert (line["finding"], line["abstained"]) == (None, "OUT_OF_DISTRIBUTION")
    assert line["view"] == "TURNED_90"
    said = run("predict", tmp_path / "clockwise.png").stdout
    assert "no finding, turned by 90 degrees clockwise: turn it upright and try again" in said


def test_predict_draws_heatmaps_and_replaces_nothing(
    run: Run, site: Path, head_c: Path, tmp_path: Path
) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        shutil.copy(site / "0.png", tmp_path / folder / "chest.png")
    original = (tmp_path / "a" / "chest.png").read_bytes()
    files = [tmp_path / "a" / "chest.png", tmp_path / "b" / "chest.png", tmp_path / "gone.png"]
    words = ["predict", "--json", "--model", head_c, "--heatmap", tmp_path / "a"]
    found = lines_of(run(*words, *files))
    drawn = [tmp_path / "a" / f"chest-{number}.png" for number in (2, 3)]
    assert [line.get("heatmap") for line in found] == [*map(str, drawn), None]
    assert list(found[0]) == ["file", "finding", "probability", "abstained", "view", "model", "heatmap"]
    assert (tmp_path / "a" / "chest.png").read_bytes() == original
    assert drawn[0].read_bytes() == drawn[1].read_bytes() != original
    with Image.open(drawn[0]) as overlay, Image.open(files[0]) as picture:
        assert (overlay.format, overlay.size) == ("PNG", picture.size)


def test_predict_names_a_heatmap_after_its_file(run: Run, site: Path, head_c: Path, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    result = run("predict", "--model", head_c, "--heatmap", folder, site / "1.png")
    assert f"heatmap {folder / '1.png'}" in result.stdout
    assert (folder / "1.png").is_file()


def test_predict_draws_heatmaps_of_radiographs_and_of_nothing_else(
    run: Run, site_a: Path, tmp_path: Path
) -> None:
    radiograph = next((site_a / "no_finding").iterdir())
    Image.linear_gradient("L").save(tmp_path / "ramp.png")
    words = ["predict", "--json", "--heatmap", tmp_path / "drawn"]
    chest, ramp = lines_of(run(*words, radiograph, tmp_path / "ramp.png"))
    assert chest["heatmap"] == str(tmp_path / "drawn" / f"{radiograph.stem}.png")
    assert (ramp["abstained"], ramp["heatmap"]) == ("NOT_A_CHEST_XRAY", None)
    assert len(list((tmp_path / "drawn").iterdir())) == 1


def test_train_writes_a_model_that_predict_takes(run: Run, site: Path, tmp_path: Path) -> None:
    out = tmp_path / "models" / "b.safetensors"
    result = run("train", "--data", site, "--head", "B", "--seed", "3", "--out", out)
    assert result.exit_code == 0, result.stderr
    model = model_file.load(out.read_bytes())
    assert (model.head.name, model.seed) == ("B", 3)
    assert model.name in result.stdout
    assert NOTICE in result.stdout
    (line,) = lines_of(run("predict", "--json", "--model", out, site / "0.png"))
    assert line["model"] == model.name


def test_training_tells_a_log_how_far_it_is(run: Run, site: Path, tmp_path: Path) -> None:
    said = run("train", "--data", site, "--head", "B", "--out", tmp_path / "b").stderr.splitlines()
    assert said[-21].startswith("features of site: ")
    pattern = re.compile(r"head B: (\d+) of 20 epochs, loss \d+\.\d{4}")
    assert [int(match[1]) for line in said if (match := pattern.fullmatch(line))] == list(range(1, 21))


def test_a_study_tells_a_log_how_far_it_is(run: Run, site: Path, tmp_path: Path) -> None:
    words = ["--heads", "C", "--folds", "2", "--out", tmp_path]
    said = run("evaluate", "--data", site, *words).stderr.splitlines()
    epochs = [line for line in said if " epochs, loss " in line]
    assert len(epochs) == 20
    assert epochs[-1].startswith("head C, fold 2: 160 of 160 epochs")


def test_what_is_said_to_a_log_stays_off_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # what rich takes for a terminal
    with terminal.bar() as progress, progress.console.capture() as captured:
        terminal.epochs(progress, 1)("head C")(1, 0.5)
        terminal.counted(progress, "features")(1, 1)
    assert "of 1 epochs" not in captured.get()
    assert "features: 1" not in captured.get()


def test_the_same_seed_trains_the_same_bytes(run: Run, site: Path, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("first", "again", "other")]
    for file, seed in zip(files, ("3", "3", "4"), strict=True):
        assert run("train", "--data", site, "--seed", seed, "--out", file).exit_code == 0
    first, again, other = (file.read_bytes() for file in files)
    assert first == again != other


def test_evaluate_writes_all_it_promises(run: Run, site: Path, tmp_path: Path) -> None:
    words: Sequence[str | Path] = [
        "evaluate",
        "--data",
        site,
        "--out",
        tmp_path / "out",
        "--heads",
        "C",
        "--folds",
        "2",
    ]
    result = run(*words, "--shifted", site)
    assert result.exit_code == 0, result.stderr
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert set(metrics["heads"]) == {"C"}
    assert 0 <= metrics["heads"]["C"]["auc"]["low"] <= metrics["heads"]["C"]["auc"]["value"] <= 1
    assert metrics["heads"]["C"]["shifted"]["positives"] == 8
    written = {file.name for file in (tmp_path / "out").iterdir()}
    assert written == {"metrics.json", "report.md", *(f"{name}.png" for name in PLOTS)}
    for words_of_table in ("COVID against pneumonia", "73.20", "95.35", "do not carry over", NOTICE):
        assert words_of_table in result.stdout


def test_head_d_is_shown_whole_pictures_where_that_is_asked(run: Run, site: Path, tmp_path: Path) -> None:
    words = ["--heads", "D", "--folds", "2", "--audit", "none", "--out", tmp_path]
    for option, preprocessing, said in (
        ([], chest.PREPROCESSING, "shown the standardised chest alone"),
        (["--whole", "224"], image.PREPROCESSING, f"shown the whole picture here ({image.PREPROCESSING})"),
    ):
        result = run("evaluate", "--data", site, *words, *option)
        assert result.exit_code == 0, result.stderr
        metrics = json.loads((tmp_path / "metrics.json").read_text())
        assert preprocessing in metrics["heads"]["D"]["backbone"]
        assert f"Head D is {said}" in metrics["caution"]
    refused = run("evaluate", "--data", site, "--heads", "C", "--whole", "448", "--out", tmp_path)
    assert refused.exit_code == 2
    assert "is for head D" in refused.stderr


@pytest.mark.slow
def test_folders_are_evaluated_together_and_head_d_is_audited(run: Run, tmp_path: Path) -> None:
    site = small_site(tmp_path / "site", 12)
    labels = ["covid", "covid", "no_finding", "no_finding"]
    other = write_folder(tmp_path / "other", labels, [f"other {number}" for number in range(4)], "elsewhere")
    words = ["--heads", "D", "--folds", "2", "--out", tmp_path / "out"]
    result = run("evaluate", "--data", site, "--data", other, *words)
    assert result.exit_code == 0, result.stderr
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert metrics["data"]["images"] == 16
    assert set(metrics["heads"]["D"]["by_source"]) == {"made up", "elsewhere"}
    found = metrics["audit"]["D"]
    assert found["altered"] == 16
    assert [one["name"] for one in found["sources"]] == ["elsewhere", "made up"]
    assert "changed pictures for head D: 16 of 16" in result.stderr
    assert [(one["covid"], one["images"]) for one in metrics["heat"]["D"]] == [(True, 6), (False, 10)]
    assert "lies in the lung fields" in result.stdout
    assert "follow the border: where the chest is greyed out" in result.stdout
    assert (tmp_path / "out" / "audit.png").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train", "--data", "{empty}", "--out", "x"], "manifest.csv cannot be read"),
        (["evaluate", "--data", "{site}", "--out", "x", "--folds", "9"], "too few for 9 folds"),
        (["predict", "--model", "{manifest}", "{site}/0.png"], "no COVID-XR model"),
        (["predict", "--model", "{empty}/gone", "{site}/0.png"], "No such file"),
        (["predict", "--heatmap", "{manifest}", "{site}/0.png"], "File exists"),
        (["predict", "--weights", "{manifest}", "{site}/0.png"], "none of .pth"),
        (["train", "--data", "{site}", "--head", "E", "--out", "x"], "'E' is not one of"),
        (["evaluate", "--data", "{site}", "--out", "x", "--heads", "A,E"], "heads are A, B, C and D"),
        (["evaluate", "--data", "{site}", "--out", "x", "--audit", "E"], "heads are A, B, C and D"),
    ],
)
def test_what_people_can_mend_is_said_in_a_sentence(
    run: Run, site: Path, tmp_path: Path, words: list[str], message: str
) -> None:
    places = {"site": str(site), "empty": str(tmp_path), "manifest": str(site / "manifest.csv")}
    result = run(*(word.format(**places) for word in words))
    assert result.exit_code in (1, 2)
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_a_model_of_other_weights_is_refused(run: Run, site: Path, data_dir: Path, tmp_path: Path) -> None:
    arrays = safetensors.numpy.load_file(next((data_dir / "cache" / "weights").iterdir()))
    arrays["conv1_1.bias"] = arrays["conv1_1.bias"] + 1
    safetensors.numpy.save_file(arrays, tmp_path / "own.safetensors")
    result = run("predict", "--weights", tmp_path / "own.safetensors", site / "0.png")
    assert result.exit_code == 1
    assert "the model reads features of vgg16/" in result.stderr
