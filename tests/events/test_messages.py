"""Events: what they carry, and the way to JSON and back."""

import json
import typing
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, fields

import pytest

from events.messages import (
    KINDS,
    Event,
    ImageUploaded,
    ModelPromoted,
    TrainingProgressed,
    UnknownEvent,
    from_payload,
    to_payload,
)

SAMPLES = {
    int: 2**53 + 1,
    bool: True,
    str: "TRAINING é",
    float | None: 0.25,
    int | None: None,
    str | None: "vgg16",
    Mapping[str, int] | None: {"HELD_OUT": 3},
}


def sample(kind: type[Event]) -> Event:
    """An event of a kind, whatever its fields."""
    types = typing.get_type_hints(kind)
    return kind(**{field.name: SAMPLES[types[field.name]] for field in fields(kind)})


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_kind_survives_json(kind: type[Event]) -> None:
    event = sample(kind)
    payload = json.loads(json.dumps(to_payload(event)))
    assert from_payload(kind.__name__, payload) == event


def test_knows_every_kind_by_its_name() -> None:
    assert len(KINDS) == len(Event.__subclasses__()) > 10
    assert all(name == kind.__name__ for name, kind in KINDS.items())


@pytest.mark.parametrize("event", [ModelPromoted(3, None), TrainingProgressed(1, "QUEUED", 0, None)])
def test_nothing_stays_nothing(event: Event) -> None:
    assert from_payload(type(event).__name__, to_payload(event)) == event


def test_passes_over_fields_of_a_newer_version() -> None:
    """Processes of the version before run on while others are restarted, and must not grow deaf."""
    assert from_payload("ImageUploaded", {"image_id": 1, "site": "B"}) == ImageUploaded(1)


@pytest.mark.parametrize("kind", ["", "Event", "imageuploaded", "ImageUploaded ", "__class__"])
def test_refuses_a_kind_that_it_does_not_know(kind: str) -> None:
    with pytest.raises(UnknownEvent):
        from_payload(kind, {"image_id": 1})


def test_what_has_happened_does_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        ImageUploaded(1).image_id = 2  # type: ignore[misc]
