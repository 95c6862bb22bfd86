"""The card of a model version: what it is, what it learned from, what it reaches where, what nobody knows.

Its sections are the fields of Model Cards (Mitchell et al. 2019); each names the items of CLAIM that it
answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ml import networks
from services import card_tables, card_words, claim
from services.audit import border_of
from services.study_tables import Table, markdown, per_cent
from store.tables import ModelVersion

Part = str | Table


@dataclass(frozen=True)
class Section:
    """A heading, the items of CLAIM 2024 that it answers, and paragraphs and tables."""

    title: str
    items: tuple[int, ...]
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Card:
    """The card of one version."""

    number: int
    summary: str
    sections: tuple[Section, ...]

    @property
    def title(self) -> str:
        return f"Model card: model {self.number}"


def card_of(model: ModelVersion, withdrawn: int = 0) -> Card:
    """The card, of what is kept with the version, and how many labels that taught it have been withdrawn."""
    record: dict[str, Any] = model.record or {}
    sections = (
        _details(model, record),
        Section("Intended use", (3, 4, 5, 6, 41), (*card_words.INTENDED, card_words.AIMS)),
        Section("Factors", (), (card_words.FACTORS,)),
        _data(record, withdrawn),
        Section("Metrics", (28, 29), (card_words.METRICS,)),
        *_analyses(model, record),
        _audit(record),
        Section("Explanations and failures", (31, 39), (card_words.EXPLAINED, _failures(model))),
        Section("Ethical considerations", (11,), (card_words.PRIVACY, *card_words.ETHICS)),
        Section("Caveats and recommendations", (40,), (*_one_sided(record), *card_words.CAVEATS)),
        Section("More", (42, 43), (card_words.FURTHER,)),
        Section("What nobody knows", tuple(claim.UNKNOWN), (card_tables.unknown(),)),
    )
    return Card(model.number, _summary(model, record), sections)


def as_markdown(card: Card) -> str:
    """The card as Markdown."""
    paragraphs = [f"# {card.title}", f"**{card_words.WARNING}**", card.summary]
    for section in card.sections:
        paragraphs += [f"## {section.title}"]
        paragraphs += [f"*{answers(section)}*"] if section.items else []
        paragraphs += [text for part in section.parts for text in _texts(part)]
    return "\n\n".join(paragraphs) + "\n"


def answers(section: Section) -> str:
    """Which items of CLAIM a section answers, in words."""
    items = "; ".join(f"{item} {claim.ITEMS[item]}" for item in section.items)
    return f"CLAIM 2024: {items}."


def _texts(part: Part) -> list[str]:
    if isinstance(part, str):
        return [part]
    return [f"### {part.title}", markdown(part)] if part.title else [markdown(part)]


def _summary(model: ModelVersion, record: dict[str, Any]) -> str:
    figures = card_tables.in_words(model.evaluation)
    counted = f"{model.evaluation['positives']} films with COVID and {model.evaluation['negatives']} without"
    elsewhere = card_tables.weakest(record)
    return (
        "Says of a frontal chest X-ray whether it looks like COVID-19: "
        f"{networks.written(model.backbone)} with head {model.head}, taught by {model.trained_on:,} images. "
        f"On {counted}, of patients that it had not seen and of the same sources, it reaches {figures}. "
        f"{elsewhere}{_shortcut(record)}"
    )


def _shortcut(record: dict[str, Any]) -> str:
    audit = record.get("audit", {})
    if not audit.get("follows_border"):
        return ""
    refused = border_of(audit).refused
    but = f"; of pictures of the border alone it would refuse {per_cent(refused)} %" if refused else ""
    return f" By its shortcut audit its finding follows the border of the picture{but}."


def _details(model: ModelVersion, record: dict[str, Any]) -> Section:
    verdict = model.verdict or "None yet."
    parts = (card_tables.details(model, record.get("method")), f"Why it serves, or does not: {verdict}")
    return Section("Model details", (1, 2, 9, 22, 23, 24, 25, 26, 27), parts)


def _data(record: dict[str, Any], withdrawn: int) -> Section:
    regret = (_regret(withdrawn),) if withdrawn else ()
    if "data" not in record:
        return Section("Training and evaluation data", (), (card_words.UNRECORDED, *regret))
    parts = (
        *card_tables.data(record["data"]),
        *card_tables.left_out(record.get("left_out")),
        *regret,
        card_words.LABELS,
        card_words.CHOICE,
        card_words.PARTITIONS,
    )
    return Section("Training and evaluation data", (7, 8, 10, 12, 14, 16, 17, 19, 20, 35), parts)


def _regret(withdrawn: int) -> str:
    which = "One label that taught it has" if withdrawn == 1 else f"{withdrawn:,} labels that taught it have"
    return f"{which} been withdrawn by an administrator since: such labels do not count any more."


def _analyses(model: ModelVersion, record: dict[str, Any]) -> tuple[Section, Section]:
    overall, by_source = card_tables.overall(model.evaluation), card_tables.at_home(record.get("figures"))
    home: tuple[Part, ...] = (card_words.HOME, overall, *by_source)
    there = (card_words.ELSEWHERE, card_tables.elsewhere(record.get("elsewhere")))
    return (
        Section("Quantitative analyses: patients of the same sources", (32, 37, 38), home),
        Section("Quantitative analyses: a hospital that it has not seen", (33,), there),
    )


def _audit(record: dict[str, Any]) -> Section:
    found = record.get("audit", {"not_audited": card_words.UNRECORDED})
    if "not_audited" in found:
        return Section("Shortcut audit", (), (f"Not audited. {found['not_audited']}",))
    head = record["method"]["head"]
    return Section("Shortcut audit", (30,), (card_words.AUDITED, *card_tables.audit(head, found)))


def _failures(model: ModelVersion) -> str:
    counts = model.evaluation.get("counts")
    if counts is None:
        return card_words.UNRECORDED
    return (
        f"On the holdout {counts['false_negatives']} films with COVID were missed and "
        f"{counts['false_positives']} of the others were called COVID."
    )


def _one_sided(record: dict[str, Any]) -> tuple[str, ...]:
    return card_tables.one_sided(record["data"]) if "data" in record else ()
