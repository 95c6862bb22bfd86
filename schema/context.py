"""What resolvers find around them: who is asking, the use cases, and the loaders of this operation."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from math import ceil
from time import monotonic, time
from typing import TypeAlias

import strawberry

from schema.audience import Audience
from schema.loaders import Loaders
from store.tables import Token, User

TOGETHER_SECONDS = 0.1
"""Pauses that would end within so long of one another end together."""


class Session:
    """Who is asking, by a token that may expire or be revoked while a socket lives."""

    def __init__(
        self,
        audience: Audience,
        token: str | None = None,
        source: str = "",
        client: str = "",
        cookie: str | None = None,
        *,
        keeps_cookie: bool = False,
    ) -> None:
        self.audience = audience
        self.platform = audience.platform
        self.token = token
        self.source = source
        """The network address that is asked from."""
        self.client = client
        """What asks, as it calls itself."""
        self.cookie = cookie
        """The token that the browser keeps, or is to keep once it has the answer."""
        self.keeps_cookie = keeps_cookie
        """Whether it takes one with the answer."""
        self.viewer: User | None = None
        self.connection_params: dict[str, object] | None = None
        """What a socket's connection_init carried; Strawberry leaves it here."""
        self._found: Token | None = None
        self._checked_at = float("-inf")
        self._expires_at = float("inf")
        self._checking = asyncio.Lock()
        self._ended = asyncio.Event()

    @property
    def spender(self) -> str:
        """Whose budget pays for what is asked."""
        return f"user {self.viewer.id}" if self.viewer else f"address {self.source}"

    @property
    def has_ended(self) -> bool:
        """Whether there was a token and it is good no more."""
        return self.token is not None and self.viewer is None

    @property
    def is_admin(self) -> bool:
        return self.viewer is not None and self.viewer.is_admin

    async def wait_for_end(self, seconds: float) -> None:
        """Return once it is known to have ended, has expired, or so many seconds are over."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), self.pause(seconds))

    def pause(self, seconds: float) -> float:
        """So many seconds, or fewer where the session expires before.

        It ends with those of others, a little later at most: they are then looked up in one statement.
        """
        until = monotonic() + min(seconds, max(0.0, self._expires_at - time()))
        return ceil(until / TOGETHER_SECONDS) * TOGETHER_SECONDS - monotonic()

    async def refresh(self, older_than: float = 0.0) -> None:
        """Look the viewer up again, unless that was so many seconds ago at most and nothing has expired."""
        async with self._checking:  # many subscriptions of a socket ask at once
            is_known = monotonic() - self._checked_at < older_than and time() < self._expires_at
            if self.token is None or is_known:
                return
            was_known = self.viewer is not None
            self._found = found = await self.audience.session(self.token)
            self.viewer = found.user if found else None
            if self.viewer is not None:
                self.viewer.is_by_cookie = self.token == self.cookie
            self._expires_at = found.expires_at.timestamp() if found else float("inf")
            self._checked_at = monotonic()
            if was_known and self.has_ended:
                self._ended.set()

    async def begin(self) -> None:
        """Look up who begins to ask; a cookie that a browser still has of a session long over is nobody's."""
        await self.use()
        if self.has_ended and self.token == self.cookie:
            self.token = None

    async def use(self) -> None:
        """Look the viewer up, who does something now: that keeps the session from its end for want of use."""
        await self.refresh()
        if self._found is not None:
            await self.platform.accounts.use(self._found)
            self._expires_at = self._found.expires_at.timestamp()

    async def end(self) -> None:
        """Sign out; what still lives on this token's sockets ends when it looks again."""
        if self.token is not None:
            await self.platform.accounts.sign_out(self.token)
            self.viewer = None
            self.forget_cookie()

    async def keep(self, token: str) -> None:
        """Have the browser keep a token in place of the one that it had, whose session ends."""
        if self.cookie is not None:
            await self.platform.accounts.sign_out(self.cookie)
            await self.refresh()
        self.cookie = token

    def forget_cookie(self) -> None:
        """Have the browser drop its cookie, if it was that which asked, and has ended its session itself.

        Where others have ended it, the browser may have got another meanwhile.
        """
        if self.token == self.cookie:
            self.cookie = None


class Context:
    """The context of one operation."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.platform = session.platform
        self.renew()

    @property
    def viewer(self) -> User | None:
        return self.session.viewer

    def renew(self) -> None:
        """Forget what was loaded: a mutation has changed it."""
        self.loaders = Loaders(self.platform, self.session.viewer)

    def show(self, position: int) -> None:
        """Load what the event at a place tells of, which others may have loaded just now."""
        self.loaders = self.session.audience.loaders(self.session.viewer, position)


Info: TypeAlias = strawberry.Info[Context, None]
