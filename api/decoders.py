"""The decoders: processes that read files of strangers in place of the server, which outlives them."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Lock
from time import monotonic
from typing import Final, TypeVar

import numpy as np

from api.decoding_process import FILE_SECONDS, SPENT_SECONDS, Told, begun, receive_status, send
from api.processes import ROOT, status_in_words
from ml.formats.opening import MAX_PIXELS, MEDIA_TYPES
from ml.full_size import LARGEST
from ml.image import LARGEST_SIDE, MAX_BYTES, Decoded, ImageError, Reason
from ml.png import COLOURS, Raster, written
from services.decoding import Inspected

PATIENCE_SECONDS: Final = 60.0
"""For one file, from asking to the end: decoders wait for processors, too."""
PARTING_SECONDS: Final = 5.0
"""For the end of a child that is asked no more."""
MOST_ANSWERED: Final = max(MAX_BYTES + 4 * LARGEST_SIDE**2, LARGEST)
MOST_AT_ONCE: Final = MAX_BYTES
"""Bytes of one strip of a picture at its full size: of these a server never holds all."""
ROUNDED: Final = 1e-3
"""By how much luminance may lie beyond black and white."""
NEEDED: Final = ("PATH", "LD_LIBRARY_PATH", "LANG")
"""What a decoder is told of the environment, which holds passwords of engines and the key of addresses."""

_DIGITS: Final = re.compile("[0-9a-f]{64}")

Part = TypeVar("Part", bytes, bytearray)
Take = Callable[[Told, Iterator[bytearray]], list[Part]]

logger = logging.getLogger(__name__)


class DecoderProcesses:
    """See `services.decoding.Decoder`: as many processes as callers at a time, which end with this one."""

    def __init__(self, module: str = "api.decoding_process") -> None:
        self._module = module
        self._idle: list[_Process] = []
        self._lock = Lock()
        weakref.finalize(self, _end_all, self._idle)

    def start(self, count: int) -> None:
        """Have so many ready before somebody asks."""
        self._idle += [_Process(self._module) for _ in range(count)]

    @property
    def pids(self) -> list[int]:
        """Of those that wait for work."""
        return [process.pid for process in self._idle]

    def decode(self, owner: int, data: bytes) -> Decoded:
        """See `services.decoding.Decoder.decode`."""
        told, (pixels,) = self._ask(owner, "decode", data, _all)
        return _decoded(told, pixels)

    def inspect(self, owner: int, data: bytes) -> Inspected:
        """See `services.decoding.Decoder.inspect`."""
        told, (pixels, picture) = self._ask(owner, "inspect", data, _all)
        if not _DIGITS.fullmatch(fingerprint := told["fingerprint"]) or len(picture) > MAX_BYTES:
            raise ValueError("a decoder's answer that tells of no picture")
        sha256 = hashlib.sha256(data).hexdigest()
        return Inspected(sha256, fingerprint, len(data), bytes(picture), _decoded(told, pixels))

    def png(self, owner: int, data: bytes) -> list[bytes]:
        """See `services.decoding.Decoder.png`.

        A decoder says plain samples, which are compressed here as they come: what has read a stranger's file,
        and may have been taken over by it, writes nothing that a browser reads.
        """
        return self._ask(owner, "full_size", data, _written)[1]

    def _ask(self, owner: int, work: str, data: bytes, take: Take[Part]) -> tuple[Told, list[Part]]:
        try:
            return self._answer(self._taken(owner), owner, work, data, take)
        except _Ended as ended:  # by others, even long ago
            logger.warning("a decoder %s", ended)
            return self._answer(_Process(self._module), owner, work, data, take)

    def _taken(self, owner: int) -> _Process:
        """One whose child has read files of the owner's alone, else the one that is idle for longest."""
        with self._lock:
            if not self._idle:
                return _Process(self._module)
            owners = [process.owner for process in self._idle]
            return self._idle.pop(owners.index(owner) if owner in owners else 0)

    def _answer(
        self, process: _Process, owner: int, work: str, data: bytes, take: Take[Part]
    ) -> tuple[Told, list[Part]]:
        try:
            answer = process.ask(owner, work, data, take)
        except BaseException:
            process.end()
            raise
        self._idle.append(process)
        if isinstance(answer, int):
            raise _of_end(answer)
        told, parts = answer
        if "refused" in told:
            raise ImageError(Reason(told["refused"]), str(told["message"]))
        if "fault" in told:
            raise RuntimeError(f"decoding failed: {told['fault']}")
        return told, parts


class _Ended(Exception):
    """A decoder that has ended, has not begun or is not to be used: no file's fault, since it reads none."""


class _Process:
    """One decoder: it forks for each owner whose files come to it in a row."""

    def __init__(self, module: str) -> None:
        self._control, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - a command of ours
                [sys.executable, "-m", module, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                cwd=ROOT,
                env={name: os.environ[name] for name in NEEDED if name in os.environ}
                | {"OPENBLAS_NUM_THREADS": "1"},
                start_new_session=True,
            )
        self.pid = self._process.pid
        self.owner: int | None = None
        self._is_ready = False
        self._wire: socket.socket | None = None

    def ask(self, owner: int, work: str, data: bytes, take: Take[Part]) -> tuple[Told, list[Part]] | int:
        """What its child answers, by way of ``take``, or the status with which that has ended over the file.

        Raises:
            _Ended: the process itself has ended.
            TimeoutError: there is no answer, or no end, for too long.
            ValueError: the answer is none.
        """
        until = monotonic() + PATIENCE_SECONDS
        if not self._is_ready:
            self._status(until)
            self._is_ready = True
        if self.owner != owner:
            self._part()
        wire = self._wire or self._forked()
        self.owner = owner
        try:
            wire.settimeout(PATIENCE_SECONDS)
            send(wire, {"work": work}, [data])
            told, parts = begun(wire, MOST_ANSWERED, until)
            taken = take(told, parts)
        except (EOFError, ConnectionError):
            return self._part()
        if told["spent"] > SPENT_SECONDS:
            self._part()
        return told, taken

    def _forked(self) -> socket.socket:
        self._wire, theirs = socket.socketpair()
        with theirs:
            try:
                socket.send_fds(self._control, [b"f"], [theirs.fileno()])
            except ConnectionError:
                raise self._ended() from None
        return self._wire

    def _part(self) -> int:
        """Have its child end, if there is one; its status."""
        self.owner = None
        if self._wire is None:
            return 0
        self._wire.close()
        self._wire = None
        try:
            return self._status(monotonic() + PARTING_SECONDS)
        except TimeoutError:
            raise _Ended("has a child that does not end") from None

    def _status(self, until: float) -> int:
        try:
            return receive_status(self._control, until)
        except (EOFError, ConnectionError):
            raise self._ended() from None

    def _ended(self) -> _Ended:
        begun = "ended" if self._is_ready else "did not begin: it ended"
        return _Ended(f"{begun} with {status_in_words(self._process.wait())}")

    def end(self) -> None:
        """End it and what it has forked."""
        self._control.close()
        if self._wire is not None:
            self._wire.close()
        if self._process.returncode is None:  # else its id may be another's by now
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()


def _of_end(status: int) -> Exception:
    """What the end of a child says of the file that it was asked about."""
    if status == -signal.SIGXCPU:
        return ImageError(Reason.CORRUPT, f"Decoding the file takes more than {FILE_SECONDS} seconds.")
    ended = f"what decoded a file ended with {status_in_words(status)}"
    logger.warning(ended)
    if status == -signal.SIGKILL:  # by whoever manages memory, or this machine
        return RuntimeError(ended)
    return ImageError(Reason.CORRUPT, "The file ends what decodes it.")


def _all(told: Told, parts: Iterator[bytearray]) -> list[bytearray]:
    return list(parts)


def _written(told: Told, parts: Iterator[bytearray]) -> list[bytes]:
    """The PNG of an answer whose sender may have been taken over; nothing of one that has refused."""
    if "refused" in told or "fault" in told:
        return []
    width, height, channels, depth = (told[name] for name in ("width", "height", "channels", "depth"))
    are_numbers = all(type(one) is int and one > 0 for one in (width, height, channels, depth))
    if (
        not are_numbers
        or width * height * channels * depth > 8 * LARGEST
        or channels not in COLOURS
        or depth not in (8, 16)
    ):
        raise ValueError("a decoder's answer that describes no picture")
    return list(written(Raster(width, height, channels, depth, map(_bounded, parts))))


def _bounded(strip: bytearray) -> bytearray:
    if len(strip) > MOST_AT_ONCE:
        raise ValueError("a decoder's answer that is too much at once")
    return strip


def _end_all(processes: list[_Process]) -> None:
    while processes:
        processes.pop().end()


def _decoded(told: Told, pixels: bytearray) -> Decoded:
    """Of an answer whose sender may have been taken over: its format is later a header of ours."""
    (rows, columns), format_, size = told["shape"], told["format"], (told["width"], told["height"])
    sides = (rows, LARGEST_SIDE), (columns, LARGEST_SIDE), (size[0], MAX_PIXELS), (size[1], MAX_PIXELS)
    if format_ not in MEDIA_TYPES or not all(type(side) is int and 0 < side <= most for side, most in sides):
        raise ValueError("a decoder's answer that describes no picture")
    luminance = np.frombuffer(pixels, np.float32).reshape(rows, columns)
    if not (luminance.min() > -ROUNDED and luminance.max() < 1 + ROUNDED):  # nor no number at all
        raise ValueError("a decoder's answer that is no luminance")
    return Decoded(luminance, format_, MEDIA_TYPES[format_], *size)
