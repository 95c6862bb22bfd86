"""graphql-transport-ws: who gets in, what is said there, and how it ends."""

import asyncio
import contextlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from api import graphql, sockets
from api.patience import PatientSocket
from schema import streams
from services import tokens
from services.platform import Platform
from store.tables import NewsPost, Token, TokenPurpose, User
from tests import databases
from tests.asking import Asker
from tests.listening import Socket, joined, listening, opened, publish

INIT = {"type": "connection_init"}
NEWS = "subscription { newsPublished { cursor post { title } } }"


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """One database is enough for what happens before it is asked."""
    return databases.sqlite_copy(sqlite_template, tmp_path)


async def answer(client: Socket, query: str, operation: str = "q", **variables: Any) -> Any:
    """The whole result of a query or mutation."""
    await client.subscribe(query, operation, **variables)
    message = await client.of(operation)
    assert message["type"] == "next", message
    assert (await client.of(operation))["type"] == "complete"
    return message["payload"]


# ------------------------------------------------------------------ getting in


async def test_queries_and_mutations_work_there_too(address: str, member: Asker, ana: User) -> None:
    async with joined(address, member.token) as client:
        assert (await answer(client, "{ viewer { name } }"))["data"] == {"viewer": {"name": "Ana"}}
        mutation = 'mutation { deleteImage(input: {id: "x"}) { errors { code path } } }'
        errors = [{"code": "NOT_FOUND", "path": ["input", "id"]}]
        assert (await answer(client, mutation))["data"] == {"deleteImage": {"errors": errors}}


async def test_nobody_needs_a_token(address: str, platform: Platform) -> None:
    async with joined(address) as client:
        assert (await answer(client, "{ viewer { name } }"))["data"] == {"viewer": None}


async def test_the_token_is_found_however_it_is_spelt(address: str, member: Asker) -> None:
    for name in ("authorization", "Authorization", "AUTHORIZATION"):
        async with opened(address) as client:
            await client.send({**INIT, "payload": {name: f"bearer {member.token}", "other": 1}})
            assert await client.receive() == {"type": "connection_ack"}
            assert (await answer(client, "{ viewer { name } }"))["data"] == {"viewer": {"name": "Ana"}}


async def test_a_token_that_is_no_good_is_turned_away(address: str, platform: Platform) -> None:
    for authorization in ("Bearer made-up", "Bearer", "made-up", "", 5, ["Bearer x"], {}):
        async with opened(address) as client:
            await client.send({**INIT, "payload": {"authorization": authorization}})
            assert await client.closes() == (4403, "Forbidden")


async def test_a_token_that_has_expired_is_turned_away(address: str, member: Asker) -> None:
    await Token.all().update(expires_at=datetime.now(UTC) - timedelta(seconds=1))
    async with opened(address) as client:
        await client.send({**INIT, "payload": {"authorization": f"Bearer {member.token}"}})
        assert (await client.closes())[0] == 4403


async def test_the_older_protocol_is_not_spoken(address: str, platform: Platform) -> None:
    for protocols in (("graphql-ws",), ("graphql-sse",), ("nonsense",)):
        async with opened(address, *protocols) as client:
            assert (await client.closes())[0] == 4406
    async with opened(address, "graphql-ws", "graphql-transport-ws") as client:
        assert client.connection.subprotocol == "graphql-transport-ws"


async def test_pages_of_other_sites_are_not_let_in(address: str, platform: Platform) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with opened(address, Origin="http://evil.example"):
            pass
    assert refused.value.response.status_code == 403
    async with opened(address, Origin=f"http://{address}") as client:
        await client.send(INIT)
        assert await client.receive() == {"type": "connection_ack"}


async def test_pages_of_allowed_sites_are(platform: Platform) -> None:
    endpoint = {"allowed_origins": ["https://app.example"]}
    async with listening(platform, endpoint) as where, opened(where, Origin="https://app.example") as client:
        await client.send(INIT)
        assert await client.receive() == {"type": "connection_ack"}


# ------------------------------------------------------------------ the protocol's close codes


async def test_subscribing_before_the_acknowledgement(address: str, platform: Platform) -> None:
    async with opened(address) as client:
        await client.subscribe(NEWS)
        assert (await client.closes())[0] == 4401


async def test_saying_nothing(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    assert timedelta(seconds=3) <= graphql.INIT_TIMEOUT <= timedelta(seconds=30)
    monkeypatch.setattr(graphql, "INIT_TIMEOUT", timedelta(seconds=0.2))
    async with listening(platform) as impatient, opened(impatient) as client:
        await client.send({"type": "ping"})
        assert await client.receive() == {"type": "pong"}
        assert (await client.closes())[0] == 4408


async def test_initialising_twice(address: str, platform: Platform) -> None:
    async with joined(address) as client:
        await client.send(INIT)
        assert (await client.closes())[0] == 4429


async def test_an_id_that_is_taken(address: str, platform: Platform) -> None:
    async with joined(address) as client:
        await client.subscribe(NEWS, "x" * 300)
        await client.subscribe(NEWS, "x" * 300)
        code, reason = await client.closes()
        assert code == 4409
        assert reason.startswith("Subscriber for xxx")


async def test_an_id_may_be_used_again(address: str, platform: Platform) -> None:
    async with joined(address) as client:
        await client.subscribe(NEWS)
        await client.send({"id": "1", "type": "complete"})
        await client.send({"id": "never begun", "type": "complete"})
        assert (await answer(client, "{ model { number } }", "1"))["data"] == {"model": {"number": 1}}


async def test_pings_are_answered(address: str, platform: Platform) -> None:
    async with opened(address) as client:
        for ping in ({"type": "ping"}, {"type": "ping", "payload": {"at": 1}}):
            await client.send(ping)
            assert await client.receive() == {"type": "pong"}
        await client.send({"type": "pong"})
        await client.send(INIT)
        assert await client.receive() == {"type": "connection_ack"}


HANDSHAKE = (
    "GET /graphql HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
)
PING, CLOSE = b"\x89", b"\x88"


async def test_a_client_that_answers_no_ping_is_taken_for_gone(platform: Platform) -> None:
    """The server pings of itself, so that no proxy between takes a silent socket for a dead one."""
    options = {"ws": PatientSocket, "ws_ping_interval": 0.1, "ws_ping_timeout": 0.3}
    async with asyncio.timeout(10), listening(platform, **options) as where:
        host, _, port = where.partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(HANDSHAKE.encode())
        await reader.readuntil(b"\r\n\r\n")
        heard = await reader.read()  # to the end
        writer.close()
    assert heard.startswith(PING)
    assert CLOSE in heard


ODD = [
    "[1]",
    '"x"',
    "5",
    "null",
    "true",
    "",
    "{",
    "nonsense",
    b"\x00\x01",
    b'{"type": "ping"}',
    "{}",
    '{"type": 5}',
    '{"type": null}',
    '{"type": ["ping"]}',
    '{"type": "start"}',
    json.dumps({"type": "é" * 300}),
    '{"type": "connection_init", "payload": 5}',
    '{"type": "ping", "payload": "x"}',
    '{"type": "subscribe"}',
    '{"type": "subscribe", "id": "1"}',
    '{"type": "subscribe", "id": 1, "payload": {"query": "{ __typename }"}}',
    '{"type": "subscribe", "id": "", "payload": {"query": "{ __typename }"}}',
    '{"type": "subscribe", "id": ["1"], "payload": {"query": "{ __typename }"}}',
    '{"type": "subscribe", "id": "1", "payload": "{ __typename }"}',
    '{"type": "subscribe", "id": "1", "payload": {}}',
    '{"type": "subscribe", "id": "1", "payload": {"query": 5}}',
    '{"type": "subscribe", "id": "1", "payload": {"query": "{ __typename }", "variables": []}}',
    '{"type": "subscribe", "id": "1", "payload": {"query": "{ __typename }", "operationName": 5}}',
    '{"type": "subscribe", "id": "1", "payload": {"query": "{ __typename }", "extensions": "x"}}',
    '{"type": "complete"}',
    '{"type": "complete", "id": {}}',
    "[" * 100_000,
]


async def test_messages_out_of_shape_close_the_socket(address: str, platform: Platform) -> None:
    for message in ODD:
        for is_joined in (False, True):
            async with joined(address) if is_joined else opened(address) as client:
                await client.send(message)
                code, reason = await client.closes()
                assert (code, bool(reason)) == (4400, True), (message, is_joined)


async def test_a_message_has_an_end(address: str, platform: Platform) -> None:
    async with joined(address) as client:
        await client.subscribe("{ __typename } #" + "x" * (2 << 20))
        assert (await client.closes())[0] == 1009


# ------------------------------------------------------------------ operations end alone


@pytest.mark.parametrize(
    "query",
    [
        "{",
        "",
        "{ nothing }",
        "subscription { nothing }",
        "query($x: Int!) { __typename }",
        "fragment F on User { id }",
    ],
)
async def test_a_bad_operation_ends_alone(address: str, platform: Platform, admin: Asker, query: str) -> None:
    async with joined(address) as client:
        await client.subscribe(NEWS, "news")
        await client.settle()
        await client.subscribe(query, "bad")
        message = await client.of("bad")
        errors = message["payload"] if message["type"] == "error" else message["payload"]["errors"]
        assert [error["extensions"]["code"] for error in errors] == ["BAD_USER_INPUT"]
        if message["type"] == "next":
            assert (await client.of("bad"))["type"] == "complete"
        await admin.mutate("publishNews", "post { id }", title="t", body="b")
        assert (await client.event("news"))["post"] == {"title": "t"}


async def test_hostile_documents_are_refused_there_too(address: str, platform: Platform) -> None:
    async with joined(address) as client:
        await client.subscribe("{" + "viewer { id } " * 50 + "}")
        assert await client.ends() == ("error", "BAD_USER_INPUT")


async def test_so_many_operations_on_a_socket(address: str, platform: Platform) -> None:
    async with joined(address) as client:
        for n in range(graphql.MAX_OPERATIONS_PER_SOCKET):
            await client.subscribe(NEWS, f"news {n}")
        await client.subscribe(NEWS, "one more")
        assert await client.ends("one more") == ("error", "RATE_LIMITED")
        await client.send({"id": "news 0", "type": "complete"})
        await client.subscribe("{ model { number } }", "one more")
        assert (await client.event("one more")) == {"number": 1}


async def test_operations_on_a_socket_load_afresh(address: str, member: Asker, admin: Asker) -> None:
    post = (await admin.mutate("publishNews", "post { id }", title="old", body="b"))["post"]["id"]
    query = "query($id: ID!) { node(id: $id) { ... on NewsPost { title } } }"
    async with joined(address, member.token) as client:
        assert (await answer(client, query, id=post))["data"]["node"] == {"title": "old"}
        await NewsPost.all().update(title="new")
        assert (await answer(client, query, id=post))["data"]["node"] == {"title": "new"}


async def test_a_session_that_ends_signs_the_socket_out(address: str, member: Asker) -> None:
    async with joined(address, member.token) as client:
        assert (await answer(client, "{ viewer { name } }"))["data"]["viewer"] == {"name": "Ana"}
        await member.data("mutation { signOut { signedOut } }")
        await client.subscribe("{ viewer { name } }")
        assert await client.ends() == ("error", "UNAUTHENTICATED")
        assert (await client.closes())[0] == 4403


async def test_a_session_that_expires_ends_its_socket_at_that_moment(address: str, member: Asker) -> None:
    assert streams.SILENT_SECONDS >= 10, "so that it is not found out by looking now and then"
    ends = datetime.now(UTC) + timedelta(seconds=3)
    begun = ends - tokens.LIFETIMES[TokenPurpose.SESSION]
    await Token.all().update(created_at=begun, expires_at=ends)
    async with asyncio.timeout(9), joined(address, member.token) as client:
        await client.subscribe(NEWS)
        assert (await answer(client, "{ viewer { name } }"))["data"]["viewer"] == {"name": "Ana"}
        assert (await client.ends())[1] == "UNAUTHENTICATED"
        assert await client.closes() == (4403, "The session has ended: sign in again")


async def test_whoever_only_listens_is_signed_out(
    address: str, member: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end is put off by what is asked, and by nothing that a socket does by itself."""
    monkeypatch.setattr(streams, "SILENT_SECONDS", 0.5)
    async with asyncio.timeout(20), joined(address, member.token) as client:
        await client.subscribe(NEWS)
        await asyncio.sleep(0.3)
        soon = datetime.now(UTC) + timedelta(seconds=2)
        await Token.all().update(expires_at=soon)
        assert (await answer(client, "{ viewer { name } }"))["data"]["viewer"] == {"name": "Ana"}
        put_off = await Token.get(purpose=TokenPurpose.SESSION)
        assert put_off.expires_at > soon + timedelta(hours=20)
        await Token.all().update(expires_at=datetime.now(UTC) - timedelta(seconds=1))
        assert (await client.ends())[1] == "UNAUTHENTICATED"
        assert (await client.closes())[0] == 4403


async def signs_out(member: Asker, admin: Asker, platform: Platform) -> None:
    await member.data("mutation { signOut { signedOut } }")


async def is_blocked(member: Asker, admin: Asker, platform: Platform) -> None:
    viewer = await member.data("{ viewer { id } }")
    await admin.mutate("blockUser", "user { id }", id=viewer["id"], reason="spam")


async def forgets_the_password(member: Asker, admin: Asker, platform: Platform) -> None:
    user = await User.get(name="Ana")
    secret = await tokens.issue(user, TokenPurpose.RESET_PASSWORD)
    await platform.accounts.reset_password(secret, "another horse battery")


@pytest.mark.parametrize("end", [signs_out, is_blocked, forgets_the_password])
async def test_a_session_that_is_revoked_ends_its_sockets(
    address: str, platform: Platform, member: Asker, admin: Asker, monkeypatch: pytest.MonkeyPatch, end: Any
) -> None:
    monkeypatch.setattr(streams, "SILENT_SECONDS", 0.2)
    async with joined(address, member.token) as busy, joined(address, member.token) as idle:
        await busy.subscribe(NEWS)
        await busy.settle()
        await end(member, admin, platform)
        assert (await busy.ends())[1] == "UNAUTHENTICATED"
        for client in (busy, idle):
            assert (await client.closes())[0] == 4403
    async with joined(address) as nobody:
        assert (await answer(nobody, "{ model { number } }"))["data"] == {"model": {"number": 1}}


@pytest.mark.parametrize("end", [signs_out, is_blocked, forgets_the_password])
async def test_who_listens_is_told_of_the_end_at_once(
    address: str, platform: Platform, member: Asker, admin: Asker, monkeypatch: pytest.MonkeyPatch, end: Any
) -> None:
    monkeypatch.setattr(streams, "SILENT_SECONDS", 600.0)
    async with joined(address, member.token) as client, joined(address, admin.token) as chiefs:
        for listener in (client, chiefs):
            await listener.subscribe(NEWS)
            await listener.settle()
        await end(member, admin, platform)
        assert (await client.ends())[1] == "UNAUTHENTICATED"
        assert (await client.closes())[0] == 4403
        await publish(admin, "heard")
        assert (await chiefs.event())["post"]["title"] == "heard"


async def test_a_client_that_hangs_up_leaves_nothing_behind(address: str, platform: Platform) -> None:
    before = len(asyncio.all_tasks())
    async with joined(address) as client:
        for n in range(20):
            await client.subscribe(NEWS, str(n))
        await client.settle()
        assert len(asyncio.all_tasks()) >= before + 20
    async with asyncio.timeout(10):
        while len(asyncio.all_tasks()) > before:
            await asyncio.sleep(0.01)


class Closing(PatientSocket):
    """Has said goodbye before an answer is sent, as to a client that answers no ping."""

    async def send(self, message: Any) -> None:
        self.close_sent = '"next"' in message.get("text", "")
        await super().send(message)


async def test_an_answer_behind_the_close_is_no_error(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ended, report = asyncio.Event(), sockets.Handler.handle_task_exception

    async def reported(handler: sockets.Handler, error: Exception) -> None:
        await report(handler, error)
        ended.set()

    monkeypatch.setattr(sockets.Handler, "handle_task_exception", reported)
    async with listening(platform, ws=Closing) as address, joined(address) as client:
        await client.subscribe("{ model { number } }")
        async with asyncio.timeout(10):
            await ended.wait()
    assert caplog.records == []


async def test_a_client_that_hangs_up_in_mid_answer_is_no_error(
    address: str, platform: Platform, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    begun, may_send, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
    send_json, report = sockets.Wire.send_json, sockets.Handler.handle_task_exception

    async def late(wire: sockets.Wire, message: Any) -> None:
        if message["type"] == "next":
            begun.set()
            with contextlib.suppress(asyncio.CancelledError):  # hanging up cancels the operation
                await may_send.wait()
        await send_json(wire, message)

    async def reported(handler: sockets.Handler, error: Exception) -> None:
        await report(handler, error)
        ended.set()

    monkeypatch.setattr(sockets.Wire, "send_json", late)
    monkeypatch.setattr(sockets.Handler, "handle_task_exception", reported)
    async with joined(address) as client:
        await client.subscribe("{ model { number } }")
        await begun.wait()
    async with asyncio.timeout(10):
        await ended.wait()
    assert caplog.records == []
