"""The WebSocket protocol that uvicorn speaks, with an end to its patience with clients that do not read."""

from __future__ import annotations

from asyncio import TimerHandle
from typing import Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

TOO_SLOW: Final = 4410
"""The close code for a client that has left its events unread for too long; it may resume with `after`."""
REASON: Final = "Too slow: subscribe again, with the last cursor as `after`"


class PatientProtocol(WebSocketsSansIOProtocol):
    """A socket that is closed with TOO_SLOW once its write buffer has been full for so long.

    uvicorn alone waits for ever: its pings queue up behind what is not read. The buffer holds 64 KiB, and
    events are read from the log as they are sent: a client that never reads costs that much and no more.
    """

    full_seconds = 20.0
    farewell_seconds = 10.0
    """For a client that is only slow to read what waits for it, and the close frame behind it."""

    _cutting_off: TimerHandle | None = None

    def pause_writing(self) -> None:
        super().pause_writing()
        self._cutting_off = self.loop.call_later(self.full_seconds, self._cut_off)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _stop_waiting(self) -> None:
        if self._cutting_off is not None:
            self._cutting_off.cancel()
            self._cutting_off = None

    def _cut_off(self) -> None:
        self.stop_keepalive()
        if not self.close_sent:
            self.conn.send_close(TOO_SLOW, REASON)
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.close_sent = True
        self.disconnected = True
        self.writable.set()  # whoever waits to send hears that nobody is there
        self.queue.put_nowait({"type": "websocket.disconnect", "code": TOO_SLOW, "reason": REASON})
        self.transport.close()
        self._cutting_off = self.loop.call_later(self.farewell_seconds, self.transport.abort)
