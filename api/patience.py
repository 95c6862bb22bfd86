"""The protocols that uvicorn speaks, with an end to its patience with clients that do not read, or ask."""

from __future__ import annotations

from abc import ABC, abstractmethod
from asyncio import AbstractEventLoop, BaseProtocol, TimerHandle, Transport
from typing import Final

from uvicorn._types import WebSocketScope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

UNREAD_SECONDS: Final = 20.0
"""How long a client may take nothing of what waits for it, over a socket, as a stream or as an answer."""
FAREWELL_SECONDS: Final = 10.0
"""For one that is only slow, to read what waits for it and why it was cut off."""
HEAD_BYTES: Final = 1 << 16
"""Of what is not a body: the line and the headers of a request, and what may follow behind its chunks."""
HEAD_SECONDS: Final = 10.0
"""For the line and the headers to arrive."""
PIPELINED: Final = 16
"""Requests that wait on one connection for the answer before. No browser sends any so; each takes memory."""
TOO_SLOW: Final = 4410
"""The close code of sockets; streams end with an error TOO_SLOW. Either may resume with `after`."""
REASON: Final = "Too slow: subscribe again, with the last cursor as `after`"
FAREWELL: Final = "farewell"
"""Where in the state of a request a stream keeps what is to be said last to a client that is cut off."""
ADJOURNMENT: Final = "adjournment"
"""Where it keeps what is to be said last by a server that ends."""
ENDLESS: Final = "endless"
"""Where in the state of a request a stream keeps what tells whether it has no end of its own."""
LEAVING: Final = "leaving"
"""Where the state of every request says that the server is about to end."""
LEAVE: Final = "leave"
"""Where in the state of a socket its handler keeps what ends it once nothing more is under way on it."""
REPLY_SECONDS: Final = 2.0
"""How long a server that ends waits for clients to take note."""


class Patient(BaseProtocol, ABC):
    """A connection that is cut off once its write buffer has been full for so long, and none of it was read.

    uvicorn alone waits for ever. The buffer holds 64 KiB, and events are read from the log as they are sent:
    a client that never reads costs that much and no more.
    """

    unread_seconds = UNREAD_SECONDS
    farewell_seconds = FAREWELL_SECONDS
    transport: Transport
    loop: AbstractEventLoop

    _timer: TimerHandle | None = None
    _leaving = False

    def pause_writing(self) -> None:
        super().pause_writing()
        if not self._leaving:
            self._wait()

    def resume_writing(self) -> None:
        super().resume_writing()
        if not self._leaving:
            self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait(self) -> None:
        unread = self.transport.get_write_buffer_size()
        self._timer = self.loop.call_later(self.unread_seconds, self._look, unread)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self, unread: int) -> None:
        if self.transport.get_write_buffer_size() < unread:
            self._wait()
            return
        self._take_leave()
        self._close_within(self.farewell_seconds)

    def _close_within(self, seconds: float) -> None:
        """Close it once all is read, or after so long in any case."""
        self._leaving = True
        self._stop_waiting()
        self.transport.close()
        self._timer = self.loop.call_later(seconds, self.transport.abort)

    @abstractmethod
    def _take_leave(self) -> None:
        """Say why, behind what waits to be read, and let nobody wait any longer to send more."""


class PatientSocket(Patient, WebSocketsSansIOProtocol):
    """WebSockets: closed with TOO_SLOW."""

    scope: WebSocketScope

    def shutdown(self) -> None:
        """Closed with 1012 by its handler, behind the answers that are under way, or here at once."""
        leave = self.scope["state"].get(LEAVE) if self.handshake_complete and not self.close_sent else None
        if leave is None:
            super().shutdown()
        else:
            self.close_timeout = REPLY_SECONDS
            leave()

    def _take_leave(self) -> None:
        self.stop_keepalive()
        if not self.close_sent:
            self.conn.send_close(TOO_SLOW, REASON)
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.close_sent = True
        self.disconnected = True
        self.writable.set()
        self.queue.put_nowait({"type": "websocket.disconnect", "code": TOO_SLOW, "reason": REASON})


class PatientHttp(Patient, HttpToolsProtocol):
    """Answers and streams: a stream ends with its farewell, an answer in its middle.

    Nor does it wait for ever for a request's headers, or take them all: uvicorn alone does both.
    """

    head_seconds = HEAD_SECONDS

    _bodiless = 0
    _asking: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting_for_head()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._bodiless += len(data)
        super().data_received(data)
        if self._bodiless > HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The headers are too long")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._asking is None:
            self._wait_for_head()

    def on_headers_complete(self) -> None:
        self._stop_waiting_for_head()
        if len(self.pipeline) >= PIPELINED:  # httptools reads no further then, and uvicorn answers 400
            raise ValueError("too many requests at once")
        super().on_headers_complete()
        if self.cycle is not None and self.app_state.get(LEAVING):
            self.cycle.keep_alive = False  # so that no request comes at the moment when it is closed

    def on_body(self, body: bytes) -> None:
        self._bodiless = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._bodiless = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.pipeline:  # uvicorn would read on, and have ever more of them wait
            self.flow.pause_reading()

    def _wait_for_head(self) -> None:
        self._asking = self.loop.call_later(self.head_seconds, self.transport.close)

    def _stop_waiting_for_head(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None

    def shutdown(self) -> None:
        """A stream without an end of its own ends with the reason, and resumes at another server."""
        words = self._last_words(ADJOURNMENT)
        if words is None or not self.cycle.scope["state"][ENDLESS]():
            super().shutdown()
        elif not self._leaving:
            self._end_with(words)
            self._close_within(REPLY_SECONDS)

    def _take_leave(self) -> None:
        self._end_with(self._last_words(FAREWELL))

    def _last_words(self, kind: str) -> bytes | None:
        """Of the stream under way, if any."""
        if self.cycle is None or self.cycle.response_complete or not self.cycle.chunked_encoding:
            return None
        words: bytes | None = self.cycle.scope["state"].get(kind)
        return words

    def _end_with(self, words: bytes | None) -> None:
        """Say the last of a stream, and let nobody wait any longer to send more."""
        if words:
            self.transport.write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(words), words))
        self.cycle.disconnected = True
        self.cycle.message_event.set()
        self.flow.resume_writing()
