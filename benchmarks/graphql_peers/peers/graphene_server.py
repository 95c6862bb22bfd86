"""The schema in Graphene, by starlette-graphene3, which parses and validates each request anew."""

from __future__ import annotations

from typing import Any

import graphene
from graphene.types.scalars import Scalar
from starlette_graphene3 import GraphQLApp

from benchmarks.graphql_peers.peers.data import Data, Loaders, Row, global_id
from benchmarks.graphql_peers.peers.serving import serve


class Upload(Scalar):
    """A file, as starlette-graphene3 puts it among the variables."""

    @staticmethod
    def parse_value(value: Any) -> Any:
        return value


class Finding(graphene.Enum):
    COVID = "COVID"
    NO_COVID = "NO_COVID"


class User(graphene.ObjectType):
    id = graphene.ID(required=True)
    name = graphene.String(required=True)

    def resolve_id(row: Row, _: Any) -> str:
        return global_id("User", row)


class ModelVersion(graphene.ObjectType):
    id = graphene.ID(required=True)
    number = graphene.Int(required=True)
    head = graphene.String(required=True)

    def resolve_id(row: Row, _: Any) -> str:
        return global_id("ModelVersion", row)


class Prediction(graphene.ObjectType):
    id = graphene.ID(required=True)
    finding = Finding()
    probability = graphene.Float(required=True)
    model = graphene.Field(ModelVersion, required=True)

    def resolve_id(row: Row, _: Any) -> str:
        return global_id("Prediction", row)

    async def resolve_model(row: Row, info: Any) -> Row | None:
        return await info.context["loaders"].models.load(row["model_id"])


class Label(graphene.ObjectType):
    finding = Finding(required=True)
    submitted_by = graphene.Field(User, required=True)

    async def resolve_submitted_by(row: Row, info: Any) -> Row | None:
        return await info.context["loaders"].users.load(row["submitted_by_id"])


class Image(graphene.ObjectType):
    id = graphene.ID(required=True)
    filename = graphene.String(required=True)
    sha256 = graphene.String(required=True)
    prediction = graphene.Field(Prediction)
    label = graphene.Field(Label)

    def resolve_id(row: Row, _: Any) -> str:
        return global_id("Image", row)

    async def resolve_prediction(row: Row, info: Any) -> Row | None:
        return await info.context["loaders"].predictions.load(row["id"])

    async def resolve_label(row: Row, info: Any) -> Row | None:
        return await info.context["loaders"].labels.load(row["id"])


class PageInfo(graphene.ObjectType):
    has_next_page = graphene.Boolean(required=True)

    def resolve_has_next_page(row: Row, _: Any) -> bool:
        return row["hasNextPage"]


class ImageConnection(graphene.ObjectType):
    nodes = graphene.List(graphene.NonNull(Image), required=True)
    page_info = graphene.Field(PageInfo, required=True)

    def resolve_page_info(row: Row, _: Any) -> Row:
        return row["pageInfo"]


class UserError(graphene.ObjectType):
    message = graphene.String(required=True)


class UploadResult(graphene.ObjectType):
    filename = graphene.String(required=True)
    image = graphene.Field(Image)
    errors = graphene.List(graphene.NonNull(UserError), required=True)


class UploadImagesPayload(graphene.ObjectType):
    results = graphene.List(graphene.NonNull(UploadResult), required=True)
    errors = graphene.List(graphene.NonNull(UserError), required=True)


class UploadImagesInput(graphene.InputObjectType):
    files = graphene.List(graphene.NonNull(Upload), required=True)


class Query(graphene.ObjectType):
    model = graphene.Field(ModelVersion, required=True)
    images = graphene.Field(ImageConnection, required=True, first=graphene.Int())

    async def resolve_model(_: None, info: Any) -> Row:
        return await info.context["data"].model_in_service()

    async def resolve_images(_: None, info: Any, first: int = 20) -> Row:
        return await info.context["data"].images(info.context["viewer"], first)


class Mutation(graphene.ObjectType):
    upload_images = graphene.Field(
        UploadImagesPayload, required=True, input=graphene.Argument(UploadImagesInput, required=True)
    )

    async def resolve_upload_images(_: None, info: Any, input: dict[str, Any]) -> Row:
        results, context = [], info.context
        for file in input["files"]:
            content = await file.read()
            image = await context["data"].keep(context["viewer"], file.filename, file.content_type, content)
            results.append({"filename": file.filename, "image": image, "errors": []})
        return {"results": results, "errors": []}


def make(data: Data) -> GraphQLApp:
    async def context(request: Any) -> dict[str, Any]:
        viewer = await data.viewer(request.headers.get("authorization"))
        return {"request": request, "data": data, "viewer": viewer, "loaders": Loaders(data)}

    return GraphQLApp(graphene.Schema(query=Query, mutation=Mutation), context_value=context)


if __name__ == "__main__":
    serve(["graphene", "starlette-graphene3", "graphql-core", "starlette", "uvicorn", "asyncmy"], make)
