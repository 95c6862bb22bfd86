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
class PasswordResetAsked(Event):
    """At an address; of nobody where no account has it, which is told all the same. ``locale``: as below."""

    user_id: int | None
    locale: str | None = None


@dataclass(frozen=True)
class PasswordResetRequested(Event):
    """A mail is due. ``locale`` is that of whoever asked, None where nothing was said of it."""

    user_id: int
    locale: str | None = None


@dataclass(frozen=True)
class EmailChangeRequested(Event):
    """The new address is with a token of the user's."""

    user_id: int


@dataclass(frozen=True)
class NoticeDue(Event):
    """A mail to an address that no account may have any more; its row has the address."""

    notice_id: int


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


ORIGIN = "_origin"
"""Where a payload tells what the event comes of; a version of the program that knows none passes it over."""


def to_payload(event: Event, origin: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The event's fields, and what it comes of where that is known, ready for JSON."""
    return asdict(event) | ({ORIGIN: dict(origin)} if origin else {})


def origin_of(payload: Mapping[str, Any]) -> dict[str, str]:
    """What the event of a payload comes of, as far as that is known."""
    found: dict[str, str] = payload.get(ORIGIN, {})
    return found


def from_payload(kind: str, payload: dict[str, Any]) -> Event:
    """The event of a kind and its fields, less those that only a newer version of the program knows.

    Raises:
        UnknownEvent: the kind is unknown.
    """
    if kind not in KINDS:
        raise UnknownEvent(kind)
    known = {field.name for field in fields(KINDS[kind])}
    return KINDS[kind](**{name: value for name, value in payload.items() if name in known})
