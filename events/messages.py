"""What can happen, in the past tense: one frozen dataclass each, carrying ids rather than contents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Event:
    """Something that has happened."""

    @property
    def about(self) -> int | None:
        """The user whom it concerns: whose image or account it is, where it is anybody's."""
        return getattr(self, "owner_id", None) or getattr(self, "user_id", None)


@dataclass(frozen=True)
class EmailVerificationRequested(Event):
    user_id: int


@dataclass(frozen=True)
class PasswordResetRequested(Event):
    """``locale`` is that of whoever asked, None where nothing was said of it."""

    user_id: int
    locale: str | None = None


@dataclass(frozen=True)
class SessionsEnded(Event):
    """One of the user's was signed out, or all were revoked."""

    user_id: int


@dataclass(frozen=True)
class ImageUploaded(Event):
    image_id: int


@dataclass(frozen=True)
class ImageDeleted(Event):
    """Carries where the blobs lie, since there is no row to ask any more; ``features`` is the extractor."""

    key: str
    features: str | None


@dataclass(frozen=True)
class FeaturesMissed(Event):
    """Those of images from one id to another, or of the labelled ones there, are by another network."""

    extractor: str
    first_id: int
    last_id: int
    labelled: bool


@dataclass(frozen=True)
class PredictionMade(Event):
    prediction_id: int
    image_id: int
    owner_id: int


@dataclass(frozen=True)
class PredictionFailed(Event):
    image_id: int
    owner_id: int


@dataclass(frozen=True)
class FindingChanged(Event):
    """A promotion gave an image another finding than its owner knew."""

    change_id: int
    image_id: int
    owner_id: int


@dataclass(frozen=True)
class LabelSubmitted(Event):
    label_id: int
    image_id: int


@dataclass(frozen=True)
class LabelsWithdrawn(Event):
    """All that a user had submitted until then."""

    user_id: int
    count: int


@dataclass(frozen=True)
class RetrainingRequested(Event):
    run_id: int


@dataclass(frozen=True)
class TrainingProgressed(Event):
    """A snapshot of a run: replayed later, it still tells what was true then."""

    run_id: int
    state: str
    epoch: int
    loss: float | None
    seconds_left: float | None = None
    left_out: Mapping[str, int] | None = None


@dataclass(frozen=True)
class ModelPromoted(Event):
    model_id: int
    previous_id: int | None


@dataclass(frozen=True)
class DriftWarned(Event):
    """A signal of the images that come in began to differ from what judged the model in service."""

    warning_id: int


@dataclass(frozen=True)
class NewsPublished(Event):
    post_id: int


@dataclass(frozen=True)
class ContactMessageReceived(Event):
    message_id: int


KINDS: dict[str, type[Event]] = {kind.__name__: kind for kind in Event.__subclasses__()}


class UnknownEvent(ValueError):
    """A kind of event that this version of the program does not know."""


def to_payload(event: Event) -> dict[str, Any]:
    """The event's fields, ready for JSON."""
    return asdict(event)


def from_payload(kind: str, payload: dict[str, Any]) -> Event:
    """The event of a kind and its fields, less those that only a newer version of the program knows.

    Raises:
        UnknownEvent: the kind is unknown.
    """
    if kind not in KINDS:
        raise UnknownEvent(kind)
    known = {field.name for field in fields(KINDS[kind])}
    return KINDS[kind](**{name: value for name, value in payload.items() if name in known})
