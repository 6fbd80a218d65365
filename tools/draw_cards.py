"""Draw the page about cards from their declarations.

Usage: draw_cards.py [PAGE]

Without PAGE the page is printed; with it that file is written.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Final

import yaml

from keyturn.domain.flows.catalogue import CARDS
from keyturn.domain.flows.spec import CardSpec, Effect, Input, When
from keyturn.domain.flows.values import Value

HEAD: Final = """\
# Cards

Everything that a flow can do, family by family. This page is drawn from the declarations in
`src/keyturn/domain/flows/cards/` (`python tools/draw_cards.py docs/cards.md`); a test compares the
two, and every example is a test.

An input is given under `with`. Wherever a value may stand there may be a reference to one instead,
`{{ card.output }}`; texts with references in them are only those that say so. What an input says of
its kind is checked when the flow is read, and again when it runs: a card that is given anything
else fails with `invalid_input`. A run that takes more than it may ends with `limit_exceeded`, which
no card catches. Of a card that computes, an optional input that is null has its default.

A card that computes makes no text longer than 10,000,000 characters, no list of more than 1,000,000
items, and no number of more than 18 digits; asked for more, it fails with `invalid_input`. Nothing
that a card gives lies deeper than 100 lists and objects inside each other.

In the examples a secret is `Jefe`, `run` is `{id: run-1, flow: example}`, and a helper flow returns
`{greeting: Hello Ada}`.
"""
EFFECTS: Final[Mapping[Effect, str]] = {
    Effect.NONE: "It computes.",
    Effect.CONTROL: "It decides which cards run.",
    Effect.READ: "It asks; asked again, it does no harm.",
    Effect.WRITE: "It changes something, and is asked for once.",
}


def page() -> str:
    """Render the whole page."""
    names = sorted(CARDS)
    families = [(family, [*of]) for family, of in groupby(names, lambda name: CARDS[name].family)]
    parts = [HEAD, "\n".join(_contents(families)), ""]
    for family, of in families:
        parts += [f"## {family}\n", *(_card(CARDS[name]) for name in of)]
    return "\n".join(parts).rstrip() + "\n"


def _contents(families: Iterable[tuple[str, list[str]]]) -> Iterator[str]:
    yield "| family | cards |\n| --- | --- |"
    for family, names in families:
        links = (f"[{name.partition('.')[2]}](#{_anchor(name)})" for name in names)
        yield f"| [{family}](#{family}) | {', '.join(links)} |"


def _anchor(name: str) -> str:
    return name.replace(".", "")


def _card(spec: CardSpec) -> str:
    parts = [f"### {spec.name}\n", f"{spec.doc} {EFFECTS[spec.effect]}{_connection(spec)}\n"]
    parts += _table("input", "kind", ((each.name, _kind(each), _doc(each)) for each in spec.inputs))
    if spec.open:
        parts.append("It takes inputs of any name.\n")
    if spec.cases:
        parts.append("`cases` are pairs of `when`, a condition, and `then`, cards.\n")
    parts += _table(
        "lane", "there", ((each.name, _needed(each.required), each.doc) for each in spec.lanes)
    )
    parts += _table(
        "output",
        "kind",
        ((x.name, x.kind.value, x.doc + (" Hidden." if x.secret else "")) for x in spec.outputs),
    )
    if spec.failures:
        parts.append(f"Fails with {', '.join(f'`{each}`' for each in spec.failures)}.\n")
    return "\n".join([*parts, *_example(spec)])


def _connection(spec: CardSpec) -> str:
    if not spec.connectors:
        return ""
    kinds = ", ".join(spec.connectors)
    needs = "may run on" if spec.connection_optional else "runs on"
    scopes = ", ".join(f"`{each}`" for each in spec.scopes)
    told = f" It {needs} a connection ({kinds})"
    return f"{told} that is granted {scopes}." if scopes else f"{told}."


def _table(name: str, kind: str, rows: Iterable[tuple[str, str, str]]) -> Iterator[str]:
    lines = [f"| `{row[0]}` | {row[1]} | {row[2].replace('|', '&#124;')} |" for row in rows]
    if lines:
        yield "\n".join([f"| {name} | {kind} | |", "| --- | --- | --- |", *lines, ""])


def _kind(one: Input) -> str:
    return "condition" if one.condition else one.kind.value


def _doc(one: Input) -> str:
    return " ".join([one.doc, *_more(one)])


def _more(one: Input) -> Iterator[str]:
    if one.options:
        yield f"One of {', '.join(f'`{each}`' for each in one.options)}."
    if not one.required:
        yield "Optional." if one.default is None else f"Default: `{_short(one.default)}`."
    if one.template:
        yield "References may stand in it."
    if one.secret:
        yield "A reference, and no text in the file."
    if one.when is When.EACH:
        yield "Looked at for each item."


def _needed(required: bool) -> str:  # noqa: FBT001  # one column of a table
    return "always" if required else "optional"


def _short(value: Value) -> str:
    return yaml.safe_dump(value, default_flow_style=True).removesuffix("...\n").strip()


def _example(spec: CardSpec) -> Iterator[str]:
    if spec.example:
        yield f"```yaml\n{_yaml(spec.example)}```\n"
    if spec.gives:
        yield f"It gives:\n\n```yaml\n{_yaml(spec.gives)}```\n"


def _yaml(value: Mapping[str, Value]) -> str:
    plain = {**value}
    return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=96)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(page(), encoding="utf-8")
    else:
        print(page(), end="")
