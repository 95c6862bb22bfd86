"""The names that clients rely on are there and described, and the committed SDL is what is served."""

from pathlib import Path

import pytest
from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    is_introspection_type,
    is_specified_scalar_type,
    print_ast,
)

from schema import export


@pytest.fixture(scope="module")
def served() -> GraphQLSchema:
    return build_schema(export.sdl())


@pytest.fixture(scope="module")
def contract(site_a: Path) -> GraphQLSchema:
    return build_schema((site_a.parent / "contract.graphql").read_text(encoding="utf-8"))


def own_types(schema: GraphQLSchema) -> dict[str, GraphQLNamedType]:
    return {
        name: kind
        for name, kind in schema.type_map.items()
        if not is_introspection_type(kind) and not is_specified_scalar_type(kind)
    }


def default_of(given: GraphQLInputField | GraphQLArgument) -> str | None:
    """A default as it is written, None where there is none."""
    return None if given.default is None else print_ast(given.default.literal)


def shape(kind: GraphQLNamedType) -> dict[str, str]:
    """All that a client can rely on of a type, by name."""
    if isinstance(kind, GraphQLEnumType):
        return {f"{kind}.{value}": "value" for value in kind.values}
    if isinstance(kind, GraphQLInputObjectType):
        return {
            f"{kind}.{name}": f"{field.type} = {default_of(field)}" for name, field in kind.fields.items()
        }
    lines: dict[str, str] = {str(kind): type(kind).__name__}
    if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
        lines |= {f"{kind} implements {interface}": "" for interface in kind.interfaces}
        for name, field in kind.fields.items():
            lines[f"{kind}.{name}"] = str(field.type)
            lines |= {f"{kind}.{name}({arg}:)": str(value.type) for arg, value in field.args.items()}
    return lines


def test_keeps_every_name_of_the_contract(served: GraphQLSchema, contract: GraphQLSchema) -> None:
    promised = own_types(contract)
    assert len(promised) > 80
    assert promised.keys() - own_types(served).keys() == set()
    for name, kind in promised.items():
        assert shape(kind).items() - shape(served.type_map[name]).items() == set(), name


def test_asks_for_no_argument_that_the_contract_does_not_know(
    served: GraphQLSchema, contract: GraphQLSchema
) -> None:
    for kind in own_types(contract).values():
        if isinstance(kind, GraphQLObjectType):
            fields = served.type_map[kind.name].fields  # type: ignore[attr-defined]
            for name, field in kind.fields.items():
                added = fields[name].args.keys() - field.args.keys()
                assert not [arg for arg in added if str(fields[name].args[arg].type).endswith("!")]


def undescribed(kind: GraphQLNamedType) -> list[str]:
    found = [] if kind.description else [str(kind)]
    if isinstance(kind, GraphQLEnumType):
        found += [f"{kind}.{name}" for name, value in kind.values.items() if not value.description]
    if isinstance(kind, GraphQLInputObjectType | GraphQLObjectType | GraphQLInterfaceType):
        found += [f"{kind}.{name}" for name, field in kind.fields.items() if not field.description]
    if isinstance(kind, GraphQLObjectType):
        for name, field in kind.fields.items():
            found += [f"{kind}.{name}({arg}:)" for arg, value in field.args.items() if not value.description]
    return found


def test_describes_everything(served: GraphQLSchema) -> None:
    assert [line for kind in own_types(served).values() for line in undescribed(kind)] == []


def test_what_may_be_left_out_has_no_default_of_null(served: GraphQLSchema) -> None:
    defaults = {}
    for kind in own_types(served).values():
        if isinstance(kind, GraphQLInputObjectType):
            defaults |= {f"{kind}.{name}": default_of(field) for name, field in kind.fields.items()}
        if isinstance(kind, GraphQLObjectType):
            for field in kind.fields.values():
                defaults |= {f"{kind}({name}:)": default_of(value) for name, value in field.args.items()}
    assert {name: text for name, text in defaults.items() if text} == {
        "SignInInput.cookie": "false",
        "UploadImagesInput.waitSeconds": "0",
    }


def test_what_is_committed_is_what_is_served() -> None:
    assert export.main(["--check"]) == 0


def test_tells_a_stale_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(export, "FILE", tmp_path / "schema.graphql")
    assert export.main(["--check"]) == 1
    assert "stale" in capsys.readouterr().err
    assert export.main([]) == 0
    assert export.main(["--check"]) == 0
    export.FILE.write_text(export.FILE.read_text(encoding="utf-8").replace("viewer", "me"), encoding="utf-8")
    assert export.main(["--check"]) == 1
