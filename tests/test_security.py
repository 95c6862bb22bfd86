"""docs/security.md names what is there, and leaves no requirement of ASVS out."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from api.settings import PREFIX, Settings
from tests.live import ROOT

DOCUMENTS = ("SECURITY.md", "docs/security.md")
GUIDE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
STATES = {"met", "partly", "not met", "operator", "n/a"}
OF_COMPOSE = {"COVIDXR_CERTIFICATE"}
MADE_BY_RUNNING = {"data/secret.key"}

# OWASP ASVS 5.0.0: how many requirements of levels 1 and 2 each section has, which there come first.
SECTIONS = {
    1: (2, 9, 11, 3, 2),
    2: (3, 3, 4, 1),
    3: (0, 2, 4, 6, 5, 0, 2),
    4: (3, 1, 2, 4),
    5: (1, 3, 2, 3),
    6: (3, 12, 4, 4, 5, 3, 0, 4),
    7: (3, 4, 2, 5, 2, 2),
    8: (2, 3, 1, 1),
    9: (3, 4),
    10: (2, 2, 4, 11, 5, 2, 3),
    11: (2, 3, 3, 4, 1, 1),
    12: (3, 2, 4),
    13: (1, 5, 2, 5),
    14: (2, 4, 3),
    15: (3, 3, 7),
    16: (1, 5, 4, 3, 3),
    17: (1, 4, 2),
}
REQUIREMENTS = [
    f"{chapter}.{section}.{number}"
    for chapter, counts in SECTIONS.items()
    for section, count in enumerate(counts, 1)
    for number in range(1, count + 1)
]


@dataclass(frozen=True)
class Line:
    """A line of the checklist."""

    numbers: tuple[str, ...]
    state: str
    shown: str

    def is_of(self, requirement: str) -> bool:
        return any(f"{requirement}.".startswith(f"{number}.") for number in self.numbers)


LINES = [
    Line(tuple(numbers.split(", ")), state, shown)
    for numbers, state, shown in re.findall(
        r"^\| (\d[\d., ]*) \| [^|]+ \| ([^|]+) \| ([^|]*)\|$", GUIDE, re.M
    )
]


def quoted(document: str) -> list[str]:
    """What a document names as it is written in files."""
    return re.findall(r"`([^`\n]+)`", (ROOT / document).read_text(encoding="utf-8"))


def paths(words: list[str]) -> list[str]:
    return [word for word in words if re.fullmatch(r"[\w./-]*\w/[\w./-]*(::\w+)?|[\w-]+\.\w{2,8}", word)]


def shown_by(shown: str) -> list[str]:
    named = re.findall(r"`([^`]+)`", shown)
    return [word for word in named if "::" in word or ".test." in word or word.startswith("make ")]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_what_is_named_is_there(document: str) -> None:
    named = set(paths(quoted(document))) - MADE_BY_RUNNING
    for file, _, test in (word.partition("::") for word in named):
        assert (ROOT / file).exists(), file
        if test:
            assert re.search(rf"^(async )?def {test}\(", (ROOT / file).read_text(encoding="utf-8"), re.M), (
                test
            )


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https:)([^)#]+)", text):
        assert ((ROOT / document).parent / target).exists(), target


def test_headings_that_are_linked_are_there() -> None:
    for file, heading in re.findall(r"\]\(([\w.-]+\.md)#([\w-]+)\)", GUIDE):
        titles = re.findall(r"^#+ (.+)$", (ROOT / "docs" / file).read_text(encoding="utf-8"), re.M)
        slugs = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
        assert heading in slugs


@pytest.mark.parametrize("document", DOCUMENTS)
def test_settings_and_commands_are_there(document: str) -> None:
    words = quoted(document)
    settings = {word for word in words if word.startswith(PREFIX)} - OF_COMPOSE
    assert settings <= {PREFIX + name.upper() for name in Settings.model_fields}
    assert all(word in (ROOT / "docker-compose.yml").read_text() for word in OF_COMPOSE)
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M)
    assert {word.removeprefix("make ") for word in words if word.startswith("make ")} <= set(targets)


def test_every_line_of_the_checklist_is_read() -> None:
    assert len(LINES) == len(re.findall(r"^\| \d", GUIDE, re.M))
    assert {line.state for line in LINES} == STATES


def test_no_requirement_is_left_out_or_answered_twice() -> None:
    assert len(REQUIREMENTS) == 253
    for requirement in REQUIREMENTS:
        assert len([line for line in LINES if line.is_of(requirement)]) == 1, requirement
    for line in LINES:
        for number in line.numbers:
            assert any(f"{one}.".startswith(f"{number}.") for one in REQUIREMENTS), number


@pytest.mark.parametrize(
    "line", [line for line in LINES if line.state == "met"], ids=lambda line: line.numbers[0]
)
def test_what_is_met_says_where_and_how_it_is_shown(line: Line) -> None:
    shown = shown_by(line.shown)
    assert shown or "by reading" in line.shown
    assert "above" in line.shown or re.search(r"`[^`]*\.[^`]*`|`\w+/`", line.shown)


def test_what_is_not_met_says_what_is_missing() -> None:
    assert all(line.shown.strip() for line in LINES if line.state in {"partly", "not met", "operator"})
