"""Check a YAML text against a JSON Schema, with the line of everything that does not fit.

Decides by the keywords that the fleet file's schema uses; errors quote keys, and never values.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from keyturn.domain.errors import FieldProblem
from keyturn.domain.flows.yaml_text import Node

_TYPES: Mapping[str, tuple[type, str]] = {
    "string": (str, "a text"),
    "integer": (int, "a whole number"),
    "boolean": (bool, "true or false"),
    "object": (dict, "a mapping"),
    "array": (list, "a list"),
}


def problems_of(node: Node, schema: Mapping[str, Any], where: str = "") -> Iterator[FieldProblem]:
    """Give everything in a text that does not fit a schema."""
    told = wrong_with(node.of, schema)
    if told:
        yield problem(where, told, node.line)
        return
    if isinstance(node.of, dict):
        yield from _of_members(node, schema, where)
    elif isinstance(node.of, list):
        for index, each in enumerate(node.of):
            yield from problems_of(each, schema["items"], f"{where}[{index}]")


def problem(where: str, rule: str, line: int) -> FieldProblem:
    """Return what is wrong with a place of the file."""
    return FieldProblem((where or "file",), f"{rule} (line {line})")


def wrong_with(value: object, schema: Mapping[str, Any]) -> str:
    """Say what is wrong with a value itself, whatever lies in it, or nothing."""
    if "const" in schema:
        fits = value == schema["const"] and not isinstance(value, bool)
        return "" if fits else f"must be {schema['const']}"
    kind, words = _TYPES[schema["type"]]
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        return f"must be {words}"
    if "enum" in schema and value not in schema["enum"]:
        return "must be one of " + ", ".join(schema["enum"])
    if isinstance(value, str):
        return _wrong_text(value, schema)
    if kind is int and not schema["minimum"] <= value <= schema["maximum"]:
        return f"must be {schema['minimum']} to {schema['maximum']}"
    return ""


def _wrong_text(text: str, schema: Mapping[str, Any]) -> str:
    least, most = schema.get("minLength", 0), schema.get("maxLength")
    if most is not None and not least <= len(text) <= most:
        return f"must have {least} to {most} characters"
    pattern = schema.get("pattern")
    if pattern and not re.fullmatch(pattern, text):
        return f"must look so: {schema.get('description', '')} ({pattern})"
    return ""


def _of_members(node: Node, schema: Mapping[str, Any], where: str) -> Iterator[FieldProblem]:
    members: dict[str, Node] = node.of  # type: ignore[assignment]
    known, others = schema.get("properties", {}), schema["additionalProperties"]
    for name, each in members.items():
        at = f"{where}.{name}" if where else name
        rule = known.get(name, others)
        if rule is False:
            near = ", ".join(known)
            yield problem(where, f"has no {name[:60]}; known are {near}", each.line)
        else:
            yield from problems_of(each, rule, at)
    for name in schema.get("required", ()):
        if name not in members:
            yield problem(f"{where}.{name}" if where else name, "Required", node.line)
