"""The JSON Schema of flow files, made from what the cards declare.

Decides how their shape is told to editors and other programs, in JSON Schema 2020-12. What needs
more than shape, as that no two cards have one id, `reading` and `checking` know.
"""

from typing import Final, TypeAlias

from keyturn.domain.flows import bearers, conditions, events, reading
from keyturn.domain.flows.catalogue import CARDS
from keyturn.domain.flows.expressions import HEAD, STEPS
from keyturn.domain.flows.spec import (
    LONGEST_S,
    CardSpec,
    History,
    Input,
    Security,
    Source,
    StartKind,
)
from keyturn.domain.flows.spots import NUMBER_MAX
from keyturn.domain.flows.values import Kind, Value
from keyturn.domain.oauth.provider import URL

Schema: TypeAlias = dict[str, Value]

_REFERENCE: Final = rf"\{{\{{\s*{HEAD.pattern}(?:{STEPS.pattern})*\??\s*\}}\}}"
_TEMPLATE: Final = rf"^(?:[^{{]|\{{(?!\{{)|\{{\{{\{{\{{|{_REFERENCE})*$"
_TYPES: Final = {
    Kind.TEXT: "string",
    Kind.NUMBER: "number",
    Kind.BOOLEAN: "boolean",
    Kind.OBJECT: "object",
    Kind.LIST: "array",
}
_SCALARS: Final[list[Value]] = ["boolean", "number", "null"]
_TEXT: Final[Schema] = {"type": "string"}
_SLUG: Final[Schema] = {
    "type": "string",
    "pattern": f"^{reading.NAME.pattern}$",
    "maxLength": reading.NAME_MAX,
}


def flow_schema() -> Schema:
    """Return the JSON Schema of a flow's file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A flow of Keyturn",
        **_object(
            {
                "version": {"const": 1},
                "flow": _SLUG,
                "description": _TEXT,
                "start": _ref("start"),
                "secrets": _named(_TEXT, "Paths of secrets, by the names that cards use.")
                | {"propertyNames": {"pattern": f"^{HEAD.pattern}$"}},
                "outputs": _ref("kinds"),
                "limits": _limits(),
                "history": _enum(*History),
                "on_error": {"anyOf": [{"const": "halt"}, _one_member(run=_SLUG)]},
                "cards": _ref("cards"),
            },
            "flow",
            "start",
            "cards",
        ),
        "$defs": _shared() | {_def_of(spec): _card(spec) for spec in CARDS.values()},
    }


def _shared() -> Schema:
    names: list[Value] = [*CARDS]
    thens = [_where("card", spec.name, _ref(_def_of(spec))) for spec in CARDS.values()]
    name: Schema = {"card": {"enum": names}}
    return {
        "cards": {"type": "array", "items": _ref("card"), "maxItems": reading.CARDS_MAX},
        "card": {"type": "object", "properties": name, "required": ["card"], "allOf": [*thens]},
        "start": {
            "type": "object",
            "properties": {"kind": _enum(*StartKind)},
            "required": ["kind"],
            "allOf": [_where("kind", kind, _start(kind)) for kind in StartKind],
        },
        "kinds": _named(_enum(*Kind), "Kinds, by name."),
        "reference": {
            "description": "Where a value lies, as in {{ card.output.member }}.",
            "type": "string",
            "pattern": rf"^\s*{_REFERENCE}\s*$",
        },
        "plain": {"type": "string", "not": {"pattern": r"\{\{"}},
        "template": {
            "description": "A text in which {{ card.output }} may stand; {{{{ are two braces.",
            "type": "string",
            "pattern": _TEMPLATE,
        },
        "value": {
            "anyOf": [
                {"type": _SCALARS},
                _ref("plain"),
                _ref("reference"),
                {"type": "array", "items": _ref("value")},
                {"type": "object", "additionalProperties": _ref("value")},
            ]
        },
        "condition": _condition(),
        "on_error": {
            "anyOf": [{"const": "halt"}, _one_member(give=_ref("value")), _one_member(run=_SLUG)]
        },
        "retry": _object(
            {
                "times": _number(1, reading.RETRY_TIMES, whole=True),
                "after_s": _number(0, reading.RETRY_AFTER_S),
                "statuses": {
                    "type": "array",
                    "items": _number(100, 599, whole=True),
                    "minItems": 1,
                },
            }
        ),
    }


def _limits() -> Schema:
    least = reading.LIMIT_LEAST
    limits: Schema = {name: _number(least, NUMBER_MAX) for name in reading.LIMIT_KEYS}
    return _object(limits | {"steps": _number(1, NUMBER_MAX, whole=True)})


def _start(kind: StartKind) -> Schema:
    methods: Schema = {"type": "array", "items": _enum(*reading.METHODS), "minItems": 1}
    known: Schema = {
        "security": _enum(*Security),
        "methods": methods,
        "cron": _TEXT,
        "every": _TEXT,
        "zone": _TEXT,
        **{group: _ref("kinds") for group in reading.GROUPS},
        "oauth": _oauth(),
    }
    own: Schema = {"kind": {"const": kind.value}}
    own |= {name: known.get(name, True) for name in reading.START_KEYS[kind]}
    if kind is StartKind.EVENT:
        return _event(own)
    if kind is not StartKind.ENDPOINT:
        return _object(own)
    headers = _both(_ref("kinds"), {"propertyNames": {"not": {"pattern": r"[A-Z]"}}})
    oauth: Schema = {"required": ["oauth"]}
    asked = _where("security", Security.OAUTH, oauth) | {"else": {"not": oauth}}
    return _both(_object(own | {"headers": headers}), asked)


def _event(own: Schema) -> Schema:
    some: Schema = {"type": "array", "minItems": 1, "maxItems": events.EVENTS_MAX}
    pattern = f"^(?:{events.TYPE.pattern})$"
    any_type: Schema = {"type": "string", "pattern": pattern, "maxLength": events.TYPE_MAX}
    parts: Schema = {"source": _enum(*Source), "events": some | {"items": any_type}}
    ours: Schema = {"properties": {"events": {"items": _enum(*events.Own)}}}
    whole = _object(own | parts, "source", "events")
    return _both(whole, _where("source", Source.KEYTURN, ours))


def _oauth() -> Schema:
    """Return what an endpoint may ask of access tokens (`bearers.problems_of`)."""
    url: Schema = {"type": "string", "pattern": f"^(?:{URL})$"}
    texts: Schema = {"type": "array", "items": _TEXT, "minItems": 1}
    some: Schema = {"type": "string", "minLength": 1}
    parts: Schema = {
        "issuer": url,
        "audience": {"anyOf": [some, texts]},
        "scope": {"type": "string", "pattern": f"^(?:{bearers.SCOPES.pattern})$"},
        "clients": texts,
        "jwks": url,
        "registration": some,
        "types": texts,
    }
    by_keys: Schema = {"required": ["issuer", "audience"], "not": {"required": ["registration"]}}
    by_asking: Schema = {
        "required": ["registration"],
        "not": {"anyOf": [{"required": ["jwks"]}, {"required": ["types"]}]},
    }
    return _both(_object(parts), {"anyOf": [by_keys, by_asking]})


# --- cards ----------------------------------------------------------------------------------------


def _def_of(spec: CardSpec) -> str:
    return f"card {spec.name}"


def _card(spec: CardSpec) -> Schema:
    parts: Schema = {
        "id": {
            **_word(reading.OUR_WORDS),
            "description": "How other cards refer to it; it can do without.",
        },
        "card": {"const": spec.name},
        "note": _TEXT,
        "with": _inputs(spec),
        "on_error": _ref("on_error"),
    }
    if spec.connectors:
        told = f"The alias of a connection: {' or '.join(spec.connectors)}."
        parts["connection"] = {"type": "string", "minLength": 1, "description": told}
    if reading.names_items(spec):
        parts["as"] = _word(reading.OUR_WORDS - {"item"})
    if reading.asks_somebody(spec):
        parts["timeout_s"] = _number(reading.TIMEOUT_S, LONGEST_S)
        parts["retry"] = _ref("retry")
    if spec.cases:
        case = _object({"when": _ref("condition"), "then": _ref("cards")}, "when", "then")
        parts["cases"] = {"type": "array", "items": case, "minItems": 1}
    for lane in spec.lanes:
        parts[lane.name] = {"description": lane.doc, **_ref("cards")}
    return {"description": spec.doc, **_object(parts, *_needed(spec))}


def _needed(spec: CardSpec) -> list[str]:
    return [
        "card",
        *(["with"] if any(map(reading.is_needed, spec.inputs)) else []),
        *(["connection"] if spec.connectors and not spec.connection_optional else []),
        *(["cases"] if spec.cases else []),
        *(lane.name for lane in spec.lanes if lane.required),
    ]


def _inputs(spec: CardSpec) -> Schema:
    told: Schema = {one.name: {"description": one.doc, **_input(one)} for one in spec.inputs}
    for one in spec.inputs:
        if one.default is not None:
            told[one.name] = {"default": one.default, "description": one.doc, **_input(one)}
    needed = (one.name for one in spec.inputs if reading.is_needed(one))
    return _object(told, *needed, others=_ref("value") if spec.open else False)


def _input(one: Input) -> Schema:
    """Return what may stand for an input: something of its kind, or a reference."""
    if one.secret:
        return _ref("reference")
    if one.written:
        forms = [_plain_text()]
    elif one.condition:
        forms = [_ref("condition")]
    elif one.options:
        forms = [_enum(*one.options), _referring(one)]
    elif one.template:
        others: Schema = {"type": [*_SCALARS, "array", "object"]}
        forms = [_ref("template")]
        forms += [_both(others, _ref("value"))] if one.kind is Kind.ANY else []
    else:
        forms = _of_kind(one.kind)
    if not one.required:
        forms = [*forms, {"type": "null"}]
    return forms[0] if len(forms) == 1 else {"anyOf": [*forms]}


def _plain_text() -> Schema:
    return {"type": "string", "not": {"pattern": r"\{\{"}}


def _referring(one: Input) -> Schema:
    if one.template:
        return _both(_ref("template"), {"pattern": r"\{\{"})
    return _ref("reference")


def _of_kind(kind: Kind) -> list[Schema]:
    if kind is Kind.ANY:
        return [_ref("value")]
    if kind is Kind.TEXT:
        return [_ref("plain"), _ref("reference")]
    return [_both({"type": _TYPES[kind]}, _ref("value")), _ref("reference")]


def _condition() -> Schema:
    inner: Schema = {"type": "array", "items": _ref("condition"), "minItems": 1}
    value = _ref("value")
    one = _object({"left": value, "is": _enum(*conditions.ONE)}, "left", "is")
    two = _object(
        {"left": value, "is": _enum(*conditions.TWO), "right": value}, "left", "is", "right"
    )
    return {
        "anyOf": [
            one,
            two,
            _one_member(all=inner),
            _one_member(any=inner),
            _one_member(**{"not": _ref("condition")}),
            {"type": "boolean"},
            _ref("reference"),
        ]
    }


# --- words of JSON Schema -------------------------------------------------------------------------


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name.replace(' ', '%20')}"}


def _object(parts: Schema, *needed: str, others: Value = False) -> Schema:
    required: Schema = {"required": [*needed]} if needed else {}
    return {"type": "object", "properties": parts, **required, "additionalProperties": others}


def _one_member(**parts: Value) -> Schema:
    return _object(parts, *parts)


def _named(each: Schema, told: str) -> Schema:
    return {"description": told, "type": "object", "additionalProperties": each}


def _enum(*options: str) -> Schema:
    return {"enum": [str(option) for option in options]}


def _word(ours: frozenset[str]) -> Schema:
    taken: Schema = {"anyOf": [_enum(*sorted(ours)), {"pattern": f"^{reading.NUMBERED.pattern}$"}]}
    pattern = f"^{HEAD.pattern}$"
    return {"type": "string", "pattern": pattern, "maxLength": reading.NAME_MAX, "not": taken}


def _number(least: float, most: float, *, whole: bool = False) -> Schema:
    return {"type": "integer" if whole else "number", "minimum": least, "maximum": most}


def _both(one: Schema, other: Schema) -> Schema:
    return {"allOf": [one, other]}


def _where(name: str, value: str, then: Schema) -> Schema:
    condition: Schema = {"properties": {name: {"const": value}}, "required": [name]}
    return {"if": condition, "then": then}
