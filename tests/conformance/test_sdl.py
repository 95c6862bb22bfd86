"""The schema by the linters of others, by Relay's compiler, and against what was released."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conformance.suites import FOLDER, MODULES
from tests.live import ROOT

SCHEMA = ROOT / "schema.graphql"
ESLINT = ["node", str(MODULES / "eslint/bin/eslint.js"), "--config", str(FOLDER / "eslint.config.js")]
LINTER = ["node", str(MODULES / "graphql-schema-linter/lib/cli.js")]
# Numbers in names are sorted as numbers: TURNED_90 comes before TURNED_180.
IGNORED = {"enum-values-sorted-alphabetically": ["FilmView"]}
RELAY = ["node", str(MODULES / "relay-compiler/cli.js"), "relay.config.json"]

pytestmark = [pytest.mark.usefixtures("npm"), pytest.mark.timeout(600)]


def run(*command: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """How a program ended, and what it said, wherever it said it."""
    return subprocess.run(
        command,
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )


def compile_for_relay(folder: Path, schema: str) -> subprocess.CompletedProcess[str]:
    """Compiles the operations with a schema, in a copy, since artifacts are written beside them."""
    shutil.copytree(FOLDER / "relay", folder)
    (folder / "schema.graphql").write_text(schema, encoding="utf-8")
    (folder / "__generated__").mkdir()
    return run(*RELAY, cwd=folder)


def test_graphql_eslint() -> None:
    linted = run(*ESLINT, "schema.graphql")
    assert linted.returncode == 0, linted.stdout


def test_graphql_schema_linter() -> None:
    linted = run(*LINTER, "--ignore", json.dumps(IGNORED), "schema.graphql")
    assert linted.returncode == 0, linted.stdout
    assert "FilmView" in run(*LINTER, "schema.graphql").stdout, "the exception is needed no more"


def test_relay_compiler(tmp_path: Path) -> None:
    compiled = compile_for_relay(tmp_path / "relay", SCHEMA.read_text(encoding="utf-8"))
    assert compiled.returncode == 0, compiled.stdout
    artifacts = {file.name.partition(".")[0] for file in (tmp_path / "relay/__generated__").iterdir()}
    assert {"imagesListRefetch", "imagesImageRefetch", "imagesPredictionsSubscription"} <= artifacts


def test_relay_compiler_tells_of_a_connection_that_is_none(tmp_path: Path) -> None:
    schema = SCHEMA.read_text(encoding="utf-8").replace("pageInfo: PageInfo!", "info: PageInfo!")
    compiled = compile_for_relay(tmp_path / "relay", schema)
    assert compiled.returncode != 0
    assert "pageInfo" in compiled.stdout


# ------------------------------------------------------------------ what was released


class Checkout:
    """A checkout with a schema, and perhaps one that was released."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.schema = SCHEMA.read_text(encoding="utf-8")
        (root / "scripts").mkdir()
        (root / "web").mkdir()
        (root / "tests").mkdir()
        (root / "tests/conformance").symlink_to(FOLDER)
        for name in ("Makefile", "scripts/check-changes.sh"):
            shutil.copy(ROOT / name, root / name)
        self.write(self.schema)

    def write(self, schema: str, name: str = "schema.graphql") -> None:
        (self.root / name).write_text(schema, encoding="utf-8")

    def check(self) -> tuple[int, str]:
        """The exit status, and what was said."""
        checked = run("scripts/check-changes.sh", cwd=self.root)
        return checked.returncode, checked.stdout

    def git(self, *command: str) -> None:
        who = ("-c", "user.name=Ana", "-c", "user.email=ana@hospital.example")
        assert run("git", *who, *command, cwd=self.root).returncode == 0


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_before_the_first_release(checkout: Checkout) -> None:
    assert checkout.check() == (0, "schema.graphql: no release yet to compare it with\n")


def test_what_was_added_passes_and_what_was_removed_fails(checkout: Checkout) -> None:
    checkout.write(checkout.schema, "schema.released.graphql")
    assert checkout.check() == (0, "")
    checkout.write(checkout.schema.replace("newLabels: Int!", "newLabels: Int!\n  oldLabels: Int!"))
    assert checkout.check() == (
        0,
        "NON_BREAKING: Field 'oldLabels' was added to object type 'RetrainingStatus'\n",
    )
    checkout.write(checkout.schema.replace("newLabels: Int!", "oldLabels: Int!"))
    status, said = checkout.check()
    assert status == 1
    assert "BREAKING: Field 'newLabels' was removed from object type 'RetrainingStatus'" in said
    assert "1 of these break clients" in said


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  newLabels: Int!", "  newLabels: Int"),
        ("  locale: String\n", "  locale: String!\n"),
        ("ALREADY_RUNNING", "ALREADY_ON"),
        ("DeleteNewsInput", "RemoveNewsInput"),
        ("deleteNews(", "removeNews("),
        ("type Label implements Node", "type Label"),
    ],
)
def test_what_breaks_clients(checkout: Checkout, old: str, new: str) -> None:
    assert old in checkout.schema
    checkout.write(checkout.schema, "schema.released.graphql")
    checkout.write(checkout.schema.replace(old, new))
    status, said = checkout.check()
    assert status == 1
    assert "break clients" in said


def test_what_was_deprecated_may_go(checkout: Checkout) -> None:
    deprecated = 'oldLabels: Int! @deprecated(reason: "Ask for newLabels.")'
    released = checkout.schema.replace("newLabels: Int!", f"newLabels: Int!\n  {deprecated}")
    checkout.write(released, "schema.released.graphql")
    assert checkout.check()[0] == 0


def test_a_release_keeps_its_schema(checkout: Checkout) -> None:
    checkout.git("init", "--quiet")
    checkout.git("add", "schema.graphql")
    checkout.git("commit", "--quiet", "--message", "Release")
    checkout.git("tag", "v0.9.0")
    checkout.git("tag", "v0.10.0")
    status, said = checkout.check()
    assert status == 1
    assert "git show v0.10.0:schema.graphql >schema.released.graphql" in said
    checkout.write(checkout.schema, "schema.released.graphql")
    assert checkout.check() == (0, "")
