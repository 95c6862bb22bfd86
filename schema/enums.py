"""Enums of the lower rooms, with the words that the schema needs."""

from __future__ import annotations

from enum import EnumMeta
from typing import TypeVar

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition

from services.images import ImageOrder
from store.tables import (
    AbstainReason,
    Evidence,
    FilmView,
    Finding,
    LeftOutCause,
    ModelState,
    Role,
    RunState,
    RunTrigger,
)

E = TypeVar("E", bound=EnumMeta)


def describe(enum: E, description: str, name: str | None = None, **values: str) -> E:
    """Make an enum one of the schema's; every value has to be described."""
    described = strawberry.enum(enum, name=name, description=description)
    definition: StrawberryEnumDefinition = described.__strawberry_definition__  # type: ignore[attr-defined]
    for value in definition.values:
        value.description = values.pop(value.name)
    if values:
        raise TypeError(f"{definition.name} has no {', '.join(values)}")
    return described


describe(
    Role,
    "What a user may do.",
    MEMBER="Works with images and labels of their own.",
    ADMIN="Sees everyone's images, and looks after models, news, users and messages.",
)
describe(
    Finding,
    "What an image shows, as far as COVID-19 is concerned. For research, not for diagnosis.",
    COVID="COVID-19.",
    NO_COVID="No COVID-19; there may be another disease.",
)
describe(
    AbstainReason,
    "Why the system declines to give a finding.",
    NOT_A_CHEST_XRAY="The image does not look like a frontal chest X-ray.",
    OUT_OF_DISTRIBUTION="The image is unlike all that the model has learned from.",
    UNCERTAIN="The probability lies too near the threshold to say.",
)
describe(
    FilmView,
    "How a film was taken or lies, by what fits it best. Findings are given of upright frontal films alone.",
    FRONTAL="Frontal, and upright or nearly so, as far as can be told.",
    TURNED_90="Turned by 90 degrees clockwise: turn it upright and upload it again.",
    TURNED_180="Upside down: turn it upright and upload it again.",
    TURNED_270="Turned by 90 degrees counter-clockwise: turn it upright and upload it again.",
    TILTED="Askew by some 20 to 60 degrees: straighten it and upload it again.",
    LATERAL="Taken from the side, it seems: upload a frontal film.",
)
describe(
    ImageOrder,
    "In which order images are listed.",
    NEWEST="The last upload first.",
    OLDEST="The first upload first.",
    NAME="By filename, small and capital letters alike; of one name the last upload first.",
    NAME_REVERSED="The reverse of that.",
)
describe(
    Evidence,
    "What a label rests on. Where labels disagree, the stronger evidence counts, then the later label.",
    RT_PCR="A molecular test, the strongest evidence here.",
    ANTIGEN="An antigen test.",
    CT="A computed tomography of the chest.",
    RADIOLOGIST="A radiologist's reading.",
    CLINICAL="Symptoms and course.",
    UNSTATED="Nothing was said of it.",
)
describe(
    ModelState,
    "Where a model version stands.",
    CANDIDATE="Trained, and waiting for an administrator's word.",
    IN_SERVICE="It makes the predictions now; exactly one version does.",
    RETIRED="It was in service before.",
    REJECTED="It was judged worse than the one in service.",
)
describe(
    RunState,
    "Where a training run stands.",
    QUEUED="Waiting for a trainer.",
    TRAINING="Learning.",
    EVALUATING="Being compared with the model in service.",
    PROMOTED="Ended: its model went into service.",
    REJECTED="Ended: its model was judged worse.",
    AWAITING="Ended: its model passed on too small a holdout. Promote it by hand to confirm, or let it lie.",
    FAILED="Ended without a model; its labels count towards the next run.",
    CANCELLED="Ended by an administrator; its labels count towards the next run.",
)
describe(
    LeftOutCause,
    "Why a labelled image does not teach a run.",
    HELD_OUT="It judges models, and so it never teaches one.",
    STRADDLES="Of it, its copies and its patient's images one has taught a model, and one is kept to judge: "
    "it teaches and judges nothing.",
    IN_CONFLICT="People contradict one another on it: it teaches and judges nothing until that is settled.",
    OVER_SHARE="Its label is beyond the share that the policy leaves to one user; the newest are kept.",
    WITHDRAWN="All its labels have been withdrawn.",
    UNREADABLE="No features could be made of it, or they cannot be read: it teaches and judges nothing.",
)
describe(
    RunTrigger,
    "What began a training run.",
    THRESHOLD="Enough new labels had come in.",
    ADMIN="An administrator asked for it.",
)
