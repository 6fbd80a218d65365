"""Templates have places for values, each written as its format has it."""

import json
import subprocess
from io import StringIO

import pytest
import yaml
from dotenv import dotenv_values
from hypothesis import given
from hypothesis import strategies as st

from keyturn.client.agent.templates import BadTemplate, parse_template, render_template

AWKWARD = "a'b\"c\\d\n$HOME `id` ${X} é, #"
TEXTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"))


def rendered(text: str, form: str = "text", **values: str) -> str:
    """Render a template."""
    return render_template(parse_template(text, form, "file.tmpl"), values)


def test_only_places_are_replaced() -> None:
    """Other dollars are the text's own, and a doubled one makes a place a text."""
    text = "$x $$ $1 ${A} $${A} $$${A}"
    assert rendered(text, A="1") == "$x $$ $1 1 ${A} $${A}"


def test_what_is_put_in_is_not_looked_at_again() -> None:
    """A value that looks like a place stays as it is."""
    assert rendered("${A}${B}", A="${B}", B="2") == "${B}2"


def test_a_place_may_have_a_format_of_its_own() -> None:
    """An address inside of JSON is escaped as a part of an address."""
    text = '{"url": "db://u:${P:url}@h", "p": ${P}}'
    assert json.loads(rendered(text, "json", P="a/b@c")) == {
        "url": "db://u:a%2Fb%40c@h",
        "p": "a/b@c",
    }


@given(TEXTS)
def test_json_and_yaml_read_back_what_was_there(value: str) -> None:
    """Whatever the value, a reader of the format is given it."""
    assert json.loads(rendered('{"a": ${A}}', "json", A=value)) == {"a": value}
    assert yaml.safe_load(rendered("a: ${A}\n", "yaml", A=value)) == {"a": value}


def test_shell_and_dotenv_read_back_what_was_there() -> None:
    """Nothing is expanded, and no quote ends a value early."""
    script = rendered('A=${A}; printf %s "$A"', "shell", A=AWKWARD)
    done = subprocess.run(["sh", "-c", script], capture_output=True, check=True)
    assert done.stdout.decode() == AWKWARD
    stream = StringIO(rendered("A=${A}\n", "dotenv", A=AWKWARD))
    assert dotenv_values(stream=stream, interpolate=False) == {"A": AWKWARD}


@pytest.mark.parametrize("text", ["${", "${A", "${}", "${A B}", "${A:B:C}"])
def test_a_place_that_is_none_is_told_with_its_line(text: str) -> None:
    """File and line are named."""
    with pytest.raises(BadTemplate, match=r"file\.tmpl, line 3: "):
        parse_template(f"one\n${{A}}\n{text}", "text", "file.tmpl")


def test_an_unknown_format_is_told_with_its_line() -> None:
    """And so is what formats there are."""
    with pytest.raises(BadTemplate, match=r"line 2: xml is none of text, dotenv, json"):
        parse_template("\n${A:xml}", "text", "file.tmpl")


def test_every_unknown_name_is_told() -> None:
    """Names with their lines, and no value of those that are there."""
    with pytest.raises(BadTemplate) as caught:
        rendered("${A}\n${B}\n${C}", A="marked")
    assert str(caught.value) == "file.tmpl: the folder has no B (line 2), C (line 3)."
