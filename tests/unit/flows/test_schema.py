"""The schema of flow files says of their shape what the reader says."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from flow_files import TEMPLATES, WALK, as_text, example_flows, flow_documents, mutated
from hypothesis import given, reject, settings

from keyturn.domain.flows.checking import check
from keyturn.domain.flows.formatting import format_flow
from keyturn.domain.flows.reading import FlowRefused, read_flow
from keyturn.domain.flows.schema import flow_schema
from keyturn.domain.flows.yaml_text import NoYaml, parse_yaml

BEYOND_SHAPE = re.compile(r"there is a card .* before it|.*\bat most [0-9]+ deep\b.*")


@cache
def schema() -> Any:  # noqa: ANN401  the stubs of the library say no more
    """Return what tells whether a document fits."""
    return jsonschema_rs.Draft202012Validator(flow_schema())


def refused(text: str) -> list[str]:
    """Return what the reader says against the shape of a flow."""
    try:
        read_flow(text)
    except FlowRefused as error:
        return [each.rule for each in error.problems if not BEYOND_SHAPE.fullmatch(each.rule)]
    return []


def test_it_is_a_schema() -> None:
    """It is what the standard calls a schema, and JSON."""
    jsonschema_rs.meta.validate(flow_schema())
    assert json.loads(json.dumps(flow_schema())) == flow_schema()


def test_it_accepts_a_flow() -> None:
    """A flow of many parts fits."""
    assert schema().is_valid(yaml.safe_load(WALK))


def test_it_accepts_every_example() -> None:
    """What the cards show as their use fits, and is read."""
    for name, text in example_flows().items():
        assert refused(text) == [], name
        assert schema().is_valid(json.loads(text)), name


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda each: each.stem)
def test_templates_fit_and_are_tidy(file: Path) -> None:
    """What is shipped to start from has no finding, and the canonical form."""
    text = file.read_text(encoding="utf-8")
    assert schema().is_valid(yaml.safe_load(text))
    assert check(text) == ()
    assert format_flow(text) == text


@settings(max_examples=40, deadline=None)
@given(flow_documents())
def test_it_accepts_what_is_read(document: dict[str, Any]) -> None:
    """Every flow in which nothing is wrong fits, and is read."""
    assert refused(as_text(document)) == []
    assert schema().is_valid(document)


@pytest.mark.slow
@settings(max_examples=600, deadline=None)
@given(mutated())
def test_it_is_of_one_mind_with_the_reader(document: object) -> None:
    """Whatever is changed in a flow, both take it or both refuse it."""
    text = as_text(document)
    try:
        parse_yaml(text)
    except NoYaml:
        reject()
    assert schema().is_valid(document) is not bool(refused(text))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("version: 1", "version: 2"),
        ("flow: issue-token", "flow: Issue"),
        ("kind: api_endpoint", "kind: endpoint"),
        ("security: client_token", "security: none"),
        ("card: flow.return", "card: flow.retrun"),
        ("as: name", "as: Name"),
        ("id: each", "id: start"),
        ("with: {text: Each name}", "with: {words: Each name}"),
        ("  do:", "  does:"),
        ("is: greater than", "is: larger than"),
        ("{{ each.count }}", "{{ each count }}"),
        ("give: {result: null}", "gives: {result: null}"),
    ],
)
def test_it_refuses_mistakes(old: str, new: str) -> None:
    """Those that people make, and the reader refuses them as well."""
    text = WALK.replace(old, new, 1)
    assert refused(text) != []
    assert not schema().is_valid(yaml.safe_load(text))
