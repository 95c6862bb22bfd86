"""Proof by fire: a server is killed at random moments while clients upload, label and subscribe.

    .venv/bin/python -m tests.torture --seconds 600

What the server acknowledged must be there afterwards, once, and each subscriber must have heard once of each
prediction.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
from PIL import Image
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from events.log import decode_cursor, encode_cursor
from tests.live import COVIDXR, ROOT, START_SECONDS, Live, serving

PASSWORD = "a fire-proof password"
UPLOADERS = 3
SUBSCRIBERS = 4
LAZY_SECONDS = 0.05  # the last subscriber's pause over each event, so that it falls behind
PAUSE_SECONDS = 0.1
SETTLING_SECONDS = 300.0
FILM_SIDE = 160
PROTOCOL = Subprotocol("graphql-transport-ws")

PREDICTIONS = "subscription($after: Cursor) { predictionMade(after: $after) { cursor prediction { id } } }"
LABEL = """mutation($input: SubmitLabelInput!) {
    submitLabel(input: $input) { label { id } errors { code message } } }"""
IMAGES = """query($after: String) { images(first: 50, after: $after) {
    nodes { id predictionState labels(first: 9) { nodes { id } }
        predictions(first: 9) { nodes { id model { number } } } }
    pageInfo { hasNextPage endCursor } } }"""

# What a client sees of a server that dies or is not there yet.
Gone = (httpx.TransportError, OSError, WebSocketException, asyncio.IncompleteReadError)


@dataclass
class Story:
    """What the clients were told, and how often the server died."""

    kills: int = 0
    images: set[str] = field(default_factory=set)
    labels: dict[str, str] = field(default_factory=dict)
    """The image of each label that was acknowledged."""
    tried: set[str] = field(default_factory=set)
    """Images that were labelled once, whether or not the answer came."""
    heard: list[list[tuple[int, str]]] = field(default_factory=lambda: [[] for _ in range(SUBSCRIBERS)])
    """By subscriber: place and prediction of each event."""


@dataclass(frozen=True)
class Truth:
    """What the database holds in the end, by image: the numbers of the models that judged it, and ids."""

    models: dict[str, list[int]]
    predictions: set[str]
    labels: dict[str, list[str]]


class Server:
    """A server that is started again after each death, on the same port and data."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [*COVIDXR, "serve"], cwd=ROOT, env=self._live.environment, stdout=subprocess.DEVNULL
        )

    def kill(self) -> None:
        """SIGKILL: nothing is flushed, nobody is told."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    async def ready(self) -> None:
        """Raises TimeoutError where it never is, AssertionError where it has ended by itself."""
        async with asyncio.timeout(START_SECONDS), httpx.AsyncClient() as client:
            while True:
                ended = self._process and self._process.poll()
                assert ended is None, f"the server ended with status {ended}"
                with suppress(httpx.TransportError):
                    address = self._live.url.replace("/graphql", "/readyz")
                    if (await client.get(address)).status_code == 200:
                        return
                await asyncio.sleep(PAUSE_SECONDS)


def films(samples: Sequence[Path], seed: int) -> Iterator[bytes]:
    """Radiographs without end, no two of the same bytes."""
    chance = random.Random(seed)
    shrunk = [Image.open(sample).convert("L").resize((FILM_SIDE, FILM_SIDE)) for sample in samples]
    while True:
        film = chance.choice(shrunk).copy()
        for _ in range(8):
            place = chance.randrange(FILM_SIDE), chance.randrange(FILM_SIDE)
            film.putpixel(place, chance.randrange(256))
        buffer = io.BytesIO()
        film.save(buffer, "PNG")
        yield buffer.getvalue()


async def upload_for_ever(member: Live, story: Story, films_to_send: Iterator[bytes]) -> None:
    """One after another, each until the server has acknowledged it."""
    query = """mutation($input: UploadImagesInput!) { uploadImages(input: $input) {
        errors { code message } results { image { id } duplicateOf { id } errors { code message } } } }"""
    form = {
        "operations": json.dumps({"query": query, "variables": {"input": {"files": [None]}}}),
        "map": '{"0": ["variables.input.files.0"]}',
    }
    for film in films_to_send:
        while True:
            with suppress(*Gone):
                async with httpx.AsyncClient(timeout=60) as client:
                    part = {"0": ("film.png", film)}
                    answer = (
                        await client.post(member.url, data=form, files=part, headers=member.headers)
                    ).json()
                story.images.add(_acknowledged(answer))
                break
            await asyncio.sleep(PAUSE_SECONDS)


def _acknowledged(answer: dict[str, Any]) -> str:
    """The image that an upload made, or had made before its answer was lost."""
    assert "errors" not in answer, answer
    (result,) = answer["data"]["uploadImages"]["results"]
    image = result["image"] or result["duplicateOf"]
    assert image, result
    return str(image["id"])


async def label_for_ever(member: Live, story: Story, chance: random.Random) -> None:
    """Images at random, each once: where no answer comes, nobody knows whether there is a label."""
    while True:
        await asyncio.sleep(PAUSE_SECONDS)
        if not (waiting := sorted(story.images - story.tried)):
            continue
        image = chance.choice(waiting)
        story.tried.add(image)
        with suppress(*Gone):
            finding = chance.choice(("COVID", "NO_COVID"))
            answer = (await member.ask(LABEL, input={"imageId": image, "finding": finding}))["submitLabel"]
            assert answer["errors"] == [], answer
            story.labels[answer["label"]["id"]] = image


async def listen_for_ever(member: Live, heard: list[tuple[int, str]], pause: float) -> None:
    """Events behind the last one heard, over a new socket whenever the old one breaks."""
    while True:
        with suppress(*Gone):
            await _listen(member, heard, pause)
        await asyncio.sleep(PAUSE_SECONDS)


async def _listen(member: Live, heard: list[tuple[int, str]], pause: float) -> None:
    variables = {"after": encode_cursor(heard[-1][0] if heard else 0)}
    payload = {"query": PREDICTIONS, "variables": variables}
    async with connect(member.url.replace("http", "ws"), subprotocols=[PROTOCOL]) as socket:
        await socket.send(json.dumps({"type": "connection_init", "payload": _authorization(member)}))
        assert json.loads(await socket.recv())["type"] == "connection_ack"
        await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
        async for text in socket:
            message = json.loads(text)
            if message["type"] == "ping":
                await socket.send('{"type": "pong"}')
                continue
            assert message["type"] == "next", message
            assert "errors" not in message["payload"], message
            event = message["payload"]["data"]["predictionMade"]
            heard.append((decode_cursor(event["cursor"]), event["prediction"]["id"]))
            await asyncio.sleep(pause)


def _authorization(member: Live) -> dict[str, str]:
    return {"authorization": f"Bearer {member.token}"}


async def kill_for_ever(server: Server, story: Story, chance: random.Random) -> None:
    """One death in three comes while it starts; the others once it has served for up to three seconds."""
    while True:
        if chance.random() < 1 / 3:
            await asyncio.sleep(chance.uniform(0, 3))
        else:
            await server.ready()
            await asyncio.sleep(chance.uniform(0, 3))
        server.kill()
        story.kills += 1
        server.start()


async def rage(server: Server, member: Live, samples: Sequence[Path], seconds: float, seed: int) -> Story:
    """Everything at once, for so long; then the server may live, and everybody hears the rest."""
    story, chance = Story(), random.Random(seed)
    workers = [upload_for_ever(member, story, films(samples, seed + n)) for n in range(UPLOADERS)]
    workers += [label_for_ever(member, story, chance), kill_for_ever(server, story, chance)]
    listeners = [
        listen_for_ever(member, heard, LAZY_SECONDS * (heard is story.heard[-1])) for heard in story.heard
    ]
    async with asyncio.TaskGroup() as listening:
        tasks = [listening.create_task(listener) for listener in listeners]
        try:
            async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
                for worker in workers:
                    group.create_task(worker)
        except TimeoutError:
            await server.ready()
            await _settled(member, story)
        for task in tasks:
            task.cancel()
    return story


async def _settled(member: Live, story: Story) -> None:
    """Nothing waits for a prediction any more, and nobody has an event to hear."""
    began = monotonic()
    while monotonic() - began < SETTLING_SECONDS:
        images = await _images(member)
        made = {one["id"] for image in images for one in image["predictions"]["nodes"]}
        pending = any(image["predictionState"] == "PENDING" for image in images)
        if not pending and all(made <= {prediction for _, prediction in heard} for heard in story.heard):
            return
        await asyncio.sleep(1)


async def _images(member: Live) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after = None
    while True:
        page = (await member.ask(IMAGES, after=after))["images"]
        found += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


async def truth(member: Live) -> Truth:
    """What there is in the end."""
    images = await _images(member)
    return Truth(
        {one["id"]: [made["model"]["number"] for made in one["predictions"]["nodes"]] for one in images},
        {made["id"] for one in images for made in one["predictions"]["nodes"]},
        {one["id"]: [label["id"] for label in one["labels"]["nodes"]] for one in images},
    )


def faults(story: Story, found: Truth, in_service: int) -> list[str]:
    """What was lost, repeated or invented; nothing, where all is well."""
    lost = sorted(story.images - found.models.keys())
    unjudged = [image for image, models in found.models.items() if models.count(in_service) != 1]
    labels = Counter(label for ids in found.labels.values() for label in ids)
    missing = [label for label, image in story.labels.items() if label not in found.labels.get(image, [])]
    doubled = [image for image, ids in found.labels.items() if len(ids) > 1]
    told = [
        *(f"image {image} was acknowledged and is gone" for image in lost),
        *(f"image {image} has not one prediction by the model in service" for image in unjudged),
        *(f"label {label} was acknowledged and is gone" for label in missing),
        *(f"image {image} was labelled once and has several labels" for image in doubled),
        *(f"label {label} is in the ledger {count} times" for label, count in labels.items() if count > 1),
    ]
    for number, heard in enumerate(story.heard):
        told += [f"subscriber {number}: {fault}" for fault in _misheard(heard, found.predictions)]
    return told


def _misheard(heard: Sequence[tuple[int, str]], made: set[str]) -> Iterator[str]:
    places = [place for place, _ in heard]
    if places != sorted(set(places)):
        yield "events came out of order or again"
    counts = Counter(prediction for _, prediction in heard)
    yield from (f"heard of prediction {name} {count} times" for name, count in counts.items() if count > 1)
    yield from (f"never heard of prediction {name}" for name in sorted(made - counts.keys()))
    yield from (f"heard of prediction {name}, which is not there" for name in sorted(counts.keys() - made))


async def _told(live: Live, samples: Sequence[Path], seconds: float, seed: int) -> dict[str, Any]:
    server = Server(live)
    server.start()
    try:
        await server.ready()
        live.run("create-admin", "chief@hospital.example", COVIDXR_ADMIN_PASSWORD=PASSWORD)
        member = await live.sign_in("chief@hospital.example", PASSWORD)
        story = await rage(server, member, samples, seconds, seed)
        found = await truth(member)
        number = (await member.ask("{ model { number } }"))["model"]["number"]
    finally:
        server.kill()
    return {
        "kills": story.kills,
        "acknowledged_uploads": len(story.images),
        "acknowledged_labels": len(story.labels),
        "images": len(found.models),
        "events_heard": [len(heard) for heard in story.heard],
        "faults": faults(story, found, number),
    }


def torture(folder: Path, samples: Sequence[Path], seconds: float, seed: int = 0) -> dict[str, Any]:
    """The figures of one ordeal, and the faults that it found."""
    with serving(folder / "data") as live:  # the first start makes everything, and nobody disturbs it
        settled = live
    return asyncio.run(_told(settled, samples, seconds, seed))


def main() -> None:
    """Print a table, end with one line of JSON; status 1 where anything was lost or repeated."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--images", type=Path, default=Path("../shared/cxr/covid"))
    given = parser.parse_args()
    samples = sorted(given.images.iterdir())[:8]
    with tempfile.TemporaryDirectory(prefix="covidxr-torture-") as name:
        figures = torture(Path(name), samples, given.seconds, given.seed)
    for what, value in figures.items():
        print(f"{what.replace('_', ' '):<22} {value}")
    print(json.dumps({"benchmark": "torture", "seconds": given.seconds, "seed": given.seed, **figures}))
    sys.exit(1 if figures["faults"] else 0)


if __name__ == "__main__":
    main()
