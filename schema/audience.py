"""All who ask one process: what several of them need at the same moment is read once."""

from __future__ import annotations

from collections import OrderedDict
from time import monotonic

from schema.loaders import Loaders, by_key
from schema.turnstile import Turnstile
from services.platform import Platform
from store.tables import ModelVersion, Token, User

SHARED_SECONDS = 1.0
"""How old what an event shows may be, since another subscriber had it loaded."""
EVENTS_SHARED = 256


class Audience:
    """Sessions that are looked up together, and the rows that one event shows to many."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.turnstile = Turnstile()
        """For whoever is shown an event, so that those who ask do not wait for all of them."""
        self._sessions = by_key(self._find_sessions, keeps=False)
        self._in_service = by_key(self._find_in_service, keeps=False)
        self._shown: OrderedDict[tuple[int, str | int | None], tuple[float, Loaders]] = OrderedDict()

    async def session(self, token: str) -> Token | None:
        """The live session of a token, with its user."""
        return await self._sessions.load(token)

    async def _find_sessions(self, held: list[str]) -> dict[str, Token]:
        return await self.platform.accounts.sessions(held)

    async def model_in_service(self) -> ModelVersion:
        """The model that serves when this is asked, as the database says."""
        found = await self._in_service.load(None)
        assert found is not None, "the first start installs one"
        return found

    async def _find_in_service(self, _: list[None]) -> dict[None, ModelVersion]:
        return {None: await self.platform.models.in_service()}

    def loaders(self, viewer: User | None, position: int) -> Loaders:
        """Those for the event at a place, which administrators share: they may see the same."""
        sharing = position, _group(viewer)
        made_at, loaders = self._shown.get(sharing) or (monotonic(), Loaders(self.platform, viewer))
        if monotonic() - made_at > SHARED_SECONDS:
            made_at, loaders = monotonic(), Loaders(self.platform, viewer)
        self._shown[sharing] = made_at, loaders
        self._shown.move_to_end(sharing)
        if len(self._shown) > EVENTS_SHARED:
            self._shown.popitem(last=False)
        return loaders


def _group(viewer: User | None) -> str | int | None:
    """Whom a viewer may share with."""
    if viewer is None:
        return None
    return "administrators" if viewer.is_admin else viewer.id
