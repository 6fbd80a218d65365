"""What `infisical export` writes is read back, format by format."""

import csv
import io
import json

import pytest
import yaml

from keyturn.client.exported import FORMATS, NotExported, read_export
from keyturn.client.tree import Label

AWKWARD = {
    "BACKSLASH": r"a\'b\\",
    "EMPTY": "",
    "LINES": "1\n2\n",
    "NUMBER": "010",
    "QUOTES": 'it\'s "so"',
    "REFERS": "${OTHER} $x",
    "TRUE": "yes",
    "É": "é😀",
}


def exported(values: dict[str, str], form: str) -> str:
    """Write values as the CLI does: by the rule of each format that it states."""
    if form == "json":
        return json.dumps([{"key": name, "value": value} for name, value in values.items()])
    if form == "yaml":
        return yaml.safe_dump(values, allow_unicode=True)
    if form == "csv":
        file = io.StringIO()
        csv.writer(file, lineterminator="\n").writerows([("Key", "Value"), *values.items()])
        return file.getvalue()
    return "".join(f"{name}='{value}'\n" for name, value in values.items())


@pytest.mark.parametrize("form", FORMATS)
def test_values_come_back(form: str) -> None:
    """Quotes, backslashes and lines are what they were, although dotenv escapes nothing."""
    items = read_export(exported(AWKWARD, form), form)
    assert {item.name: item.value for item in items} == AWKWARD


def test_dotenv_with_export_comes_back() -> None:
    """The word before a name is no part of it."""
    text = "".join(f"export {line}\n" for line in ("A='1'", "B='it's'", "C=''"))
    items = read_export(text, "dotenv")
    assert {item.name: item.value for item in items} == {"A": "1", "B": "it's", "C": ""}


def test_json_brings_comments_and_tags() -> None:
    """What only JSON tells is brought; personal secrets are not."""
    tag = {"_id": "1", "name": "Billing", "slug": "billing", "color": None}
    one = {"key": "A", "value": "1", "comment": "why", "tags": [tag], "skipMultilineEncoding": True}
    (item,) = read_export(json.dumps([one, one | {"key": "B", "type": "personal"}]), "json")
    assert (item.name, item.comment, item.labels) == ("A", "why", (Label("billing", "Billing"),))
    assert item.skip_multiline_encoding is True
    (bare,) = read_export('[{"key": "A", "value": "1", "tags": null}]', "json")
    assert bare.skip_multiline_encoding is None


BAD = [
    ("json", '{"A": "marked"}'),
    ("json", "marked"),
    ("json", '[{"key": "A"}]'),
    ("dotenv", "A='1'\nmarked\n"),
    ("dotenv", "A=marked"),
    ("dotenv", "A='marked"),
    ("csv", "Name,Value\nA,marked\n"),
    ("csv", ""),
    ("csv", "Key,Value\nA,marked,x\n"),
    ("yaml", "A: [marked]"),
    ("yaml", "A: 'marked"),
    ("yaml", "marked"),
]


@pytest.mark.parametrize(("form", "text"), BAD)
def test_what_is_no_export_is_refused(form: str, text: str) -> None:
    """Nothing of it is brought, and nothing of it is repeated."""
    with pytest.raises(NotExported) as caught:
        read_export(text, form)
    assert "marked" not in str(caught.value)


def test_an_empty_export_brings_nothing() -> None:
    """That is no mistake."""
    empty = {"json": "[]", "dotenv": "", "yaml": "{}\n", "csv": "Key,Value\n"}
    assert [read_export(text, form) for form, text in empty.items()] == [()] * 4
