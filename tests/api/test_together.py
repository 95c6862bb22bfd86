"""`covidxr train` in several processes: one is killed, the others end, and all go on to the same head."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from api.together import LOST_SECONDS
from ml import model_file
from tests.live import COVIDXR, ROOT, free_port
from tests.radiographs import small_site

SECONDS = 240


class Host:
    """Where processes train: a folder of images, and one data folder for all."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.site = folder, small_site(folder / "site")
        clean = {name: value for name, value in os.environ.items() if not name.startswith("COVIDXR_")}
        ours = {"JAX_PLATFORMS": "cpu", "PYTHONUNBUFFERED": "1"}
        self.environment = {**clean, **ours, "COVIDXR_DATA_DIR": str(folder / "data")}

    @contextmanager
    def training(
        self, out: Path, *options: str, processes: int = 2
    ) -> Iterator[list[subprocess.Popen[bytes]]]:
        """So many processes that train as one; their words go to a log each."""
        at = f"127.0.0.1:{free_port()}"
        started = []
        for number in range(processes):
            place = ["--coordinator", at, "--processes", str(processes), "--process", str(number)]
            command = [*COVIDXR, "train", "--data", str(self.site), "--out", str(out), *options, *place]
            with self.log(number).open("wb") as log:
                started.append(
                    subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=log, stderr=log)
                )
        try:
            yield started
        finally:
            for process in started:
                process.kill()
                process.wait()

    def log(self, number: int) -> Path:
        return self.folder / f"{number}.log"

    def trained(self, out: Path, *options: str) -> bytes:
        """The model that two processes make, undisturbed."""
        with self.training(out, *options) as processes:
            assert [process.wait(SECONDS) for process in processes] == [0, 0], self.log(1).read_text()
        return out.read_bytes()


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Host:
    return Host(tmp_path_factory.mktemp("host"))


@pytest.fixture(scope="module")
def undisturbed(host: Host) -> bytes:
    return host.trained(host.folder / "undisturbed.safetensors")


@pytest.mark.slow
@pytest.mark.parametrize("lost", [0, 1])
def test_one_is_killed_the_other_ends_and_together_they_go_on(
    host: Host, undisturbed: bytes, tmp_path: Path, lost: int
) -> None:
    checkpoints, out = tmp_path / "checkpoints", tmp_path / "model.safetensors"
    with host.training(out, "--checkpoints", str(checkpoints)) as processes:
        wait_for_a_checkpoint(checkpoints, processes)
        processes[lost].send_signal(signal.SIGKILL)
        assert processes[1 - lost].wait(3 * LOST_SECONDS) != 0
    said = host.log(1 - lost).read_text()
    assert "or one of them was lost" in said or "another task died" in said
    assert not out.exists()
    assert host.trained(out, "--checkpoints", str(checkpoints)) == undisturbed
    assert "Going on after epoch 20" in host.log(0).read_text()


def wait_for_a_checkpoint(folder: Path, processes: list[subprocess.Popen[bytes]]) -> None:
    deadline = time.monotonic() + SECONDS
    while not list(folder.glob("*.safetensors")):
        assert time.monotonic() < deadline
        assert all(process.poll() is None for process in processes)
        time.sleep(0.01)


@pytest.mark.slow
def test_they_refuse_to_learn_from_different_images(host: Host, undisturbed: bytes, tmp_path: Path) -> None:
    """Here with different seeds: each would be content by itself."""
    at = f"127.0.0.1:{free_port()}"
    command = [*COVIDXR, "train", "--data", str(host.site), "--out", str(tmp_path / "m"), "--coordinator", at]
    started = [
        subprocess.Popen(
            [*command, "--processes", "2", "--process", seed, "--seed", seed],
            cwd=ROOT,
            env=host.environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        for seed in ("0", "1")
    ]
    said = [process.communicate(timeout=SECONDS)[1] for process in started]
    assert all(process.returncode != 0 for process in started)
    assert any("different images or settings" in words for words in said)
    assert not (tmp_path / "m").exists()


@pytest.mark.slow
def test_the_model_is_that_of_one_process_to_rounding(host: Host, undisturbed: bytes) -> None:
    out = host.folder / "alone.safetensors"
    command = [*COVIDXR, "train", "--data", str(host.site), "--out", str(out)]
    subprocess.run(command, cwd=ROOT, env=host.environment, check=True, timeout=SECONDS)
    alone, together = (
        model_file.load(data).head.params["linear"] for data in (out.read_bytes(), undisturbed)
    )
    for part, values in alone.items():
        assert abs(values - together[part]).max() <= 1e-4 * abs(values).max()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--processes", "2"], "--coordinator"),
        (["--process", "1"], "--coordinator"),
        (["--coordinator", "here"], "HOST:PORT"),
        (["--coordinator", "here:12", "--processes", "2", "--process", "2"], "--process"),
    ],
)
def test_options_that_do_not_fit_are_refused(options: list[str], words: str, tmp_path: Path) -> None:
    command = [*COVIDXR, "train", "--data", "x", "--out", str(tmp_path / "m"), *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 2
    assert words in done.stderr
