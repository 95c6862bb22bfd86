"""Who may see and do what: every root field, and every type by its id.

`test_mutation_matrix` has whose rows may be changed by whom, and `test_field_matrix`, with others that it
names, which fields are told.

511 cells.
"""

import re
from typing import Any

import pytest

from api.settings import Settings
from schema import ids
from schema.nodes import NODES
from services.platform import Platform
from store.tables import ModelState, Role, User
from tests import people
from tests.around import around
from tests.asking import VIEWERS, Asker
from tests.listening import joined, opened
from tests.ways import SCHEMA

SIGN_IN, FORBIDDEN, FINE = "UNAUTHENTICATED", "FORBIDDEN", "fine"
NEEDED = "SECOND_FACTOR_REQUIRED"

# field: for anybody, for a member, for an administrator
QUERIES = {
    "viewer { email }": (FINE, FINE, FINE),
    'node(id: "x") { id }': (FINE, FINE, FINE),
    'nodes(ids: ["x"]) { id }': (FINE, FINE, FINE),
    "news { nodes { author { name role createdAt } } }": (FINE, FINE, FINE),
    "model { number }": (FINE, FINE, FINE),
    "lastCursor": (FINE, FINE, FINE),
    "sessions { id client current }": (SIGN_IN, FINE, FINE),
    "images { nodes { id url } }": (SIGN_IN, FINE, FINE),
    "predictions { nodes { id } }": (SIGN_IN, FINE, FINE),
    "labelQueue { nodes { id } }": (SIGN_IN, FINE, FINE),
    "retraining { newLabels run { id } }": (SIGN_IN, FINE, FINE),
    "models { nodes { id } }": (SIGN_IN, FORBIDDEN, FINE),
    'modelAt(time: "2126-11-23T12:00:00Z") { id }': (SIGN_IN, FORBIDDEN, FINE),
    "trainingRuns { nodes { id } }": (SIGN_IN, FORBIDDEN, FINE),
    "retrainingPolicy { threshold }": (SIGN_IN, FORBIDDEN, FINE),
    "retrainingPolicies { nodes { threshold } }": (SIGN_IN, FORBIDDEN, FINE),
    "labelConflicts { nodes { id } }": (SIGN_IN, FORBIDDEN, FINE),
    "drift { lastMonth { images } series { end } warnings { since } }": (SIGN_IN, FORBIDDEN, FINE),
    "featureProgress { done total }": (SIGN_IN, FORBIDDEN, FINE),
    "users { nodes { id email } }": (SIGN_IN, FORBIDDEN, FINE),
    "contactMessages { nodes { id } }": (SIGN_IN, FORBIDDEN, FINE),
    "trail { nodes { id actor { email } } }": (SIGN_IN, FORBIDDEN, FINE),
    'trail(filter: {actorId: "x"}) { totalCount }': (SIGN_IN, FORBIDDEN, FINE),
}
SUBSCRIPTIONS = {
    "newsPublished": (FINE, FINE, FINE),
    "predictionMade": (SIGN_IN, FINE, FINE),
    "findingChanged": (SIGN_IN, FINE, FINE),
    "labelSubmitted": (SIGN_IN, FORBIDDEN, FINE),
    "labelsWithdrawn": (SIGN_IN, FORBIDDEN, FINE),
    "trainingProgress": (SIGN_IN, FORBIDDEN, FINE),
    "modelPromoted": (SIGN_IN, FORBIDDEN, FINE),
    "driftWarned": (SIGN_IN, FORBIDDEN, FINE),
}
X = 'id: "x"'
MUTATIONS = {
    'signUp(input: {email: "x", password: "x", name: ""}) { errors { code } }': (FINE, FINE, FINE),
    'verifyEmail(input: {token: "x"}) { errors { code } }': (FINE, FINE, FINE),
    'signIn(input: {email: "x", password: "x"}) { errors { code } }': (FINE, FINE, FINE),
    'requestPasswordReset(input: {email: "x"}) { errors { code } }': (FINE, FINE, FINE),
    'resetPassword(input: {token: "x", password: "x"}) { errors { code } }': (FINE, FINE, FINE),
    'sendContactMessage(input: {name: "", email: "", subject: "", body: ""}) { errors { code } }': (
        FINE,
        FINE,
        FINE,
    ),
    "uploadImages(input: {files: []}) { errors { code } }": (SIGN_IN, FINE, FINE),
    f"updateImage(input: {{{X}}}) {{ errors {{ code }} }}": (SIGN_IN, FINE, FINE),
    f'updateImage(input: {{{X}, patientRef: "p"}}) {{ errors {{ code }} }}': (SIGN_IN, FINE, FINE),
    f"deleteImage(input: {{{X}}}) {{ errors {{ code }} }}": (SIGN_IN, FINE, FINE),
    'submitLabel(input: {imageId: "x", finding: COVID}) { errors { code } }': (SIGN_IN, FINE, FINE),
    "requestRetraining { errors { code } }": (SIGN_IN, FORBIDDEN, FINE),
    "cancelRetraining { errors { code } }": (SIGN_IN, FORBIDDEN, FINE),
    "setRetrainingPolicy(input: {}) { errors { code } }": (SIGN_IN, FORBIDDEN, FINE),
    f'promoteModel(input: {{{X}, reason: "r"}}) {{ errors {{ code }} }}': (SIGN_IN, FORBIDDEN, FINE),
    'publishNews(input: {title: "", body: ""}) { errors { code } }': (SIGN_IN, FORBIDDEN, FINE),
    f"updateNews(input: {{{X}}}) {{ errors {{ code }} }}": (SIGN_IN, FORBIDDEN, FINE),
    f"deleteNews(input: {{{X}}}) {{ errors {{ code }} }}": (SIGN_IN, FORBIDDEN, FINE),
    f"setUserRole(input: {{{X}, role: ADMIN}}) {{ errors {{ code }} }}": (SIGN_IN, FORBIDDEN, FINE),
    f'blockUser(input: {{{X}, reason: "r"}}) {{ errors {{ code }} }}': (SIGN_IN, FORBIDDEN, FINE),
    f"unblockUser(input: {{{X}}}) {{ errors {{ code }} }}": (SIGN_IN, FORBIDDEN, FINE),
    'withdrawLabels(input: {userId: "x", reason: "r"}) { errors { code } }': (SIGN_IN, FORBIDDEN, FINE),
    "exportAccount { errors { code } }": (SIGN_IN, FINE, FINE),
    'requestEmailChange(input: {email: "x", password: "x"}) { errors { code } }': (SIGN_IN, FINE, FINE),
    'changePassword(input: {password: "x", newPassword: "x"}) { errors { code } }': (SIGN_IN, FINE, FINE),
    'confirmEmailChange(input: {token: "x"}) { errors { code } }': (FINE, FINE, FINE),
    f"endSession(input: {{{X}}}) {{ errors {{ code }} }}": (SIGN_IN, FINE, FINE),
    'deleteAccount(input: {password: "x"}) { errors { code } }': (SIGN_IN, FINE, FINE),
    'beginSecondFactor(input: {password: "x"}) { errors { code } }': (SIGN_IN, FINE, FINE),
    'confirmSecondFactor(input: {code: "x"}) { errors { code } }': (SIGN_IN, FINE, FINE),
    'endSecondFactor(input: {password: "x", code: "x"}) { errors { code } }': (SIGN_IN, FINE, FINE),
    f'resetSecondFactor(input: {{{X}, reason: "r"}}) {{ errors {{ code }} }}': (SIGN_IN, FORBIDDEN, FINE),
    # last: they end the session
    "signOutEverywhere { signedOut }": (SIGN_IN, FINE, FINE),
    "signOut { signedOut }": (FINE, FINE, FINE),
}


async def outcome(asker: Asker, document: str) -> str:
    answer = await asker.ask(document)
    if "errors" not in answer:
        return FINE
    assert not any((answer["data"] or {}).values())
    (error,) = answer["errors"]
    code: str = error["extensions"]["code"]
    return code


async def beginnings(address: str, asker: Asker) -> dict[str, str]:
    """What is told of each subscription at once: why it has ended, or nothing where it goes on."""
    async with joined(address, asker.token) as client:
        for name in SUBSCRIPTIONS:
            await client.subscribe(f"subscription {{ {name} {{ cursor }} }}", name)
        await client.settle()
        begun = dict.fromkeys(SUBSCRIPTIONS, FINE)
        for message in client._kept:
            assert begun[message["id"]] == FINE, "whatever has ended tells nothing more"
            begun[message["id"]] = message["payload"][0]["extensions"]["code"]
        return begun


async def turned_away(address: str, asker: Asker) -> tuple[int, str]:
    """The code and reason with which a socket closes before anything can be asked for."""
    async with opened(address) as client:
        init = {"type": "connection_init", "payload": {"authorization": f"Bearer {asker.token}"}}
        await client.send(init)
        return await client.closes()


def needing(to_members: str) -> str:
    """What an administrator is told who has yet to turn on the second factor."""
    return NEEDED if to_members == FORBIDDEN else to_members


def head_of(text: str) -> str:
    """The root field that an entry is about, with its arguments."""
    found = re.match(r"\w+(\([^)]*\))?", text)
    assert found
    return found[0]


def name_in(text: str) -> str:
    """The same without them."""
    return head_of(text).partition("(")[0]


def told_to(viewer: str, entry: tuple[str, str, str]) -> str:
    """What one of `VIEWERS` is told by an entry of the lists above."""
    stranger, to_members, to_admins = entry
    everybody = (stranger, to_members, to_members, to_admins, stranger, stranger, needing(to_members))
    return dict(zip(VIEWERS, everybody, strict=True))[viewer]


@pytest.fixture
def askers(
    anybody: Asker, member: Asker, other: Asker, admin: Asker, blocked: Asker, unverified: Asker
) -> list[tuple[str, Asker, int]]:
    """Who asks, and the place of what each is to be told in the lists above."""
    names = ("anybody", "member", "other", "admin", "blocked", "unverified")
    everybody = (anybody, member, other, admin, blocked, unverified)
    return list(zip(names, everybody, (0, 1, 1, 2, 0, 0), strict=True))


@pytest.mark.parametrize(("operation", "listed"), [("query", QUERIES), ("mutation", MUTATIONS)])
async def test_every_query_and_mutation(
    askers: list[tuple[str, Asker, int]], operation: str, listed: dict[str, Any]
) -> None:
    for field, expected in listed.items():
        for name, asker, place in askers:
            assert await outcome(asker, f"{operation} {{ {field} }}") == expected[place], (field, name)


async def test_every_subscription(address: str, askers: list[tuple[str, Asker, int]]) -> None:
    """A socket takes nobody for a stranger who comes with a token that is no good: it closes."""
    for name, asker, place in askers:
        if name in ("blocked", "unverified"):
            assert await turned_away(address, asker) == (4403, "Forbidden"), name
        else:
            expected = {field: three[place] for field, three in SUBSCRIPTIONS.items()}
            assert await beginnings(address, asker) == expected, name


class TestWhereAdministratorsNeedASecondFactor:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"admin_second_factor": True})

    @pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
    async def test_one_without_does_what_a_member_may(self, address: str, admin: Asker) -> None:
        begun = await beginnings(address, admin)
        assert begun == {field: needing(to_members) for field, (_, to_members, _) in SUBSCRIPTIONS.items()}
        for operation, listed in (("query", QUERIES), ("mutation", MUTATIONS)):
            for field, (_, to_members, _) in listed.items():
                assert await outcome(admin, f"{operation} {{ {field} }}") == needing(to_members), field


def test_the_lists_above_are_complete() -> None:
    for listed, kind in (
        (QUERIES, SCHEMA.query_type),
        (MUTATIONS, SCHEMA.mutation_type),
        (SUBSCRIPTIONS, SCHEMA.subscription_type),
    ):
        assert kind
        assert {name_in(text) for text in listed} == kind.fields.keys()


def test_the_cells_are_counted_right() -> None:
    root_fields = (len(QUERIES) + len(MUTATIONS) + len(SUBSCRIPTIONS)) * len(VIEWERS)
    by_id = sum(len(seen) for seen in BY_ID.values())
    assert f"\n{root_fields + by_id} cells.\n" in (__doc__ or "")


async def test_a_token_that_is_no_good_signs_nobody_in(anybody: Asker) -> None:
    stranger = Asker(anybody.client, "made-up")
    assert await stranger.data("{ viewer { id } }") is None
    assert await stranger.code("{ images { nodes { id } } }") == SIGN_IN


# ------------------------------------------------------------------ by id


@pytest.fixture
async def rows(platform: Platform, ana: User) -> dict[str, str]:
    """The ids of a row of each type around Ana's image, and of what is not hers."""
    return await around(platform, ana)


# who sees the object by its id: anybody, Ana, another member, an administrator
BY_ID = {
    "Image": (False, True, False, True),
    "Prediction": (False, True, False, True),
    "Label": (False, True, False, True),
    "User": (False, True, False, True),
    "in service": (True, True, True, True),
    "judged by": (False, True, False, True),
    "learned from": (False, True, False, True),
    "neither": (False, False, False, True),
    "NewsPost": (True, True, True, True),
    "ContactMessage": (False, False, False, True),
    "TrainingRun": (False, False, False, True),
    "RetrainingPolicy": (False, False, False, True),
    "the operator's": (False, False, False, True),
    "TrailEntry": (False, False, False, True),
}


async def test_every_type_by_its_id(
    anybody: Asker, member: Asker, other: Asker, admin: Asker, rows: dict[str, str]
) -> None:
    wanted = list(rows.values())
    seen = []
    for asker in (anybody, member, other, admin):
        found = await asker.data("query($ids: [ID!]!) { nodes(ids: $ids) { id __typename } }", ids=wanted)
        assert [node is None or node["id"] for node in found] == [
            node is None or one for node, one in zip(found, wanted, strict=True)
        ]
        seen.append([node is not None for node in found])
        for one, node in zip(wanted, found, strict=True):
            assert await asker.data("query($id: ID!) { node(id: $id) { id __typename } }", id=one) == node
    assert dict(zip(rows, zip(*seen, strict=True), strict=True)) == BY_ID


def test_every_type_with_an_id_is_among_them() -> None:
    by_other_names = {"in service", "judged by", "learned from", "neither", "the operator's"}
    assert set(NODES) == set(BY_ID) - by_other_names | {"ModelVersion"}


async def test_ids_of_nothing_find_nothing(admin: Asker, rows: dict[str, str]) -> None:
    nothing = [
        "",
        "x",
        ids.encode("Image", 999_999),
        ids.encode("Token", 1),
        ids.encode("Query", 1),
        rows["Image"] + "=",
        ids.encode("Image", 10**18 - 1),
    ]
    query = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    assert await admin.data(query, ids=nothing) == [None] * len(nothing)
    assert await admin.data(query, ids=[]) == []
    assert await admin.code(query, ids=["x"] * 101) == "BAD_USER_INPUT"


# ------------------------------------------------------------------ fields


async def test_an_address_is_shown_to_its_owner_and_administrators(
    anybody: Asker, member: Asker, admin: Asker, rows: dict[str, str]
) -> None:
    query = "{ news { nodes { author { name email } } } }"
    assert await anybody.code(query) == SIGN_IN
    assert await member.code(query) == FORBIDDEN
    assert (await admin.data(query))["nodes"][0]["author"]["email"] == "author@hospital.example"
    own = await member.data("{ images { nodes { uploadedBy { email } label { submittedBy { email } } } } }")
    assert own["nodes"][0]["uploadedBy"]["email"] == "ana@hospital.example"
    assert own["nodes"][0]["label"]["submittedBy"]["email"] == "ana@hospital.example"


async def test_who_put_a_model_in_service_is_shown_to_administrators(
    anybody: Asker, member: Asker, admin: Asker, rows: dict[str, str]
) -> None:
    query = "{ model { deployments { reason decidedBy { name } } } }"
    assert await anybody.code(query) == SIGN_IN
    assert await member.code(query) == FORBIDDEN
    assert len((await admin.data(query))["deployments"]) == 1
    judging = "{ images { nodes { predictions { nodes { model { deployments { reason } } } } } } }"
    assert await member.code(judging) == FORBIDDEN
    by_id = "query($id: ID!) { node(id: $id) { ... on ModelVersion { deployments { reason } } } }"
    assert await member.code(by_id, id=rows["judged by"]) == FORBIDDEN


async def test_a_role_counts_from_the_next_request_on(anybody: Asker) -> None:
    user = await people.member("rosa@hospital.example")
    rosa = await anybody.signed_in(user)
    assert await rosa.code("{ users { totalCount } }") == FORBIDDEN
    await User.filter(id=user.id).update(role=Role.ADMIN)
    assert (await rosa.data("{ users { totalCount } }"))["totalCount"] == 1


async def test_states_of_models_are_shown_as_they_are(member: Asker, rows: dict[str, str]) -> None:
    query = "query($id: ID!) { node(id: $id) { ... on ModelVersion { state } } }"
    assert (await member.data(query, id=rows["in service"]))["state"] == ModelState.IN_SERVICE
    assert (await member.data(query, id=rows["judged by"]))["state"] == ModelState.RETIRED
