"""News and contact messages through GraphQL."""

from api.wiring import Parts
from schema import ids
from store.tables import ContactMessage, NewsPost
from tests.asking import Asker, codes
from tests.people import eventually
from tests.stand_ins import Pigeonhole

MESSAGE = {"name": "Luz", "email": "luz@x.example", "subject": "A question", "body": "How do I begin?"}


async def test_a_post_is_published_changed_and_deleted(admin: Asker, anybody: Asker) -> None:
    published = await admin.mutate(
        "publishNews", "post { id title body author { name } }", title=" New ", body="*b*"
    )
    post = published["post"]
    assert published["errors"] == []
    assert {**post, "id": None} == {"id": None, "title": "New", "body": "*b*", "author": {"name": "Chief"}}
    for given, expected in (
        ({}, ("New", "*b*")),
        ({"title": "Newer"}, ("Newer", "*b*")),
        ({"title": None, "body": "c"}, ("Newer", "c")),
    ):
        updated = await admin.mutate("updateNews", "post { title body }", id=post["id"], **given)
        assert (updated["post"]["title"], updated["post"]["body"]) == expected
    assert (await anybody.data("{ news { nodes { id title } } }"))["nodes"] == [
        {"id": post["id"], "title": "Newer"}
    ]
    assert (await admin.mutate("deleteNews", "deletedId", id=post["id"]))["deletedId"] == post["id"]
    assert (await anybody.data("{ news { totalCount } }"))["totalCount"] == 0


async def test_posts_that_cannot_be(admin: Asker) -> None:
    bad = await admin.mutate("publishNews", "post { id }", title=" ", body="x" * 50_001)
    assert bad["post"] is None
    assert codes(bad) == [("REQUIRED", ["input", "title"]), ("TOO_LARGE", ["input", "body"])]
    assert await NewsPost.all().count() == 0
    post_id = (await admin.mutate("publishNews", "post { id }", title="t", body="b"))["post"]["id"]
    empty = await admin.mutate("updateNews", "post { id }", id=post_id, title="", body="")
    assert codes(empty) == [("REQUIRED", ["input", "title"]), ("REQUIRED", ["input", "body"])]
    assert (await NewsPost.all().first()).title == "t"  # type: ignore[union-attr]


async def test_posts_that_are_not_there(admin: Asker) -> None:
    for post_id in (ids.encode("NewsPost", 999), ids.encode("Image", 1), "nonsense"):
        for name in ("updateNews", "deleteNews"):
            assert codes(await admin.mutate(name, "__typename", id=post_id)) == [
                ("NOT_FOUND", ["input", "id"])
            ]


async def test_anybody_writes_to_the_administrators(anybody: Asker, admin: Asker, parts: Parts) -> None:
    sent = await anybody.mutate(
        "sendContactMessage", "message { name email subject body delivered }", **MESSAGE
    )
    assert sent == {"message": {**MESSAGE, "delivered": False}, "errors": []}

    async def delivered() -> ContactMessage | None:
        return await ContactMessage.filter(delivered_at__isnull=False).first()

    await eventually(delivered)
    (message,) = (await admin.data("{ contactMessages { nodes { subject delivered } } }"))["nodes"]
    assert message == {"subject": "A question", "delivered": True}
    assert isinstance(parts.post, Pigeonhole)
    assert [letter.to for letter in parts.post.letters] == [("chief@hospital.example",)]


async def test_a_message_tells_all_that_is_wrong_at_once(anybody: Asker) -> None:
    payload = await anybody.mutate(
        "sendContactMessage", "message { id }", name="", email="nowhere", subject="x" * 201, body=" "
    )
    assert payload["message"] is None
    assert codes(payload) == [
        ("REQUIRED", ["input", "name"]),
        ("INVALID", ["input", "email"]),
        ("TOO_LARGE", ["input", "subject"]),
        ("REQUIRED", ["input", "body"]),
    ]
    assert await ContactMessage.all().count() == 0
