"""Odd bytes for all that takes bytes of strangers, for seconds; `make fuzz` does so for longer."""

from __future__ import annotations

import hashlib
import logging
import os
from pathlib import Path

import pytest

from tests.fuzz import __main__ as program
from tests.fuzz import hunting, wire
from tests.fuzz.hunting import again, hunt
from tests.fuzz.target import Wrong
from tests.fuzz.targets import TARGETS
from tests.missing import missing

MADE_UP = "tests.fuzz.made_up"
SECONDS = 3


@pytest.fixture(autouse=True)
def _what_it_needs() -> None:
    if hunting.LACKING:
        missing(hunting.LACKING)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("raises", "KeyError: 'odd'"),
        ("answers", "Wrong: of somebody else"),
        ("ends", "the process ended with status 7"),
        ("dies", "the process ended with status -6"),
        ("hangs", "hung for 1 s"),
        ("works", "took "),
        ("grows", "took more than 500 MB"),
        ("reads", "KeyError: 'a token'"),
        ("hides", "KeyError: 'deep'"),
    ],
)
def test_what_is_wrong_is_found_kept_by_its_hash_and_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, wrong: str
) -> None:
    if name == "hangs":
        monkeypatch.setattr(hunting, "HUNG_SECONDS", 1)
    seconds = SECONDS if name in ("hides", "reads") else 0.01
    found = hunt(name, seconds, "a test", tmp_path, MADE_UP)
    sha256, told = next(iter(found.findings.items()))
    assert told.startswith(wrong)
    file = tmp_path / name / sha256
    assert hashlib.sha256(file.read_bytes()).hexdigest() == sha256
    assert f"--again {file}" in file.with_suffix(".txt").read_text()
    assert (again(name, file, MADE_UP) or "").startswith(wrong)


@pytest.mark.parametrize("ci", ["", "true"])
def test_where_atheris_is_not_it_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], ci: str
) -> None:
    monkeypatch.setattr(program, "LACKING", "no atheris")
    monkeypatch.setattr("sys.argv", ["fuzz"])
    monkeypatch.setenv("CI", ci)
    assert program.main() == bool(ci)
    assert capsys.readouterr().out == "Skipped: no atheris\n"


@pytest.mark.filterwarnings("ignore")  # which end no server
@pytest.mark.parametrize("name", wire.SAYING)
def test_what_a_server_says_of_errors_is_heard(name: str) -> None:
    with wire.server() as is_taken:
        assert any(is_taken(wire.requests()[0]) for _ in range(20)), "an answer waits for a moment only"
        logging.getLogger(name).error("a fault")
        with pytest.raises(Wrong, match="a fault"):
            is_taken(wire.requests()[0])


@pytest.mark.parametrize(("taken", "status"), [(1, 0), (0, 1), (9, 1)])
def test_a_hunt_that_never_got_in_or_was_never_turned_away_is_none(
    monkeypatch: pytest.MonkeyPatch, taken: int, status: int
) -> None:
    monkeypatch.setattr(program, "hunt", lambda name, *_: hunting.Hunt(name, inputs=9, taken=taken))
    monkeypatch.setattr("sys.argv", ["fuzz", "--targets", "images"])
    assert program.main() == status


@pytest.mark.slow
@pytest.mark.skipif(bool(os.environ.get("CI")), reason="`.ci/run` has `make fuzz-bytes` do so for longer")
@pytest.mark.parametrize("name", TARGETS)
def test_odd_bytes_do_no_harm(name: str) -> None:
    """What is found is kept where `make fuzz` keeps it, so that it is found again."""
    found = hunt(name, SECONDS, "the tests", program.KEPT)
    assert found.findings == {}
    assert 0 < found.taken < found.inputs
