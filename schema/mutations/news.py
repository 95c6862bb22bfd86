"""Publishing news, and writing to the administrators."""

from __future__ import annotations

from typing import Annotated

import strawberry

from schema import ids
from schema.arguments import OMITTED, given
from schema.context import Info
from schema.fields import mutation
from schema.news import ContactMessage, NewsPost
from schema.payloads import Payload


@strawberry.input(description="A new post.")
class PublishNewsInput:
    title: str = strawberry.field(description="The headline: plain text, at most 200 characters.")
    body: str = strawberry.field(description="The text: Markdown, at most 50,000 characters.")


@strawberry.type(description="What became of the new post.")
class PublishNewsPayload(Payload):
    post: NewsPost | None = strawberry.field(default=None, description="The post, published.")


@strawberry.input(description="A change of a post; what is null or left out stays as it is.")
class UpdateNewsInput:
    id: strawberry.ID = strawberry.field(description="The post's id.")
    title: str | None = strawberry.field(default=OMITTED, description="The new headline.")
    body: str | None = strawberry.field(default=OMITTED, description="The new text.")


@strawberry.type(description="What became of the change.")
class UpdateNewsPayload(Payload):
    post: NewsPost | None = strawberry.field(default=None, description="The post as it is now.")


@strawberry.input(description="Which post to delete.")
class DeleteNewsInput:
    id: strawberry.ID = strawberry.field(description="The post's id.")


@strawberry.type(description="What became of the deletion.")
class DeleteNewsPayload(Payload):
    deleted_id: strawberry.ID | None = strawberry.field(
        default=None, description="The id of the post that is no more."
    )


@strawberry.input(description="A message to the administrators.")
class SendContactMessageInput:
    name: str = strawberry.field(description="The writer's name; at most 100 characters.")
    email: str = strawberry.field(description="Where the writer can be answered.")
    subject: str = strawberry.field(description="What it is about; at most 200 characters.")
    body: str = strawberry.field(description="The message: plain text, at most 10,000 characters.")


@strawberry.type(description="What became of the message.")
class SendContactMessagePayload(Payload):
    message: ContactMessage | None = strawberry.field(
        default=None, description="The message as it was received; the mail follows."
    )


@strawberry.type
class NewsMutations:
    @mutation("Publish a post for everyone. For admins.")
    async def publish_news(
        self, info: Info, input: Annotated[PublishNewsInput, strawberry.argument(description="The post.")]
    ) -> PublishNewsPayload:
        newsroom = info.context.platform.newsroom
        post = await newsroom.publish(info.context.viewer, input.title, input.body)
        return PublishNewsPayload(post=NewsPost.of(post))

    @mutation("Change a post. For admins.")
    async def update_news(
        self,
        info: Info,
        input: Annotated[UpdateNewsInput, strawberry.argument(description="Which, and what.")],
    ) -> UpdateNewsPayload:
        viewer, newsroom = info.context.viewer, info.context.platform.newsroom
        post_id = ids.row_of(input.id, "NewsPost")
        post = await newsroom.update(viewer, post_id, given(input.title), given(input.body))
        return UpdateNewsPayload(post=NewsPost.of(post))

    @mutation("Delete a post. For admins.")
    async def delete_news(
        self, info: Info, input: Annotated[DeleteNewsInput, strawberry.argument(description="Which.")]
    ) -> DeleteNewsPayload:
        post_id = ids.row_of(input.id, "NewsPost")
        await info.context.platform.newsroom.delete(info.context.viewer, post_id)
        return DeleteNewsPayload(deleted_id=input.id)

    @mutation("Write to the administrators. Open to everyone.")
    async def send_contact_message(
        self,
        info: Info,
        input: Annotated[SendContactMessageInput, strawberry.argument(description="The message.")],
    ) -> SendContactMessagePayload:
        contact, source = info.context.platform.contact, info.context.session.source
        message = await contact.send(input.name, input.email, input.subject, input.body, source)
        return SendContactMessagePayload(message=ContactMessage.of(message))
