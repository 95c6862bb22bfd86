"""What runs in a decoder's process: files of strangers are decoded here, each owner's by a child alone.

Libraries in C read those files, and a fault in one of them is a way in. So a child is given no secret and no
file of others: it is forked by a process that has never seen any. It can open neither a file nor a
connection, has bounds of memory and time, and answers in JSON and plain bytes, which whoever asked checks: a
pickle would carry commands.
"""

from __future__ import annotations

import errno
import gc
import json
import os
import resource
import signal
import socket
import struct
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from io import BytesIO
from pathlib import Path
from time import monotonic, process_time
from typing import Any, Final

from PIL import Image

from ml.fingerprint import fingerprint
from ml.formats.opening import MIN_SIDE
from ml.formats.stripping import strip
from ml.full_size import full_size
from ml.image import Decoded, ImageError, Reason, decode
from ml.png import Strip

MEGABYTES: Final = 2048
"""Of address space; twice what the dearest lawful file takes."""
FILE_SECONDS: Final = 20
"""Of a processor, for one file at least; seven times what the dearest lawful one takes."""
SPENT_SECONDS: Final = 10
"""After which a child is to be asked no more."""
MOST_TOLD: Final = 4096
"""Bytes of JSON."""

Told = dict[str, Any]
Answer = tuple[Told, Sequence[Strip]]

_HEAD, _STATUS = struct.Struct("!I"), struct.Struct("!i")


def send(wire: socket.socket, told: Told, parts: Sequence[Strip] = ()) -> None:
    """One message: JSON, which holds the length of each part, and the parts behind it."""
    head = json.dumps({**told, "parts": [len(part) for part in parts]}).encode()
    wire.sendall(_HEAD.pack(len(head)) + head)
    for part in parts:
        wire.sendall(part)


def receive(wire: socket.socket, most: int, until: float | None = None) -> tuple[Told, list[bytearray]]:
    """The next message, as `begun` reads it, and raising as that does."""
    told, parts = begun(wire, most, until)
    return told, list(parts)


def begun(wire: socket.socket, most: int, until: float | None = None) -> tuple[Told, Iterator[bytearray]]:
    """The next message, of at most so many bytes in all its parts, waited for until a `time.monotonic`.

    Each part is read when it is asked for, and all of them have to be.

    Raises:
        EOFError: the other side has gone.
        TimeoutError: it has not come, or not all of it.
        ValueError: what comes is no such message.
    """
    (length,) = _HEAD.unpack(_exactly(wire, _HEAD.size, until))
    if length > MOST_TOLD:
        raise ValueError(f"a message that begins with {length} bytes of JSON")
    told = json.loads(_exactly(wire, length, until))
    lengths = told.pop("parts")
    are_lengths = all(type(one) is int and one >= 0 for one in lengths)  # NaN is no number to compare with
    if not are_lengths or sum(lengths) > most:
        raise ValueError(f"a message with parts of {lengths} bytes")
    return told, (_exactly(wire, length, until) for length in lengths)


def _exactly(wire: socket.socket, length: int, until: float | None) -> bytearray:
    data = bytearray(length)
    rest = memoryview(data)
    while rest:
        if until is not None:  # for all of it: who sends byte by byte gains nothing
            if (left := until - monotonic()) <= 0:
                raise TimeoutError
            wire.settimeout(left)
        if not (came := wire.recv_into(rest)):
            raise EOFError
        rest = rest[came:]
    return data


def _decoded(data: bytes) -> Answer:
    decoded = decode(data)
    return _described(decoded), [_bytes_of(decoded)]


def _inspected(data: bytes) -> Answer:
    picture = strip(data)
    decoded = decode(picture)
    told = _described(decoded) | {"fingerprint": fingerprint(decoded.pixels)}
    return told, [_bytes_of(decoded), picture]


def _full_size(data: bytes) -> Answer:
    raster = full_size(data)
    told = {"width": raster.width, "height": raster.height}
    return told | {"channels": raster.channels, "depth": raster.depth}, list(raster.strips)


def _described(decoded: Decoded) -> Told:
    size = {"width": decoded.width, "height": decoded.height}
    return {"format": decoded.format, "shape": decoded.pixels.shape, **size}


def _bytes_of(decoded: Decoded) -> memoryview:
    return memoryview(decoded.pixels).cast("B")


WORKS: Final[dict[str, Callable[[bytes], Answer]]] = {
    "decode": _decoded,
    "inspect": _inspected,
    "full_size": _full_size,
}


def main() -> None:
    """Fork for each socket that comes through the one that the command line names, and say how that ended."""
    # These are sent to all processes, and the server finishes what it has taken.
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, signal.SIG_IGN)
    control = socket.socket(fileno=int(sys.argv[1]))
    _warm_up()
    gc.freeze()
    if _end_of(_forked(lambda: None)):  # lest files be blamed for it
        sys.exit("A decoder cannot set bounds to its children here.")
    with suppress(ConnectionError):  # whoever asked has gone
        send_status(control, 0)
        while sockets := socket.recv_fds(control, 1, 1)[1]:
            child = _forked(partial(_serve, control, sockets[0]))
            os.close(sockets[0])
            send_status(control, _end_of(child))


def send_status(control: socket.socket, status: int) -> None:
    """How a child has ended, or 0: ready for the first."""
    control.sendall(_STATUS.pack(status))


def receive_status(control: socket.socket, until: float) -> int:
    """What `send_status` sent. Raises as `receive` does."""
    (status,) = _STATUS.unpack(_exactly(control, _STATUS.size, until))
    return int(status)


def _forked(work: Callable[[], None]) -> int:
    """The id of a child that does this within bounds, and ends."""
    if child := os.fork():
        return child
    status = 1
    try:
        _shut_in()
        work()
        status = 0
    finally:
        os._exit(status)


def _end_of(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _serve(control: socket.socket, descriptor: int) -> None:
    control.close()  # by which it could say that it has ended
    wire = socket.socket(fileno=descriptor)
    with suppress(EOFError):
        while True:
            told, (data,) = receive(wire, sys.maxsize)
            answer, parts = _answer(WORKS[told["work"]], bytes(data))
            send(wire, {**answer, "spent": process_time()}, parts)
            del told, data, answer, parts  # or the last picture would be in memory until the next


def _warm_up() -> None:
    """Import, while files can be opened, what libraries import when it is first needed."""
    import PIL.ImageCms  # noqa: F401 - for pictures in L*a*b*

    file = BytesIO()
    Image.new("L", (MIN_SIDE, MIN_SIDE)).save(file, "TIFF")
    _inspected(file.getvalue())


def _shut_in() -> None:
    with suppress(OSError):  # it is Linux's
        Path("/proc/self/oom_score_adj").write_text("1000")  # where memory ends, the server stays
    os.dup2(1, 2)  # nowhere: codecs tell of each bad code word
    seconds = FILE_SECONDS + SPENT_SECONDS
    _bound(resource.RLIMIT_CPU, seconds, seconds + 1)  # first the signal that tells of time
    for limit in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC):
        _bound(limit, 0, 0)
    if sys.platform == "linux":  # macOS knows this bound and refuses it
        _bound(resource.RLIMIT_AS, MEGABYTES << 20, MEGABYTES << 20)


def _bound(limit: int, soft: int, hard: int) -> None:
    """Or what was inherited, where that is less."""
    _, inherited = resource.getrlimit(limit)
    most = hard if inherited == resource.RLIM_INFINITY else min(hard, inherited)
    resource.setrlimit(limit, (min(soft, most), most))


def _answer(work: Callable[[bytes], Answer], data: bytes) -> Answer:
    try:
        return work(data)
    except Exception as error:
        return _failure(error), []


def _failure(error: Exception) -> Told:
    # What a codec raises, whatever it is, becomes the refusal of a corrupt file.
    cause = error.__cause__ if isinstance(error, ImageError) and error.__cause__ else error
    if isinstance(cause, MemoryError):
        message = f"Decoding the file takes more than {MEGABYTES} MB of memory."
        return {"refused": Reason.CORRUPT, "message": message}
    # Something that is imported late finds no file: no fault of this one.
    if isinstance(error, ImageError) and not (isinstance(cause, OSError) and cause.errno == errno.EMFILE):
        return {"refused": error.reason, "message": error.message}
    return {"fault": f"{type(cause).__name__}: {cause}"[:1000]}


if __name__ == "__main__":
    main()
