"""News: administrators publish, everyone reads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from events.messages import NewsPublished
from services.errors import Checks, Code, Problem, Refused, refuse
from services.outbox import Outbox, record
from services.permissions import admin
from services.trail import note
from store.pages import Page, Window, page
from store.tables import NewsPost, TrailKind, User

TITLE_LENGTH = 200
BODY_LENGTH = 50_000


@dataclass(frozen=True)
class Newsroom:
    """The use cases around news."""

    outbox: Outbox

    async def page(self, window: Window) -> Page[NewsPost]:
        """The posts, newest first; open to everyone."""
        return await page(NewsPost.all(), window)

    async def find(self, post_ids: Iterable[int]) -> dict[int, NewsPost]:
        """Those of the posts that exist, by id."""
        return {post.id: post for post in await NewsPost.filter(id__in=list(post_ids))}

    async def publish(self, viewer: User | None, title: str, body: str) -> NewsPost:
        """A new post.

        Raises:
            Refused: REQUIRED or TOO_LARGE, all at once.
        """
        author = admin(viewer)
        if problems := _problems(title, body):
            raise Refused(*problems)

        async def create() -> NewsPost:
            post = await NewsPost.create(title=title.strip(), body=body, author=author)
            await record(NewsPublished(post.id))
            return post

        return await self.outbox.commit(create)

    async def update(
        self, viewer: User | None, post_id: int, title: str | None, body: str | None
    ) -> NewsPost:
        """Changes what is given.

        Raises:
            Refused: NOT_FOUND, and REQUIRED or TOO_LARGE, all at once.
        """
        admin(viewer)
        checks = Checks(*_problems(title, body))
        with checks:
            post = await _existing(post_id)
        checks.end()
        post.title = post.title if title is None else title.strip()
        post.body = post.body if body is None else body
        given = [name for name, text in (("title", title), ("body", body)) if text is not None]
        if given:  # and no more: somebody else may be changing the rest
            await post.save(update_fields=given)
        return post

    async def delete(self, viewer: User | None, post_id: int) -> None:
        """Removes a post.

        Raises:
            Refused: NOT_FOUND.
        """
        viewer = admin(viewer)

        async def remove() -> None:
            if not await NewsPost.filter(id=post_id).delete():
                raise refuse(Code.NOT_FOUND, "there is no such post", "id")
            await note(TrailKind.NEWS_DELETED, viewer, NewsPost=post_id)

        await self.outbox.commit(remove)


async def _existing(post_id: int) -> NewsPost:
    post = await NewsPost.get_or_none(id=post_id)
    if post is None:
        raise refuse(Code.NOT_FOUND, "there is no such post", "id")
    return post


def _problems(title: str | None, body: str | None) -> list[Problem]:
    """What is wrong with what is given."""
    problems = [] if title is None else text_problems(title, "title", TITLE_LENGTH)
    return problems + ([] if body is None else text_problems(body, "body", BODY_LENGTH))


def text_problems(text: str, field: str, longest: int) -> list[Problem]:
    """What is wrong with a text that must be there and not be too long."""
    if not text.strip():
        return [Problem(Code.REQUIRED, f"the {field} is needed", field)]
    if len(text) > longest:
        return [Problem(Code.TOO_LARGE, f"the {field} has at most {longest} characters", field)]
    return []
