"""Logs: how lines look, by which ids one follows what is done, and what they never tell."""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from collections.abc import AsyncIterator, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import pytest

from api import logs
from api.app import create_app
from api.settings import Settings
from api.trainer import learning_from
from api.wiring import Parts
from schema import ids
from services.attempts import LOG_FILE, last_words
from services.following import followed
from services.marks import Marks
from services.training import TrainerFailed
from store.tables import ModelVersion
from tests import databases, people
from tests.api.test_trainer import WARNING, steps, trainer, words_of
from tests.asking import Asker
from tests.journey import EMAIL, HERE, WRONG, Journey, same
from tests.people import eventually
from tests.stand_ins import picture

PROXY = "127.0.0.1"  # httpx's transport asks from there
UVICORNS = ("uvicorn", "uvicorn.error")


@pytest.fixture(params=["json", "text"])
def form(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def written(form: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[StringIO]:
    """All that is logged, at the level that tells most."""
    root, stream = logging.getLogger(), StringIO()
    levels = {name: logging.getLogger(name).level for name in (*logs.OURS, *UVICORNS)}
    before = root.handlers[:], root.level, levels
    monkeypatch.setattr(sys, "stderr", stream)
    # A server of another test may have set uvicorn's: to write by themselves, more or less than here.
    monkeypatch.setattr(logging.getLogger("uvicorn"), "propagate", True)
    for name in UVICORNS:
        logging.getLogger(name).setLevel(logging.NOTSET)
    logs.set_up(form, "debug")
    yield stream
    root.handlers[:], root.level = before[:2]
    for name, level in before[2].items():
        logging.getLogger(name).setLevel(level)
    logging.captureWarnings(False)


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """One database is enough for what is said around it."""
    return databases.sqlite_copy(sqlite_template, tmp_path)


@pytest.fixture
async def anybody(settings: Settings, parts: Parts, tmp_path: Path) -> AsyncIterator[Asker]:
    """A client of the whole application, behind a proxy that is trusted."""
    app = create_app(settings.model_copy(update={"trusted_proxies": PROXY}), parts, web=tmp_path / "dist")
    transport = httpx.ASGITransport(app, client=(PROXY, 1))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=transport, base_url="http://covidxr.test", headers={"X-Forwarded-For": HERE}
        ) as client,
    ):
        yield Asker(client)


def lines(written: StringIO, logger: str) -> list[dict[str, Any]]:
    told = [json.loads(line) for line in written.getvalue().splitlines()]
    return [line for line in told if line["logger"] == logger]


def failing() -> None:
    try:
        raise ValueError("550 <ana@hospital.example> unknown\nTHE END")
    except ValueError:
        logging.getLogger("services").exception("a mail to ana@hospital.example\n2026 ERROR forged")


@pytest.mark.parametrize("form", ["json"])
def test_a_line_is_an_object(written: StringIO) -> None:
    with followed({"request_id": "0123"}):
        logging.getLogger("access").info("answered", extra={"fields": {"ms": 1.5, "user": None}})
    line = json.loads(written.getvalue())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("time"))
    assert line == {
        "level": "INFO",
        "logger": "access",
        "message": "answered",
        "ms": 1.5,
        "request_id": "0123",
    }


@pytest.mark.parametrize("form", ["text"])
def test_a_line_for_people_is_one_line(written: StringIO) -> None:
    with followed({"event_id": "45"}):
        failing()
    first, *trace = written.getvalue().splitlines()
    assert first[24:] == r" ERROR   services: a mail to (address)\n2026 ERROR forged  event_id=45"
    assert all(line.startswith("    ") for line in trace)  # nothing in there passes for a line
    assert trace[-1] == "    THE END"


def test_addresses_are_hidden_wherever_they_stand(written: StringIO) -> None:
    failing()
    logging.getLogger("uvicorn.error").warning("mysql://covidxr:%s@db:3306", "secret")
    assert "(address)" in written.getvalue()
    assert not re.search("ana|hospital|secret", written.getvalue())


def test_a_long_word_in_a_line_holds_nobody_up(written: StringIO) -> None:
    """Such as a file that an error quotes: to look on from each of its letters would take half a minute."""
    began = time.thread_time()
    logging.getLogger("api").warning("%s %s", "x" * 100_000, EMAIL)
    assert time.thread_time() - began < 5
    assert "(address)" in written.getvalue()


def test_libraries_tell_warnings_alone(written: StringIO) -> None:
    logging.getLogger("tortoise.db_client").debug("INSERT %s", EMAIL)
    logging.getLogger("uvicorn.error").info('%s - "WebSocket /graphql" [accepted]', HERE)
    logging.getLogger("uvicorn.error").warning("told")
    assert len(written.getvalue().splitlines()) == 1


def is_told(secret: str, told: str) -> bool:
    """Letters of either case; six digits that stand alone, since ids hold any."""
    pattern = re.escape(secret)
    return bool(re.search(rf"\b{pattern}\b" if secret.isdigit() else pattern, told, re.IGNORECASE))


async def test_what_must_not_be_told_is_told_nowhere(
    anybody: Asker, parts: Parts, written: StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    journey = Journey(anybody, parts.post, written.getvalue)
    await journey.whole(monkeypatch)
    told = written.getvalue()
    for words in ("refused at the door", "an address was not signed here", "the store is away"):
        assert words in told
    assert "(address)" in told  # what the mail server said of the letter
    assert [secret for secret in journey.secrets if is_told(secret, told)] == []


@pytest.mark.parametrize("form", ["json"])
async def test_wrong_passwords_can_be_counted_and_nobody_is_named(
    anybody: Asker, settings: Settings, written: StringIO
) -> None:
    for email in (EMAIL, EMAIL, "other@hospital.example"):
        await anybody.mutate("signIn", "token", email=email, password=WRONG)
    first, again, other = lines(written, "security")[::2]
    assert (first["message"], first["code"], first["level"]) == (
        "refused at the door",
        "BAD_CREDENTIALS",
        "WARNING",
    )
    assert first["account"] == again["account"] != other["account"]
    assert first["source"] == again["source"] == other["source"]
    assert first["request_id"] != again["request_id"]
    key = (settings.data_dir / "secret.key").read_bytes()
    # Whoever has the key can ask for one address.
    assert (first["account"], first["source"]) == (Marks(key).of(EMAIL), Marks(key).of(HERE))


@pytest.mark.parametrize("form", ["json"])
async def test_a_request_is_followed_through_its_events_into_the_run(
    anybody: Asker, written: StringIO
) -> None:
    ana = await anybody.signed_in(await people.member())
    anybody.client.headers["X-Request-Id"] = "of-the-upload"
    details = {"label": "COVID", "waitSeconds": 10}
    await ana.upload([("x.png", picture(n)) for n in range(3)], "id", **details)
    await eventually(lambda: ModelVersion.filter(number=2).exists())
    await eventually(lambda: same([one for one in lines(written, "jobs") if one["group"] == "renewal"]))
    jobs = lines(written, "jobs")
    (training,) = [one for one in jobs if one["group"] == "training"]
    (renewal,) = [one for one in jobs if one.get("run_id")]
    assert {training["request_id"], renewal["request_id"]} == {"of-the-upload"}
    assert (renewal["group"], renewal["run_id"]) == ("renewal", "1")
    assert renewal["caused_by"] == training["event_id"]
    threshold = [one["event_id"] for one in jobs if one["group"] == "threshold"]
    assert training["caused_by"] in threshold
    steps = lines(written, "services.training")
    assert {(one["run_id"], one["request_id"]) for one in steps} == {("1", "of-the-upload")}


async def test_so_is_the_log_of_the_trainer_which_people_read_as_lines(tmp_path: Path) -> None:
    """Also at a level at which nobody else says what went well."""
    found = {"request_id": "of-the-upload", "event_id": "45", "run_id": "1"}
    manner = learning_from(Path(), "json", "error")[3:-1]
    with followed(found), pytest.raises(TrainerFailed) as failed:
        await steps(trainer(WARNING, log=manner), tmp_path)
    (line,) = [json.loads(one) for one in (tmp_path / LOG_FILE).read_text().splitlines()]
    assert (line["level"], line["message"]) == ("INFO", "TRAINING epoch 1 loss 0.5")
    assert {name: line[name] for name in found} == found
    assert words_of(failed) == [" INFO    trainer: TRAINING epoch 1 loss 0.5"]


def test_last_words_are_words_whatever_the_form(written: StringIO, tmp_path: Path) -> None:
    with followed({"run_id": "7"}):
        failing()
    (tmp_path / LOG_FILE).write_text(written.getvalue() + "{} printed by others\n")
    first, *trace, others = last_words(tmp_path).splitlines()
    assert first[24:] == r" ERROR   services: a mail to (address)\n2026 ERROR forged"
    assert trace[-1] == "    THE END"
    assert others == "{} printed by others"


@pytest.mark.parametrize("form", ["json"])
async def test_an_operation_is_one_line_without_what_it_asked_about(
    anybody: Asker, written: StringIO
) -> None:
    ana = await people.member()
    asker = await anybody.signed_in(ana)
    one, other = (ids.encode("Image", number) for number in (1, 2))
    query = "query Secret($id: ID!) { a: node(id: $id) { id } b: node(id: %s) { id } viewer { id } }"
    await asker.ask(query % json.dumps(other), id=one)
    (line,) = lines(written, "access")
    assert line.pop("ms") > 0
    assert {name: line[name] for name in ("operation", "fields", "outcome", "cost", "user")} == {
        "operation": "query",
        "fields": ["node", "viewer"],
        "outcome": "OK",
        "cost": 13,
        "user": ana.id,
    }
    assert not [word for word in ("Secret", one, other) if word in written.getvalue()]


@pytest.mark.parametrize("form", ["json"])
@pytest.mark.parametrize("query", ["{ users { totalCount } }", "{ images { totalCount } }"])
async def test_what_somebody_may_not_is_told(anybody: Asker, written: StringIO, query: str) -> None:
    asker = await anybody.signed_in(await people.member()) if "users" in query else anybody
    code = await asker.code(query)
    (line,) = lines(written, "security")
    assert (line["message"], line["codes"], line["fields"]) == ("refused", [code], [query.split()[1]])
