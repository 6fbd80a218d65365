"""The cards that flows are made of."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from keyturn.cli import options, output

if TYPE_CHECKING:
    from keyturn.domain.flows.spec import CardSpec, Input
    from keyturn.domain.flows.values import Value


@click.command()
@click.argument("name", required=False)
@options.as_json
def cards(*, name: str | None, as_json: bool) -> None:
    """List the cards that there are, or show the card NAME: what it takes and gives.

    Its example can be pasted into a flow.
    """
    from keyturn.domain.flows.catalogue import CARDS

    if name is None:
        every = {"cards": [_told(spec) for spec in CARDS.values()]}
        rows = [[spec.name, spec.effect, spec.doc] for spec in CARDS.values()]
        output.show(every, output.table(["card", "does", "what"], rows), as_json=as_json)
    elif name in CARDS:
        output.show(_told(CARDS[name]), _lines(CARDS[name]), as_json=as_json)
    else:
        from keyturn.domain.flows.findings import guess

        known = output.printable(f"There is no card {name[:60]}{guess(name, CARDS)}")
        raise click.ClickException(f"{known.rstrip('.?')}: see keyturn flow cards.")


def _told(spec: "CardSpec") -> dict[str, object]:
    return {
        "name": spec.name,
        "doc": spec.doc,
        "effect": spec.effect,
        "inputs": [_told_input(one) for one in spec.inputs],
        "any_input": spec.open,
        "outputs": [
            {"name": one.name, "kind": one.kind, "doc": one.doc, "secret": one.secret}
            for one in spec.outputs
        ],
        "lanes": [
            {"name": lane.name, "doc": lane.doc, "required": lane.required, "binds": lane.binds}
            for lane in spec.lanes
        ],
        "cases": spec.cases,
        "connectors": spec.connectors,
        "connection_optional": spec.connection_optional,
        "scopes": spec.scopes,
        "timeout_s": spec.timeout_s,
        "failures": spec.failures,
        "example": spec.example,
    }


def _told_input(one: "Input") -> dict[str, "Value"]:
    return {
        "name": one.name,
        "kind": one.kind,
        "doc": one.doc,
        "required": one.required,
        "default": one.default,
        "options": [*one.options],
        "secret": one.secret,
        "template": one.template,
        "condition": one.condition,
    }


def _lines(spec: "CardSpec") -> Iterable[str]:
    yield f"{spec.name}: {spec.doc}"
    if spec.connectors:
        optional = ", or on none" if spec.connection_optional else ""
        yield f"Runs on a connection of {' or '.join(spec.connectors)}{optional}."
    if spec.scopes:
        yield f"Needs the scopes {', '.join(spec.scopes)}."
    inputs = [[one.name, _kind(one), one.doc] for one in spec.inputs]
    inputs += [["...", "any", "Whatever you name."]] if spec.open else []
    outputs = [[one.name, one.kind, one.doc] for one in spec.outputs]
    lanes = [[lane.name, "" if lane.required else "optional", lane.doc] for lane in spec.lanes]
    lanes += [["cases", "", "Pairs of a condition `when` and cards `then`."]] if spec.cases else []
    for header, rows in (("takes", inputs), ("gives", outputs), ("holds cards", lanes)):
        if rows:
            yield from ("", *output.table([header, "", ""], rows))
    if spec.example:
        yield from ("", "example", *(f"  {line}" for line in _example(spec)))


def _kind(one: "Input") -> str:
    kind = "condition" if one.condition else "secret" if one.secret else one.kind.value
    kind = f"one of {', '.join(one.options)}" if one.options else kind
    return kind if one.required and one.default is None else f"{kind}, optional"


def _example(spec: "CardSpec") -> list[str]:
    """Return an example as it is pasted: the items of a list of cards, or a whole flow."""
    import json

    from keyturn.domain.flows.formatting import format_flow

    whole = "cards" in spec.example
    document = spec.example if whole else {"cards": [spec.example]}
    lines = format_flow(json.dumps(document, ensure_ascii=False)).splitlines()
    return lines if whole else lines[1:]
