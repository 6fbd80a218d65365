"""Cards that give values names, whatever they are, or by a condition."""

from typing import Final

from keyturn.domain.flows.cards.computing import (
    Given,
    computes,
    members,
    moves,
    require_light,
    text,
)
from keyturn.domain.flows.conditions import holds
from keyturn.domain.flows.failures import wrong_input
from keyturn.domain.flows.spec import Input, Output
from keyturn.domain.flows.values import Kind, Value, is_masked

VALUE: Final = Output("value", Kind.ANY, "The value.")


def _assign(given: Given) -> Given:
    return dict(given)


def _assign_if(given: Given) -> Given:
    require_light(given["when"], "when")
    result = holds(_plain(given["when"]))
    return {"value": given["then"] if result else given["else"], "result": result}


def _plain(when: Value) -> Value:
    if is_masked(when):
        raise wrong_input("when", "is hidden in part")
    return when


def _lookup(given: Given) -> Given:
    table, key = members(given, "table"), text(given, "key")
    return {"value": table.get(key, given["default"]), "found": key in table}


CARDS: Final = (
    moves(
        computes(
            "flow.assign",
            "Give values names: each input is an output.",
            _assign,
            outputs=(),
            example=({"login": "ada", "tries": 3}, {"login": "ada", "tries": 3}),
            open=True,
        )
    ),
    moves(
        computes(
            "branch.assign_if",
            "Choose one of two values by a condition.",
            _assign_if,
            Input("when", Kind.ANY, "The condition.", condition=True),
            Input("then", Kind.ANY, "The value where it holds.", required=False),
            Input("else", Kind.ANY, "The value where it does not.", required=False),
            outputs=(VALUE, Output("result", Kind.BOOLEAN, "Whether the condition held.")),
            example=(
                {
                    "when": {"left": 17, "is": "less than", "right": 18},
                    "then": "minor",
                    "else": "adult",
                },
                {"value": "minor", "result": True},
            ),
        )
    ),
    moves(
        computes(
            "branch.lookup",
            "Choose a value from a table by its key.",
            _lookup,
            Input("key", Kind.TEXT, "The key."),
            Input("table", Kind.OBJECT, "The values by their keys."),
            Input("default", Kind.ANY, "The value for any other key.", required=False),
            outputs=(VALUE, Output("found", Kind.BOOLEAN, "Whether the table has the key.")),
            example=(
                {"key": "de", "table": {"de": "Berlin", "fr": "Paris"}},
                {"value": "Berlin", "found": True},
            ),
        )
    ),
)
