"""Exports of Okta Workflows as its console writes them, made up here, small."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from keyturn.domain.flows.checking import check
from keyturn.domain.flows.definition import Flow
from keyturn.domain.flows.findings import Severity
from keyturn.domain.flows.flopack import Imported, ImportedFlow, import_pack
from keyturn.domain.flows.reading import read_flow
from keyturn.domain.flows.yaml_text import parse_yaml

Told = dict[str, Any]
CALLABLE, RETURN, COMPOSE = "control:callable", "control:return", "string:compose"


def of(
    key: str,
    data: object = "",
    kind: object = "string",
    *,
    group: str | None = None,
    many: bool = False,
    id_: str = "",
    **more: object,
) -> Told:
    """Return an input or output of a card; its id is its key unless it says so."""
    value = {"error": False, "type": kind, "collection": many, "data": data, "available": []}
    metadata = {name: more.pop(name) for name in [*more] if name != "proxy"}
    if "proxy" in more:
        value["proxy"] = more["proxy"]
    return {"id": id_ or key, "group": group, "key": key, "value": value, "metadata": metadata}


def _address(told: str) -> str:
    family, _, name = told.partition(":")
    if family.startswith("@"):
        return f"root:channels:http:{family[1:]}:1.0.1:{name}"
    return f"root:kernel:{family}:0.0.1:{name}"


def card(
    uuid: str,
    address: str,
    ins: Sequence[Told] = (),
    outs: Sequence[Told] = (),
    *,
    title: str = "",
    pins: Mapping[str, Sequence[str]] | None = None,
    **more: Any,  # noqa: ANN401  # what cards of some kinds have besides
) -> Told:
    """Return a card; ``pins`` lead from ids of outputs to card.input, with :convert where any."""
    given = {f"{uuid}<{each['id']}": _placed(each, number) for number, each in enumerate(ins)}
    model = {
        "type": "method",
        "policy": {"error": more.pop("error", {"type": "finish"})},
        "config": more.pop("config", None),
        "inputs": {"data": given},
        "outputs": {"data": {f"{uuid}>{each['id']}": each for each in outs}},
        "webhook": more.pop("webhook", False),
        "comments": more.pop("comments", None),
    }
    return {
        "joins": more.pop("joins", {}),
        "address": _address(address),
        "uuid": uuid,
        "branches": more.pop("branches", {}),
        "node": {
            "key": address.partition(":")[2],
            "data": {"name": title or address},
            "model": model,
        },
        "pins": {f"{uuid}>{output}": _targets(to) for output, to in (pins or {}).items()},
    }


def _placed(told: Told, number: int) -> Told:
    return {**told, "metadata": {"index": number, **told["metadata"]}}


def _targets(to: Sequence[str]) -> Told:
    targets: dict[str, list[Told]] = {}
    for each in to:
        where, _, convert = each.partition(":")
        uuid, _, name = where.partition(".")
        transform = {"x": {"convert": convert, "dest": "x"}} if convert else None
        targets.setdefault(uuid, []).append({"input": f"{uuid}<{name}", "transform": transform})
    return targets


def chart(*cards: Told, before: Sequence[str] = (), **more: object) -> Told:
    """Return the data of a flow; cards run in this order, or as ``before`` has it (``a>b``)."""
    uuids = [each["uuid"] for each in cards]
    pairs = [each.split(">") for each in before] or [
        [uuids[at], uuids[at + 1]] for at in range(len(uuids) - 1)
    ]
    return {
        "methods": [*cards],
        "orderings": {f"o{number}": pair for number, pair in enumerate(pairs)},
        "cron": {},
        "security_level": None,
        "scheduled": False,
        **more,
    }


@dataclass
class PackFile:
    """An export that is put together."""

    version: str = "1.5.0"
    flows: Told = field(default_factory=dict)
    configs: Told = field(default_factory=dict)
    tables: Told = field(default_factory=dict)

    def flow(self, id_: str, name: str, data: Told, description: str = "") -> "PackFile":
        """Add a flow."""
        self.flows[id_] = {"id": id_, "name": name, "description": description, "data": data}
        return self

    def connection(self, id_: str, name: str, module: str) -> "PackFile":
        """Add a connection."""
        self.configs[id_] = {"id": id_, "name": name, "module": module, "data": None}
        return self

    def table(self, id_: str, name: str, *columns: str) -> "PackFile":
        """Add a table."""
        structure = [{"name": each, "type": "str", "default": None} for each in columns]
        self.tables[id_] = {"id": id_, "name": name, "data": {"structure": structure}}
        return self

    @property
    def text(self) -> str:
        """Return it as its file has it."""
        data = {"flos": self.flows, "configs": self.configs, "tables": self.tables, "groups": {}}
        return json.dumps({"type": "flopack", "version": self.version, "flags": {}, "data": data})


def helper(*inputs: Told, pins: Mapping[str, Sequence[str]] | None = None) -> Told:
    """Return the card that a helper flow starts by."""
    context = of("execution_id", None, group="context")
    return card("start", CALLABLE, inputs, [context, *inputs], title="Helper Flow", pins=pins)


def condition(left: object, operator: str, right: object = "", kind: str = "string") -> list[Told]:
    """Return the inputs of a condition."""
    return [
        of("left-operand", left, kind),
        of("operator", operator),
        of("right-operand", right, kind),
    ]


# --- what came of one ---------------------------------------------------------------------------


def imported(data: Told, **more: Told) -> Imported:
    """Import an export of one flow, and others by their ids."""
    file = PackFile().flow("f", "One", data).connection("c1", "Our org", "okta")
    for name, each in more.items():
        file.flow(name, name, each)
    return import_pack(file.text)


def one(data: Told, **more: Told) -> ImportedFlow:
    """Import an export of one flow, which passes every check."""
    found = imported(data, **more)
    assert found.left_out == ()
    flow = found.flows[0]
    assert [str(each) for each in check(flow.text) if each.severity is Severity.ERROR] == []
    return flow


def cards(flow: ImportedFlow) -> list[Any]:
    """Return a flow's cards as they stand in its file."""
    document: Any = parse_yaml(flow.text).plain
    return list(document["cards"])


def start(flow: ImportedFlow) -> Any:  # noqa: ANN401
    """Return a flow's start as it stands in its file."""
    document: Any = parse_yaml(flow.text).plain
    return document["start"]


def read(flow: ImportedFlow) -> Flow:
    """Read a flow's file."""
    return read_flow(flow.text)


HELLO = chart(
    helper(of("name"), pins={"name": ["hello.who"]}),
    card(
        "hello",
        COMPOSE,
        [of("_text_", "Hello {{{who}}}, {{{{who}}}}!"), of("who")],
        [of("output", displayname="Greeting")],
        title="Compose",
        pins={"output": ["end.greeting"]},
    ),
    card("end", RETURN, [of("greeting")], title="Return"),
)
