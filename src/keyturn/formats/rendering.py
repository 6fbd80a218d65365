"""Write names with values down, in any of the formats."""

import csv
import io
import json
import re
import shlex
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import quote

from keyturn.formats.dotenv import quote_dotenv, render_dotenv
from keyturn.formats.errors import FormatError
from keyturn.formats.variables import is_variable

_BEYOND_JSON = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


class Unfit(FormatError):
    """Something has no place in the format; says the names, never the values."""


def render_json(values: Mapping[str, str]) -> str:
    """Render a JSON object (RFC 8259)."""
    return json.dumps(dict(values), indent=2, ensure_ascii=False) + "\n"


def render_yaml(values: Mapping[str, str]) -> str:
    """Render a YAML mapping; names and values in double quotes, so that all stay texts."""
    lines = (f"{quote_yaml(name)}: {quote_yaml(value)}\n" for name, value in values.items())
    return "".join(lines) or "{}\n"


def render_csv(values: Mapping[str, str]) -> str:
    """Render a table of name and value with a header (RFC 4180)."""
    file = io.StringIO()
    csv.writer(file, quoting=csv.QUOTE_ALL).writerows([("name", "value"), *values.items()])
    return file.getvalue()


def render_shell(values: Mapping[str, str]) -> str:
    """Render commands that a POSIX shell reads with `.` or `eval`."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in values.items())


def quote_json(value: str) -> str:
    """Write a JSON text (RFC 8259)."""
    return json.dumps(value, ensure_ascii=False)


def quote_yaml(value: str) -> str:
    """Write JSON, which is YAML but for characters that YAML wants escaped (YAML 1.2, 5.1)."""
    return _BEYOND_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", quote_json(value))


def quote_csv(value: str) -> str:
    """Write one cell of a table (RFC 4180)."""
    return '"' + value.replace('"', '""') + '"'


def quote_url(value: str) -> str:
    """Write a part of an address (RFC 3986)."""
    return quote(value, safe="")


FORMATS: Final[Mapping[str, Callable[[Mapping[str, str]], str]]] = {
    "dotenv": render_dotenv,
    "json": render_json,
    "yaml": render_yaml,
    "csv": render_csv,
    "shell": render_shell,
}
QUOTES: Final[Mapping[str, Callable[[str], str]]] = {
    "text": str,
    "dotenv": quote_dotenv,
    "json": quote_json,
    "yaml": quote_yaml,
    "csv": quote_csv,
    "shell": shlex.quote,
    "url": quote_url,
}
"""How one value stands in a text of a format; in ``text`` it stands as it is."""
OF_VARIABLES: Final = frozenset({"dotenv", "shell"})
"""Formats that hold what an environment can hold."""


def render(values: Mapping[str, str], form: str) -> str:
    """Render values in one of FORMATS, all of them. Raises Unfit."""
    if form in OF_VARIABLES:
        unfit = [name for name, value in values.items() if not is_variable(name) or "\0" in value]
        if unfit:
            names = ", ".join(sorted(unfit))
            raise Unfit(f"{form} has no place for {names}: take json, yaml or csv.")
    return FORMATS[form](values)
