"""A decoder that obeys its file: what a fault in a library, found by somebody, could have it do."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from api import decoding_process
from api.decoders import MOST_AT_ONCE
from api.decoding_process import WORKS, Answer, Told, send

DECODED: Told = {"format": "PNG", "shape": [2, 3], "width": 3}
IN_FULL: Told = {"width": 2, "height": 3, "channels": 1, "depth": 8}
PIXELS = bytes(24)
SEEN: list[bytes] = []


def loops() -> None:
    """Ends by the limit of time."""
    while True:
        pass


def lingers() -> None:
    """Answers, and does not end."""
    vars(os)["_exit"] = lambda status: time.sleep(60)


def oddly(wire: socket.socket, told: Told, parts: Any) -> None:
    """In place of `send`: where it is to drip, byte by byte."""
    if "lengths" in told:
        head = json.dumps(told | {"parts": told.pop("lengths")}).encode()
        wire.sendall(len(head).to_bytes(4) + head)
        return
    if "drips" not in told:
        send(wire, told | told.pop("instead", {}), parts)
        return
    head = json.dumps(told).encode()
    for byte in len(head).to_bytes(4) + head:
        time.sleep(0.2)
        wire.send(bytes([byte]))


DEEDS: dict[str, Callable[[], object]] = {
    "opens": Path(__file__).read_bytes,
    "connects": socket.socket,
    "loops": loops,
    "eats": lambda: bytes(decoding_process.MEGABYTES << 20),
    "sleeps": signal.pause,
    "lingers": lingers,
    "leaves": lambda: os._exit(3),
}

LIES: dict[str, Told] = {
    "another type": {"format": "HTML"},
    "another shape": {"shape": [2, 4]},
    "one side": {"shape": [6]},
    "three sides": {"shape": [1, 2, 3]},
    "no side": {"shape": [-1, 6]},
    "a huge side": {"width": 10**12},
    "true": {"height": True},
    "drips": {"drips": True},
    "tires": {"instead": {"spent": 100.0}},
    "lengths that are no numbers": {"lengths": [3_000_000_000, float("nan")]},
    "much": {"padding": "x" * 5000},
    "no channel": {"channels": 0},
    "five channels": {"channels": 5},
    "another depth": {"depth": 12},
    "sides that are too much": {"width": 10_001, "height": 10_000},
    "all at once": {"height": MOST_AT_ONCE // 2 + 1},
}

STRIPS: dict[str, list[bytes]] = {
    "another depth": [bytes(9)],
    "half a row": [bytes(3), bytes(3)],
    "a row less": [bytes(4)],
    "a row more": [bytes(8)],
    "all at once": [bytes(MOST_AT_ONCE + 2)],
}


def obey(data: bytes) -> Answer:
    """Do what the file says, and answer as for a picture as high as files were seen, or as it says."""
    SEEN.append(data)
    order = data.decode()
    if order.isdigit():
        signal.raise_signal(signal.Signals(int(order)))
    if order in DEEDS:
        DEEDS[order]()
    pixels = b"\xff" * len(PIXELS) if order == "no number" else PIXELS
    return {**DECODED, "height": len(SEEN), **LIES.get(order, {})}, [pixels]


def obey_in_full(data: bytes) -> Answer:
    """The same, where a picture is asked for at its full size."""
    obey(data)
    order = data.decode()
    return {**IN_FULL, **LIES.get(order, {})}, STRIPS.get(order, [bytes(2), bytes(4)])


WORKS["decode"] = obey
WORKS["full_size"] = obey_in_full

if __name__ == "__main__":
    decoding_process.FILE_SECONDS = 1  # type: ignore[misc]
    decoding_process.SPENT_SECONDS = 0  # type: ignore[misc]
    vars(decoding_process)["send"] = oddly
    decoding_process.main()
