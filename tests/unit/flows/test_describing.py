"""The OpenAPI document of a flow's endpoint says what its file says."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from openapi_schema_validator import OAS31Validator

from keyturn.domain.flows.describing import REFUSALS, TYPES, describe, methods_of
from keyturn.domain.flows.reading import read_flow
from keyturn.domain.flows.values import Kind

OAUTH = "oauth2, oauth: {issuer: 'https://a.example', audience: b, scope: x y}"
FLOW = """\
flow: greet
description: Say hello.
start:
  {kind: api_endpoint, security: %s, query: {count: number}, headers: {x-on: boolean},
   body: {name: text, more: any}}
outputs: {greeting: text, list: list}
cards: [{card: flow.return}]
"""
LEVELS = ("public", "client_token", OAUTH)


def document(security: str = "public") -> Any:  # noqa: ANN401  JSON
    """Return the document of a flow."""
    flow = read_flow(FLOW % security)
    told = describe(flow, server="https://a.example", path="/api/flo/x/invoke", number=3)
    return json.loads(json.dumps(told))


def schemas(told: object) -> Iterator[Any]:
    """Give every schema of a document."""
    match told:
        case dict():
            yield from ([told["schema"]] if "schema" in told else [])
            for each in told.values():
                yield from schemas(each)
        case list():
            for each in told:
                yield from schemas(each)


@pytest.mark.parametrize("security", LEVELS, ids=["public", "client token", "oauth"])
def test_it_is_read_by_who_reads_openapi(security: str) -> None:
    """Each operation is found, and each schema is one."""
    told = document(security)
    read = schemathesis.openapi.from_dict(told)
    found = [one.ok().method for one in read.get_all_operations()]
    assert (read.specification.version, found) == ("3.1.0", ["get", "post"])
    for schema in schemas(told):
        OAS31Validator.check_schema(schema)
    named = [name for each in told["security"] for name in each]
    assert named == [*told["components"]["securitySchemes"]]


def test_fields_and_outputs_are_those_of_the_file() -> None:
    """In their places and kinds; a body goes with POST alone."""
    operations = document()["paths"]["/api/flo/x/invoke"]
    parameters = {each["name"]: each for each in operations["get"]["parameters"]}
    assert {name: each["in"] for name, each in parameters.items()} == {
        "count": "query",
        "x-on": "header",
    }
    assert "requestBody" not in operations["get"]
    body = operations["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["properties"] == {"name": {"type": "string"}, "more": {}}
    answer = operations["post"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert answer["properties"] == {
        "greeting": {"type": "string"},
        "list": {"type": "array", "items": {}},
    }
    assert {*REFUSALS} < operations["post"]["responses"].keys()


def test_scopes_are_told() -> None:
    """All that a token needs, for either scheme."""
    assert document(OAUTH)["security"] == [{"bearer": ["x", "y"]}, {"dpop": ["x", "y"]}]


def test_nothing_of_the_cards_is_told() -> None:
    """Whoever invokes a flow learns nothing of what it does."""
    assert "flow.return" not in json.dumps(document())


def test_every_kind_has_its_type() -> None:
    """None is left out."""
    assert TYPES.keys() == {*Kind}


@pytest.mark.parametrize(
    ("told", "methods"),
    [
        ("", ("GET", "POST")),
        ("methods: [POST]", ("POST",)),
        ("methods: [POST, GET]", ("GET", "POST")),
    ],
)
def test_methods_are_those_of_the_file(told: str, methods: tuple[str, ...]) -> None:
    """Both where it names none."""
    flow = f"flow: a\nstart: {{kind: api_endpoint, {told}}}\ncards: [{{card: flow.return}}]\n"
    assert methods_of(read_flow(flow)) == methods
