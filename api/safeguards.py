"""What every answer tells a browser to refuse, where the answer does not say itself."""

from __future__ import annotations

from typing import Any, Final

from starlette.applications import Starlette
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SAFEGUARDS: Final = {
    # What is no page shows nothing and runs nothing, whatever it is taken for.
    "Content-Security-Policy": (
        "default-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    # Front ends elsewhere ask by CORS, which this leaves alone; pictures, which they show, say otherwise.
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",  # addresses of mails carry tokens
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
# Not for subdomains, which may be others'.
BY_TLS_ALONE: Final = {"Strict-Transport-Security": "max-age=31536000"}


class Safeguards:
    """Adds to the headers of each answer those that it lacks."""

    def __init__(self, app: ASGIApp, by_tls: bool) -> None:
        """``by_tls``: whether people reach the application by https."""
        self._app = app
        headers = SAFEGUARDS | (BY_TLS_ALONE if by_tls else {})
        self._headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = message.get("headers", ())
                named = {name.lower() for name, _ in own}
                message["headers"] = [*own, *(header for header in self._headers if header[0] not in named)]
            await send(message)

        await self._app(scope, receive, answer)


class Guarded(Starlette):
    """An application with these around all of it, and so around what it answers where it fails, too."""

    def __init__(self, *, by_tls: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self._by_tls = by_tls

    def build_middleware_stack(self) -> ASGIApp:
        return Safeguards(super().build_middleware_stack(), self._by_tls)
