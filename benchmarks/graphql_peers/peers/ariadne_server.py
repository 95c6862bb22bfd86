"""The schema in Ariadne: its SDL, and a function for each field that is no plain value of its row.

Ariadne parses and validates each request anew. With ``keeps_documents`` it does so once for each text, by the
two hooks that it has for that: nothing of its own keeps them.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from ariadne import (
    MutationType,
    ObjectType,
    QueryType,
    load_schema_from_path,
    make_executable_schema,
    upload_scalar,
)
from ariadne.asgi import GraphQL
from graphql import parse, validate

from benchmarks.graphql_peers.peers.data import Data, Loaders, Row, global_id
from benchmarks.graphql_peers.peers.serving import serve

SCHEMA = Path(__file__).with_name("schema.graphql")
KEPT = 128
"""Documents; as many as ours keeps."""


def types_of(data: Data) -> list[ObjectType]:
    """What resolves the fields."""
    query, mutation = QueryType(), MutationType()
    image, prediction, label = ObjectType("Image"), ObjectType("Prediction"), ObjectType("Label")
    types = [query, mutation, image, prediction, label, ObjectType("ModelVersion"), ObjectType("User")]

    @query.field("model")
    async def model(*_: Any) -> Row:
        return await data.model_in_service()

    @query.field("images")
    async def images(_: None, info: Any, first: int = 20) -> Row:
        return await data.images(info.context["viewer"], first)

    @mutation.field("uploadImages")
    async def upload_images(_: None, info: Any, input: dict[str, Any]) -> Row:
        results = []
        for file in input["files"]:
            content = await file.read()
            image = await data.keep(info.context["viewer"], file.filename, file.content_type, content)
            results.append({"filename": file.filename, "image": image, "errors": []})
        return {"results": results, "errors": []}

    @image.field("prediction")
    async def prediction_of_image(row: Row, info: Any) -> Row | None:
        return await info.context["loaders"].predictions.load(row["id"])

    @image.field("label")
    async def label_of_image(row: Row, info: Any) -> Row | None:
        return await info.context["loaders"].labels.load(row["id"])

    @prediction.field("model")
    async def model_of_prediction(row: Row, info: Any) -> Row | None:
        return await info.context["loaders"].models.load(row["model_id"])

    @label.field("submittedBy")
    async def submitter_of_label(row: Row, info: Any) -> Row | None:
        return await info.context["loaders"].users.load(row["submitted_by_id"])

    for one in types:
        if one.name in ("Image", "Prediction", "ModelVersion", "User"):
            one.set_field("id", lambda row, _, kind=one.name: global_id(kind, row))
    return types


def make(data: Data, keeps_documents: bool = False) -> GraphQL:
    schema = make_executable_schema(load_schema_from_path(str(SCHEMA)), *types_of(data), upload_scalar)

    async def context(request: Any, _: Any) -> dict[str, Any]:
        viewer = await data.viewer(request.headers.get("authorization"))
        return {"request": request, "viewer": viewer, "loaders": Loaders(data)}

    kept_parse = lru_cache(KEPT)(parse)
    kept_validate = lru_cache(KEPT)(lambda text: validate(schema, kept_parse(text)))
    hooks = {
        "query_parser": lambda _, asked: kept_parse(asked["query"]),
        "query_validator": lambda _, document, *__, **___: kept_validate(document.loc.source.body),
    }
    return GraphQL(schema, context_value=context, **(hooks if keeps_documents else {}))


if __name__ == "__main__":
    serve(["ariadne", "graphql-core", "starlette", "uvicorn", "asyncmy"], make)
