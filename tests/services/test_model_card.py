"""The card: every figure of the record is on it, every item of CLAIM is answered, and nothing is made up."""

import json
from typing import Any

import pytest

from ml import alterations, default_model
from services import card_words, claim
from services.model_card import Card, as_markdown, card_of
from services.model_cards import any_card
from services.platform import Platform
from services.study_tables import Table
from store.tables import ModelState
from tests.store_rows import model
from tests.versions import candidate


def text_of(card: Card, title: str) -> str:
    """One section as Markdown."""
    return as_markdown(card).split(f"## {title}\n")[1].split("\n## ")[0]


@pytest.fixture
async def shipped(database: str) -> Card:
    """The card of the default model."""
    record = default_model.load_record()
    figures = (default_model.FOLDER / default_model.EVALUATION_FILE).read_text()
    row = await model(state=ModelState.IN_SERVICE, record=record)
    row.evaluation, row.head, row.verdict = json.loads(figures), "D", "Promoted: since."
    return card_of(row)


@pytest.fixture
def record() -> dict[str, Any]:
    return default_model.load_record()


def cells(card: Card, title: str) -> list[list[str]]:
    """The rows of one table."""
    parts = [part for section in card.sections for part in section.parts]
    return next(part.rows for part in parts if isinstance(part, Table) and part.title == title)


async def test_every_item_of_claim_is_answered_once(shipped: Card) -> None:
    items = [item for section in shipped.sections for item in section.items]
    assert sorted(items) == sorted(claim.ITEMS) == list(range(1, 45))


async def test_the_fields_of_model_cards_are_there(shipped: Card) -> None:
    titles = [section.title for section in shipped.sections]
    for field in (
        "Model details",
        "Intended use",
        "Factors",
        "Metrics",
        "Training and evaluation data",
        "Quantitative analyses: a hospital that it has not seen",
        "Shortcut audit",
        "Ethical considerations",
        "Caveats and recommendations",
    ):
        assert field in titles


async def test_the_data_are_counted_by_source_label_and_evidence(
    shipped: Card, record: dict[str, Any]
) -> None:
    rows = cells(shipped, "Images")
    assert len(rows) == len(record["data"]["kinds"])
    assert sum(int(row[3]) for row in rows) == record["data"]["taught"]["images"]
    assert sum(int(row[4]) for row in rows) == record["data"]["judged"]["images"]


async def test_the_method_is_told(shipped: Card, record: dict[str, Any]) -> None:
    method, details = record["method"], text_of(shipped, "Model details")
    assert "trained on ImageNet" in details
    for told in (method["weights"], method["calibration"], method["preprocessing"], "Promoted: since."):
        assert told in details
    assert f"{method['threshold']:.3f}" in details
    low, high = method["band"]
    assert f"{low:.3f} to {high:.3f} are UNCERTAIN" in details


async def test_the_figures_at_home_and_elsewhere_stand_apart(shipped: Card, record: dict[str, Any]) -> None:
    assert len(cells(shipped, "By source")) == len(record["figures"]["by_source"])
    worst = min(record["elsewhere"], key=lambda one: float(one["figures"]["auc"]["value"]))
    figure = f"AUC {100 * worst['figures']['auc']['value']:.1f} ("
    assert figure in shipped.summary, "what it reaches elsewhere is said at once"
    elsewhere = text_of(shipped, "Quantitative analyses: a hospital that it has not seen")
    assert elsewhere.count("\n| ") == 2 + len(record["elsewhere"])


async def test_the_audit_is_told_with_its_verdict(shipped: Card, record: dict[str, Any]) -> None:
    follows = record["audit"]["follows_border"]
    told = text_of(shipped, "Shortcut audit")
    assert ("Head D follows the border" in told) == follows
    assert ("Head D does not follow the border" in told) != follows
    assert ("follows the border" in shipped.summary) == follows, "it is said at once"
    assert f"on {record['audit']['altered']} films" in told
    assert len(cells(shipped, "After a change to the picture")) == len(record["audit"]["changes"])


async def test_what_is_refused_is_told_of_each_change(database: str, record: dict[str, Any]) -> None:
    changes = record["audit"]["changes"]
    for place, change in enumerate(changes):
        change["refused"] = {"value": place / 10, "low": 0.0, "high": 1.0}
    changes[2]["name"], record["audit"]["follows_border"] = alterations.BORDER_ONLY, True
    card = card_of(await model(record=record))
    rows = cells(card, "After a change to the picture")
    assert [row[-1] for row in rows[:3]] == ["0.0 (0.0-100.0)", "10.0 (0.0-100.0)", "20.0 (0.0-100.0)"]
    told = "would refuse 20.0 (0.0-100.0) %"
    assert f"It {told} of such pictures as no chest X-ray." in text_of(card, "Shortcut audit")
    assert "of pictures of the border alone it would refuse 20.0 (0.0-100.0) %." in card.summary


async def test_of_an_earlier_record_nothing_is_said_of_refusal(database: str, record: dict[str, Any]) -> None:
    for change in record["audit"]["changes"]:
        change.pop("refused", None)
    card = card_of(await model(record=record))
    assert {row[-1] for row in cells(card, "After a change to the picture")} == {"-"}
    assert "would refuse" not in as_markdown(card)


async def test_labels_of_the_platform_are_told_by_their_evidence(
    database: str, record: dict[str, Any]
) -> None:
    kind = {
        "source": "this platform",
        "label": "covid",
        "evidence": "RT_PCR",
        "taught": 7,
        "judged": 2,
    }
    record["data"]["kinds"].append(kind)
    card = card_of(await model(record=record))
    assert ["this platform", "COVID", "RT-PCR", "7", "2"] in cells(card, "Images")


async def test_what_was_left_out_is_counted_by_its_cause(database: str, record: dict[str, Any]) -> None:
    record["left_out"] = {"OVER_SHARE": 12, "HELD_OUT": 3}
    rows = cells(
        card_of(await model(record=record)), "Labelled images of this platform that did not teach it"
    )
    assert rows == [["kept to judge models", "3"], ["beyond the share of one user", "12"]]
    record["left_out"] = {}
    card = card_of(await model(2, record=record))
    assert "that did not teach it: none." in text_of(card, "Training and evaluation data")


async def test_of_a_record_that_does_not_tell_nothing_is_said_of_what_was_left_out(shipped: Card) -> None:
    assert "did not teach it" not in as_markdown(shipped)


async def test_what_was_not_audited_says_why(database: str, record: dict[str, Any]) -> None:
    record["audit"] = {"not_audited": "The films are of another network."}
    card = card_of(await model(record=record))
    assert "Not audited. The films are of another network." in text_of(card, "Shortcut audit")


async def test_a_model_of_another_network_is_told_so(database: str, record: dict[str, Any]) -> None:
    record["method"] |= {"network": "resnet50", "weights": "b" * 64}
    row = await model(record=record)
    row.backbone = "resnet50"
    card = card_of(row)
    assert "looks like COVID-19: ResNet50 with head" in card.summary
    details = text_of(card, "Model details")
    assert "resnet50, with weights that the operator chose" in details
    assert "ImageNet" not in details


async def test_a_version_without_a_record_makes_nothing_up(database: str) -> None:
    card = card_of(await model())
    for section in ("Model details", "Training and evaluation data", "Shortcut audit"):
        assert card_words.UNRECORDED in text_of(card, section)
    assert "What it reaches at another hospital is not known." in card.summary
    assert "90.0 (80.0-95.0)" in text_of(card, "Quantitative analyses: patients of the same sources")


async def test_a_paper_s_head_that_always_decides_is_told_so(database: str, record: dict[str, Any]) -> None:
    record["method"] |= {"head": "C", "calibration": None, "band": None, "novelty": None, "error": None}
    details = text_of(card_of(await model(record=record)), "Model details")
    assert "none: its probabilities are no frequencies" in details
    assert "nothing: it always decides" in details
    assert "nothing: it judges whatever it is shown" in details


async def test_the_markdown_has_tables_of_even_rows(shipped: Card) -> None:
    blocks = as_markdown(shipped).split("\n\n")
    tables = [block.splitlines() for block in blocks if block.startswith("| ")]
    assert len(tables) > 8
    for lines in tables:
        assert len({line.count("|") for line in lines}) == 1
    assert f"**{card_words.WARNING}**" in blocks


async def test_an_operator_reads_any_card(platform: Platform) -> None:
    await candidate(platform, "0.9")
    cards = [await any_card(), await any_card(2), await any_card(3)]
    assert [card and card.number for card in cards] == [1, 2, None]
