"""News: administrators publish, everyone reads."""

import asyncio
from collections.abc import Awaitable

import pytest

from events.memory import InProcessLog
from services.errors import Code, Forbidden, Refused, Unauthenticated
from services.journal import DatabaseJournal
from services.newsroom import BODY_LENGTH, TITLE_LENGTH, Newsroom
from services.outbox import Outbox
from store.pages import Window
from store.tables import NewsPost, OutboxEvent
from tests.people import admin, member


@pytest.fixture
def newsroom(database: str) -> Newsroom:
    return Newsroom(Outbox(InProcessLog(DatabaseJournal())))


async def refusals(doing: Awaitable[object]) -> list[tuple[str | None, Code]]:
    with pytest.raises(Refused) as refused:
        await doing
    return [(problem.field, problem.code) for problem in refused.value.problems]


async def test_publishes_and_tells_of_it(newsroom: Newsroom) -> None:
    chief = await admin()
    post = await newsroom.publish(chief, "  Señales 李  ", "# Ñandú\n\n<script>*as written*</script>\n")
    stored = await NewsPost.get()
    assert (stored.title, stored.author_id) == ("Señales 李", chief.id)
    assert stored.body == "# Ñandú\n\n<script>*as written*</script>\n"
    (event,) = await OutboxEvent.all()
    assert (event.kind, event.payload) == ("NewsPublished", {"post_id": post.id})


async def test_everyone_reads_the_newest_first(newsroom: Newsroom) -> None:
    chief = await admin()
    posts = [await newsroom.publish(chief, f"Post {number}", "Body") for number in range(3)]
    page = await newsroom.page(Window(2))
    assert [post.title for post in page.rows] == ["Post 2", "Post 1"]
    assert page.has_next
    assert await page.count() == 3
    found = await newsroom.find([posts[0].id, posts[2].id, 10**17])
    assert {post_id: post.title for post_id, post in found.items()} == {
        posts[0].id: "Post 0",
        posts[2].id: "Post 2",
    }


async def test_names_everything_wrong_with_a_post_at_once(newsroom: Newsroom) -> None:
    chief = await admin()
    assert await refusals(newsroom.publish(chief, " \n", "\t")) == [
        ("title", Code.REQUIRED),
        ("body", Code.REQUIRED),
    ]
    assert await refusals(newsroom.publish(chief, "x" * (TITLE_LENGTH + 1), "x" * (BODY_LENGTH + 1))) == [
        ("title", Code.TOO_LARGE),
        ("body", Code.TOO_LARGE),
    ]
    assert not await NewsPost.exists()
    assert not await OutboxEvent.exists()


async def test_takes_the_longest_that_it_promises(newsroom: Newsroom) -> None:
    post = await newsroom.publish(await admin(), "李" * TITLE_LENGTH, "𝔘" * BODY_LENGTH)
    stored = await NewsPost.get(id=post.id)
    assert (len(stored.title), len(stored.body)) == (TITLE_LENGTH, BODY_LENGTH)


async def test_changes_what_is_given_and_leaves_the_rest(newsroom: Newsroom) -> None:
    chief = await admin()
    post = await newsroom.publish(chief, "Title", "Body")
    published_at = (await NewsPost.get()).published_at
    assert (await newsroom.update(chief, post.id, " New title ", None)).title == "New title"
    assert (await newsroom.update(chief, post.id, None, "New body")).body == "New body"
    stored = await NewsPost.get()
    assert (stored.title, stored.body, stored.published_at) == ("New title", "New body", published_at)
    assert await refusals(newsroom.update(chief, post.id, "", "x")) == [("title", Code.REQUIRED)]
    assert (await NewsPost.get()).body == "New body"


async def test_changes_of_two_administrators_at_once_both_last(newsroom: Newsroom) -> None:
    """One gives the title a last polish while the other writes the body."""
    chief, deputy = await admin(), await admin("deputy@hospital.example")
    for number in range(10):
        post = await newsroom.publish(chief, "Title", "Body")
        await asyncio.gather(
            newsroom.update(chief, post.id, f"Title {number}", None),
            newsroom.update(deputy, post.id, None, f"Body {number}"),
        )
        stored = await NewsPost.get(id=post.id)
        assert (stored.title, stored.body) == (f"Title {number}", f"Body {number}")


async def test_a_post_is_deleted_once(newsroom: Newsroom) -> None:
    chief = await admin()
    post = await newsroom.publish(chief, "Title", "Body")
    await newsroom.delete(chief, post.id)
    assert not await NewsPost.exists()
    assert await refusals(newsroom.delete(chief, post.id)) == [("id", Code.NOT_FOUND)]
    assert await refusals(newsroom.update(chief, post.id, "Title", None)) == [("id", Code.NOT_FOUND)]


async def test_members_and_strangers_only_read(newsroom: Newsroom) -> None:
    chief, ana = await admin(), await member()
    post = await newsroom.publish(chief, "Title", "Body")
    for viewer, error in ((ana, Forbidden), (None, Unauthenticated)):
        for doing in (
            newsroom.publish(viewer, "Mine", "Body"),
            newsroom.update(viewer, post.id, "Mine", None),
            newsroom.delete(viewer, post.id),
        ):
            with pytest.raises(error):
                await doing
    assert await NewsPost.all().values_list("title", flat=True) == ["Title"]
