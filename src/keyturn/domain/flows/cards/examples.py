"""Examples of the cards that steer, each in a small flow where the card alone would say little.

Knows what each comes to; the documentation shows it, and a test runs it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from keyturn.domain.flows.values import Value

Told: TypeAlias = Mapping[str, Value]

USERS: Final[Value] = [
    {"login": "ada", "status": "ACTIVE"},
    {"login": "grace", "status": "SUSPENDED"},
]
_ACTIVE: Final[Value] = {"left": "{{ item.status }}", "is": "equal to", "right": "ACTIVE"}
_SMALL: Final[Value] = {"left": 17, "is": "less than", "right": 18}


def flow_of(*cards: Told, secrets: Told | None = None) -> Told:
    """Return a whole flow of these cards."""
    head: dict[str, Value] = {"flow": "example", "start": {"kind": "helper"}}
    if secrets:
        head["secrets"] = dict(secrets)
    return {**head, "cards": [dict(card) for card in cards]}


def _comment(text: str) -> list[Value]:
    return [{"card": "flow.comment", "with": {"text": text}}]


_SUSPENDED: Final[Value] = {
    "id": "refuse",
    "card": "error.raise",
    "with": {"message": "This user is suspended."},
}
_ONE_FAILS: Final[Value] = [
    {
        "card": "branch.if_else",
        "with": {"when": {"left": "{{ user.status }}", "is": "equal to", "right": "SUSPENDED"}},
        "then": [_SUSPENDED],
    }
]
_FAILURE: Final[Told] = {
    "kind": "user_error",
    "message": "This user is suspended.",
    "status": None,
    "body": None,
    "card": "refuse",
}

EXAMPLES: Final[Mapping[str, tuple[Told, Told]]] = MappingProxyType(
    {
        "branch.if_else": (
            flow_of(
                {
                    "card": "branch.if_else",
                    "with": {"when": _SMALL},
                    "then": _comment("They are minors."),
                    "else": _comment("They are adults."),
                }
            ),
            {"result": True},
        ),
        "branch.if_else_if": (
            flow_of(
                {
                    "card": "branch.if_else_if",
                    "cases": [
                        {
                            "when": {"left": 17, "is": "greater than", "right": 65},
                            "then": _comment("They are retired."),
                        },
                        {"when": _SMALL, "then": _comment("They are minors.")},
                    ],
                    "else": _comment("They are adults."),
                }
            ),
            {"case": 2},
        ),
        "branch.continue_if": (
            {"card": "branch.continue_if", "with": {"when": _SMALL, "message": "Not a minor."}},
            {},
        ),
        "error.if_error": (
            flow_of(
                {
                    "id": "attempt",
                    "card": "error.if_error",
                    "try": [_SUSPENDED],
                    "catch": [
                        {"card": "text.compose", "with": {"text": "Failed: {{ error.message }}"}}
                    ],
                }
            ),
            {"failed": True, "error": {**_FAILURE}},
        ),
        "error.raise": (
            {"card": "error.raise", "with": {"message": "The run {{ run.id }} has no user."}},
            {},
        ),
        "error.return_error": (
            {"card": "error.return_error", "with": {"status": 404, "message": "There is no user."}},
            {"error": "There is no user."},
        ),
        "error.return_error_if": (
            {
                "card": "error.return_error_if",
                "with": {"when": _SMALL, "status": 403, "message": "Minors have no account."},
            },
            {"error": "Minors have no account."},
        ),
        "flow.return": (
            {"card": "flow.return", "with": {"login": "ada", "tries": 3}},
            {"login": "ada", "tries": 3},
        ),
        "flow.return_raw": (
            {
                "card": "flow.return_raw",
                "with": {
                    "status": 404,
                    "headers": {"x-reason": "no-user"},
                    "body": {"error": "There is no user."},
                },
            },
            {"error": "There is no user."},
        ),
        "flow.close": (
            flow_of(
                {"card": "flow.close", "with": {"status": 202, "body": {"accepted": True}}},
                {"card": "flow.wait_for", "with": {"duration": 5, "unit": "minutes"}},
            ),
            {},
        ),
        "flow.call": (
            {"card": "flow.call", "with": {"flow": "greet", "inputs": {"name": "Ada"}}},
            {"result": {"greeting": "Hello Ada"}, "status": 200},
        ),
        "flow.wait_for": (
            {"card": "flow.wait_for", "with": {"duration": 90, "unit": "seconds"}},
            {},
        ),
        "flow.comment": (
            {"card": "flow.comment", "with": {"text": "Tokens live an hour."}},
            {},
        ),
        "list.for_each": (
            flow_of(
                {
                    "card": "list.for_each",
                    "as": "user",
                    "with": {"list": USERS, "give": "{{ greeting.text }}"},
                    "do": [
                        {
                            "id": "greeting",
                            "card": "text.compose",
                            "with": {"text": "Hello {{ user.login }}"},
                        }
                    ],
                }
            ),
            {"list": ["Hello ada", "Hello grace"], "count": 2},
        ),
        "list.for_each_ignoring_errors": (
            flow_of(
                {
                    "card": "list.for_each_ignoring_errors",
                    "as": "user",
                    "with": {"list": USERS, "give": "{{ user.login }}"},
                    "do": _ONE_FAILS,
                }
            ),
            {
                "list": ["ada"],
                "count": 1,
                "failed": 1,
                "errors": [{"index": 1, "error": {**_FAILURE}}],
            },
        ),
        "list.map": (
            {"card": "list.map", "with": {"list": USERS, "give": {"name": "{{ item.login }}"}}},
            {"list": [{"name": "ada"}, {"name": "grace"}], "count": 2},
        ),
        "list.reduce": (
            flow_of(
                {
                    "card": "list.reduce",
                    "with": {"list": [1, 2, 3], "initial": 0, "give": "{{ sum.number }}"},
                    "do": [
                        {
                            "id": "sum",
                            "card": "number.add",
                            "with": {"a": "{{ total }}", "b": "{{ item }}"},
                        }
                    ],
                }
            ),
            {"total": 6},
        ),
        "list.filter": (
            {"card": "list.filter", "with": {"list": USERS, "where": _ACTIVE}},
            {"list": [{"login": "ada", "status": "ACTIVE"}], "count": 1},
        ),
        "list.find": (
            {"card": "list.find", "with": {"list": USERS, "where": _ACTIVE}},
            {"item": {"login": "ada", "status": "ACTIVE"}, "index": 0, "found": True},
        ),
    }
)
"""A card as it stands in a file or a whole flow, and what the card gives."""
