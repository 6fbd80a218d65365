"""What cards are given is read: values, references, texts put together, and conditions.

Decides what may stand for an input in a file. What the references in it lead to, `reaching` knows.
"""

from collections.abc import Mapping

from keyturn.domain.flows import conditions
from keyturn.domain.flows.expressions import (
    OPEN,
    Constant,
    Expression,
    Items,
    Malformed,
    Members,
    Reference,
    Template,
    parse_input,
    parse_template,
)
from keyturn.domain.flows.spec import Input
from keyturn.domain.flows.spots import Judge, Spot
from keyturn.domain.flows.values import Kind, fits


class InputJudge(Judge):
    """Read what the cards of one file are given, and keep what is wrong with it."""

    def input(self, spot: Spot, declared: Input | None) -> Expression:
        """Read one input, which has to be of its kind where it stands in the file."""
        expression = self.expression(spot, template=declared is not None and declared.template)
        if declared and declared.written and isinstance(expression, Reference):
            self.wrong(spot, "must be written out, as whoever saves the flow answers for it")
        if declared is None or isinstance(expression, Reference):
            return expression
        constant = isinstance(expression, Constant)
        nothing = constant and spot.node.of is None
        if declared.secret:
            self.wrong(spot, "must be a reference to a secret: {{ secrets.name }}")
        elif nothing and not declared.required:
            return expression
        elif declared.condition:
            self.condition(spot)
        elif not _is_of(declared.kind, expression):
            self.wrong(spot, f"must be of the kind {declared.kind}")
        elif constant and declared.options and spot.node.of not in declared.options:
            self.wrong(spot, f"must be one of {', '.join(declared.options)}")
        return expression

    def condition(self, spot: Spot) -> None:
        """Check the form of a condition, in which what is referred to has been read."""
        parts = spot.members()
        match sorted(parts):
            case ["all" | "any" as name]:
                for each in self.listed(parts[name], "conditions"):
                    self.condition(each)
            case ["not"]:
                self.condition(parts["not"])
            case ["is", "left"]:
                self.operator(parts["is"], tuple(conditions.ONE), "with a left alone")
            case ["is", "left", "right"]:
                self.operator(parts["is"], tuple(conditions.TWO), "between a left and a right")
            case _ if not isinstance(spot.node.of, bool) and not _is_reference(spot):
                self.wrong(spot, f"{conditions.FORM}, or a reference to true or false")

    def operator(self, spot: Spot, known: tuple[str, ...], place: str) -> None:
        """Check the operator of a condition."""
        if spot.node.of not in known:
            self.wrong(spot, f"{place} must be one of {', '.join(known)}")

    def expression(self, spot: Spot, *, template: bool = False) -> Expression:
        """Read a value in which something may be referred to."""
        match spot.node.of:
            case dict():
                members = {name: self.expression(each) for name, each in spot.members().items()}
                return _members(members)
            case list():
                return _items([self.expression(each) for each in spot.items()])
            case str() as text:
                return self.reference(spot, text, template=template)
            case leaf:
                return Constant(leaf)

    def reference(self, spot: Spot, text: str, *, template: bool) -> Expression:
        """Read a text that may refer to something."""
        try:
            return parse_template(text) if template else parse_input(text)
        except Malformed as error:
            self.wrong(spot, str(error))
            return Constant(text)


def _members(members: Mapping[str, Expression]) -> Expression:
    constants = {name: e.value for name, e in members.items() if isinstance(e, Constant)}
    return Constant(constants) if len(constants) == len(members) else Members(members)


def _items(items: list[Expression]) -> Expression:
    constants = [each.value for each in items if isinstance(each, Constant)]
    return Constant(constants) if len(constants) == len(items) else Items(tuple(items))


def _is_of(kind: Kind, expression: Expression) -> bool:
    match expression:
        case Constant(value):
            return fits(kind, value)
        case Template():
            return kind in (Kind.TEXT, Kind.ANY)
        case Members():
            return kind in (Kind.OBJECT, Kind.ANY)
        case _:
            return kind in (Kind.LIST, Kind.ANY)


def _is_reference(spot: Spot) -> bool:
    """Say whether something is a text that is a reference, or that was found to be no good one."""
    return isinstance(spot.node.of, str) and OPEN in spot.node.of
