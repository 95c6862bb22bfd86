"""News and contact messages."""

from __future__ import annotations

from datetime import datetime

import strawberry

from schema import ids
from schema.context import Info
from schema.fields import field
from schema.node import Node, present
from schema.people import User
from store import tables


@strawberry.type(description="Something that an administrator has published for everyone.")
class NewsPost(Node):
    title: str = strawberry.field(description="The headline, plain text.")
    body: str = strawberry.field(description="The text, in Markdown.")
    published_at: datetime = strawberry.field(description="When it was published.")
    row: strawberry.Private[tables.NewsPost]

    @classmethod
    def of(cls, row: tables.NewsPost) -> NewsPost:
        """The post of a row."""
        return cls(
            id=ids.encode("NewsPost", row.id),
            title=row.title,
            body=row.body,
            published_at=row.published_at,
            row=row,
        )

    @field("Who published it.")
    async def author(self, info: Info) -> User:
        return User.of(present(await info.context.loaders.users.load(self.row.author_id)))


@strawberry.type(description="What somebody wrote through the contact form.")
class ContactMessage(Node):
    name: str = strawberry.field(description="The writer's name.")
    email: str = strawberry.field(description="Where the writer can be answered.")
    subject: str = strawberry.field(description="What it is about, in one line.")
    body: str = strawberry.field(description="The message, plain text.")
    received_at: datetime = strawberry.field(description="When it came in.")
    delivered: bool = strawberry.field(description="Whether the mail to the administrators has gone out.")

    @classmethod
    def of(cls, row: tables.ContactMessage) -> ContactMessage:
        """The message of a row."""
        return cls(
            id=ids.encode("ContactMessage", row.id),
            name=row.name,
            email=row.email,
            subject=row.subject,
            body=row.body,
            received_at=row.received_at,
            delivered=row.delivered_at is not None,
        )
