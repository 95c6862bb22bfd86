"""What the clients of a server under torture were told, and how often it died."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

Heard = list[tuple[int, str]]
"""The place of each event, and in words what it told."""


@dataclass
class Story:
    """All that was acknowledged; ids as clients see them."""

    stage: str = "starting"
    """What the server is doing, as far as one can see from outside."""
    kills: Counter[str] = field(default_factory=Counter)
    """By the stage that each fell into."""
    images: dict[str, str] = field(default_factory=dict)
    """The truth by image that was acknowledged."""
    tried: set[str] = field(default_factory=set)
    """Images that were labelled once, whether or not the answer came."""
    labels: dict[str, str] = field(default_factory=dict)
    """The image by label that was acknowledged."""
    runs: set[str] = field(default_factory=set)
    """Those that were acknowledged, or seen."""
    promotions: list[str] = field(default_factory=list)
    """The reason of each that was acknowledged; no two are alike."""
    heard: dict[str, list[Heard]] = field(default_factory=dict)
    """By kind of event: what each subscriber was told."""
