"""Any object by its global id, for those who may see it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from schema import ids
from schema.context import Context
from schema.images import Image, Label, Prediction
from schema.loaders import Loaders
from schema.models import ModelVersion, TrainingRun
from schema.news import ContactMessage, NewsPost
from schema.node import Node
from schema.people import User
from schema.policy import RetrainingPolicy
from schema.trail import TrailEntry

Load = Callable[[Loaders, int], Awaitable[Any]]
Show = Callable[[Any], Node]

NODES: dict[str, tuple[Load, Show]] = {
    "User": (lambda loaders, key: loaders.visible_users.load(key), User.of),
    "Image": (lambda loaders, key: loaders.images.load(key), Image.of),
    "Prediction": (lambda loaders, key: loaders.visible_predictions.load(key), Prediction.of),
    "Label": (lambda loaders, key: loaders.visible_labels.load(key), Label.of),
    "ModelVersion": (lambda loaders, key: loaders.visible_models.load(key), ModelVersion.of),
    "TrainingRun": (lambda loaders, key: loaders.visible_runs.load(key), TrainingRun.of),
    "RetrainingPolicy": (
        lambda loaders, key: loaders.visible_policies.load(key),
        lambda found: RetrainingPolicy.of(*found),
    ),
    "NewsPost": (lambda loaders, key: loaders.posts.load(key), NewsPost.of),
    "ContactMessage": (lambda loaders, key: loaders.visible_messages.load(key), ContactMessage.of),
    "TrailEntry": (lambda loaders, key: loaders.visible_trail.load(key), TrailEntry.of),
}
"""How each type is loaded and shown; a loader finds nothing that the viewer may not see."""

NODE_TYPES = (
    User,
    Image,
    Prediction,
    Label,
    ModelVersion,
    TrainingRun,
    RetrainingPolicy,
    NewsPost,
    ContactMessage,
    TrailEntry,
)
"""Told to the schema, since most of them stand behind the interface alone."""


async def find(context: Context, global_id: str) -> Node | None:
    """The object, or None where there is none, where the viewer may not see it, and where that is no id."""
    try:
        type_name, row_id = ids.decode(global_id)
        load, show = NODES[type_name]
    except (ids.MalformedId, KeyError):
        return None
    row = await load(context.loaders, row_id)
    return show(row) if row is not None else None
