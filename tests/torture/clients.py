"""Those who upload, label, ask for retrainings and promote, each as if nobody killed the server."""

from __future__ import annotations

import asyncio
import io
import json
import random
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

from tests.live import IN_THE_CLEAR, Live
from tests.torture.listeners import Gone
from tests.torture.story import Story

PAUSE_SECONDS = 0.1
BETWEEN_FILMS_SECONDS = 0.5
"""Every model judges every image: with many of these, a promotion would take longer than any life."""
FILM_SIDE = 160
SPARED = 0.8
"""Of the promotions that would come during a run, and make its candidate too late."""

UPLOAD = """mutation($input: UploadImagesInput!) { uploadImages(input: $input) {
    errors { code message } results { image { id } duplicateOf { id } errors { code message } } } }"""
LABEL = """mutation($input: SubmitLabelInput!) {
    submitLabel(input: $input) { label { id } errors { code message } } }"""
REQUEST = "mutation { requestRetraining { run { id } errors { code message } } }"
PROMOTE = """mutation($input: PromoteModelInput!) {
    promoteModel(input: $input) { model { id } errors { code message } } }"""
MODELS = "{ model { id } models(first: 5) { nodes { id } } }"

Film = tuple[bytes, str]


def films(samples: Sequence[tuple[Path, str]], seed: int) -> Iterator[Film]:
    """Radiographs and what they show, without end, no two of the same bytes."""
    chance = random.Random(seed)
    shrunk = [
        (Image.open(file).convert("L").resize((FILM_SIDE, FILM_SIDE)), finding) for file, finding in samples
    ]
    while True:
        film, finding = chance.choice(shrunk)
        film = film.copy()
        for _ in range(8):
            place = chance.randrange(FILM_SIDE), chance.randrange(FILM_SIDE)
            film.putpixel(place, chance.randrange(256))
        buffer = io.BytesIO()
        film.save(buffer, "PNG")
        yield buffer.getvalue(), finding


async def upload_for_ever(admin: Live, story: Story, films_to_send: Iterator[Film]) -> None:
    """One after another, each until the server has acknowledged it."""
    form = {
        "operations": json.dumps({"query": UPLOAD, "variables": {"input": {"files": [None]}}}),
        "map": '{"0": ["variables.input.files.0"]}',
    }
    for film, finding in films_to_send:
        while True:
            with suppress(*Gone):
                part = {"0": ("film.png", film)}
                async with httpx.AsyncClient(timeout=60, verify=IN_THE_CLEAR) as client:
                    answer = (
                        await client.post(admin.url, data=form, files=part, headers=admin.headers)
                    ).json()
                story.images[_acknowledged(answer)] = finding
                break
            await asyncio.sleep(PAUSE_SECONDS)
        await asyncio.sleep(BETWEEN_FILMS_SECONDS)


def _acknowledged(answer: dict[str, Any]) -> str:
    """The image that an upload made, or had made before its answer was lost."""
    assert "errors" not in answer, answer
    (result,) = answer["data"]["uploadImages"]["results"]
    image = result["image"] or result["duplicateOf"]
    assert image, result
    return str(image["id"])


async def label_for_ever(admin: Live, story: Story, chance: random.Random) -> None:
    """Images at random, each once: where no answer comes, nobody knows whether there is a label."""
    while True:
        await asyncio.sleep(PAUSE_SECONDS)
        if not (waiting := sorted(story.images.keys() - story.tried)):
            continue
        image = chance.choice(waiting)
        story.tried.add(image)
        with suppress(*Gone):
            given = {"imageId": image, "finding": story.images[image]}
            answer = (await admin.ask(LABEL, input=given))["submitLabel"]
            assert answer["errors"] == [], answer
            story.labels[answer["label"]["id"]] = image


async def administer_for_ever(admin: Live, story: Story, chance: random.Random) -> None:
    """Ask for runs, and put any version in service that is not."""
    asked = 0
    while True:
        await asyncio.sleep(chance.uniform(0.5, 3))
        with suppress(*Gone):
            if chance.random() < 1 / 2:
                await _request(admin, story)
            elif story.stage not in ("training", "judging") or chance.random() > SPARED:
                asked += 1
                await _promote(admin, story, chance, f"there and back again, {asked}")


async def _request(admin: Live, story: Story) -> None:
    answer = (await admin.ask(REQUEST))["requestRetraining"]
    if answer["run"]:
        story.runs.add(answer["run"]["id"])
    else:
        _expect(answer["errors"], "ALREADY_RUNNING", "NOT_ENOUGH_LABELS")


async def _promote(admin: Live, story: Story, chance: random.Random, reason: str) -> None:
    known = await admin.ask(MODELS)
    others = [node["id"] for node in known["models"]["nodes"] if node["id"] != known["model"]["id"]]
    if not others:
        return
    given = {"id": chance.choice(others), "reason": reason}
    answer = (await admin.ask(PROMOTE, input=given))["promoteModel"]
    if answer["model"]:
        story.promotions.append(reason)
    else:
        _expect(answer["errors"], "CONFLICT")  # a run, or what was asked before the server died, came first


def _expect(errors: list[dict[str, str]], *codes: str) -> None:
    assert {error["code"] for error in errors} <= set(codes), errors
