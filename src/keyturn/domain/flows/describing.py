"""A flow's endpoint in OpenAPI 3.1, made from what its file declares.

Decides what callers are told: fields, answers and what opens the endpoint; nothing of its cards.
"""

from collections.abc import Mapping
from typing import Final

from keyturn.domain.flows.bearers import rules_of
from keyturn.domain.flows.definition import Flow
from keyturn.domain.flows.intake import TOKEN_HEADER, TOKEN_NAME
from keyturn.domain.flows.reading import METHODS
from keyturn.domain.flows.spec import Security
from keyturn.domain.flows.values import Kind, Value

Told = dict[str, Value]

TYPES: Final[Mapping[Kind, Told]] = {
    Kind.TEXT: {"type": "string"},
    Kind.NUMBER: {"type": "number"},
    Kind.BOOLEAN: {"type": "boolean"},
    Kind.OBJECT: {"type": "object"},
    Kind.LIST: {"type": "array", "items": {}},
    Kind.ANY: {},
}
REFUSALS: Final = {
    "400": "The request does not fit what is declared, or its token is not written as it must be.",
    "401": "There is no token, or none that is good; `WWW-Authenticate` says what is wanted.",
    "403": "The token is good and does not suffice: its scope, or its client.",
    "404": "There is no such endpoint, or it is switched off.",
    "405": "The endpoint does not take this method.",
    "413": "The body is too large.",
    "429": "The flow was invoked too often: wait as long as `Retry-After` says.",
    "500": "The flow failed.",
    "503": "Whoever has to tell about the token does not answer now.",
    "504": "The flow has not answered in time; it goes on.",
}
_PROBLEM: Final[Told] = {
    "type": "object",
    "required": ["error", "message"],
    "properties": {
        "error": {"type": "string"},
        "message": {"type": "string"},
        "runId": {"type": "string", "description": "The run, where one was started."},
    },
}


def describe(flow: Flow, *, server: str, path: str, number: int) -> Told:
    """Return the OpenAPI document of a flow's endpoint at a path of a server, of this version."""
    operations: Told = {each.lower(): _operation(flow, each) for each in methods_of(flow)}
    schemes, wanted = _security(flow)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": flow.name,
            "version": str(number),
            **({"description": flow.description} if flow.description else {}),
        },
        "servers": [{"url": server}],
        "paths": {path: operations},
        "components": {"schemas": {"Problem": _PROBLEM}, "securitySchemes": schemes},
        "security": wanted,
    }


def methods_of(flow: Flow) -> tuple[str, ...]:
    """Return the methods that an endpoint takes; both where its file names none."""
    told = flow.start.settings.get("methods")
    named = told if isinstance(told, list) else METHODS
    return tuple(each for each in METHODS if each in named)


def _operation(flow: Flow, method: str) -> Told:
    fields = flow.start.fields
    parameters: list[Value] = [
        {"name": name, "in": place, "required": False, "schema": {**TYPES[kind]}}
        for group, place in (("query", "query"), ("headers", "header"))
        for name, kind in fields.get(group, {}).items()
    ]
    told: Told = {"operationId": f"{method.lower()}_{flow.name}", "parameters": parameters}
    body = fields.get("body", {})
    if method == "POST" and body:
        told["requestBody"] = {"content": {"application/json": {"schema": _object(body)}}}
    told["responses"] = _responses(flow)
    return told


def _responses(flow: Flow) -> Told:
    schema = _object(flow.outputs) if flow.outputs else {}
    good: Told = {
        "description": "What the flow returns.",
        "headers": {"x-keyturn-run": {"schema": {"type": "string"}}},
        "content": {"application/json": {"schema": schema}},
    }
    problem: Told = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    refusals: Told = {
        status: {"description": why, "content": problem} for status, why in REFUSALS.items()
    }
    return {"200": good} | refusals


def _object(kinds: Mapping[str, Kind]) -> Told:
    properties: Told = {name: {**TYPES[kind]} for name, kind in kinds.items()}
    return {"type": "object", "properties": properties}


def _security(flow: Flow) -> tuple[Told, list[Value]]:
    """Return the ways to be let in, and which of them do."""
    match flow.start.security:
        case Security.PUBLIC:
            return {}, [{}]
        case Security.CLIENT_TOKEN:
            schemes: Told = {
                "clientTokenInHeader": {"type": "apiKey", "in": "header", "name": TOKEN_HEADER},
                "clientTokenInQuery": {"type": "apiKey", "in": "query", "name": TOKEN_NAME},
            }
            return schemes, [{name: []} for name in schemes]
        case Security.OAUTH:
            rules = rules_of(flow.start)
            of = f" of {rules.issuer}" if rules.issuer else ""
            doc = f"An access token{of} with the scope {rules.scope}."
            schemes = {
                "bearer": {"type": "http", "scheme": "bearer", "description": doc},
                "dpop": {
                    "type": "http",
                    "scheme": "dpop",
                    "description": f"{doc} It is bound to a key (RFC 9449).",
                },
            }
            scopes: list[Value] = [*rules.scope.split()]
            return schemes, [{name: scopes} for name in schemes]
