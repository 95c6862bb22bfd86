"""Who may read which model's card: of what serves or has served everybody, of the others administrators."""

from __future__ import annotations

from dataclasses import dataclass

from services import lookups
from services.links import Asked, Links
from services.model_card import Card, card_of
from services.viewers import Viewers
from store.tables import ModelState, ModelVersion, User

PUBLIC = (ModelState.IN_SERVICE, ModelState.RETIRED)


def may_read(viewer: User | None, model: ModelVersion) -> bool:
    """Whether the viewer may read the version's card."""
    return is_public(model) or (viewer is not None and viewer.is_admin)


def is_public(model: ModelVersion) -> bool:
    """Whether the version serves or has served."""
    return model.state in PUBLIC


async def any_card(number: int | None = None) -> Card | None:
    """For whoever runs the machine the card of a version, or of the one in service; None if there is none."""
    if number is not None:
        model = await ModelVersion.get_or_none(number=number)
    else:
        deployment = await lookups.deployment()
        model = await deployment.model if deployment else None
    return await _card(model) if model else None


@dataclass(frozen=True)
class Found:
    """A card, and whether it is everybody's."""

    card: Card
    public: bool


@dataclass(frozen=True)
class ModelCards:
    """The use cases around cards."""

    links: Links
    viewers: Viewers

    async def find(self, viewer: User | None, asked: Asked) -> Found | None:
        """The card of a version; None where there is none for the viewer, nor for the address's."""
        model = await ModelVersion.get_or_none(number=asked.number)
        if model is None:
            return None
        if not (may_read(viewer, model) or may_read(await self.viewers.find("models", asked), model)):
            return None
        return Found(await _card(model), is_public(model))

    def address(self, viewer: User | None, model: ModelVersion) -> str | None:
        """Where the viewer can read the card; None for whom it is not."""
        if is_public(model):
            return self.links.card(model.number)
        return self.links.private_card(viewer, model.number) if may_read(viewer, model) else None


async def _card(model: ModelVersion) -> Card:
    withdrawn = await lookups.withdrawn_labels([model.id])
    return card_of(model, withdrawn.get(model.id, 0))
