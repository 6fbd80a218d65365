"""The dotenv format: a line a name, as the loaders of most languages read it.

No variable is expanded: `$` is a character like any other.
"""

import re
from collections.abc import Mapping

from keyturn.formats.errors import FormatError

_BARE = re.compile(r"[A-Za-z0-9_./:@%+,=-]+")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_ESCAPED = {"\\": r"\\", '"': r"\"", "\n": r"\n", "\r": r"\r"}
_ENTRY = re.compile(
    r"""
    [^\S\n]* (?:export[^\S\n]+)?
    (?P<name>[^\s='"\#]+) [^\S\n]*=
    (?:
        [^\S\n]* '(?P<single>(?:\\.|[^'\\])*)' [^\S\n]*(?:\#[^\n]*)?
      | [^\S\n]* "(?P<double>(?:\\.|[^"\\])*)" [^\S\n]*(?:\#[^\n]*)?
      | (?P<bare>(?![^\S\n]*['"])[^\n]*)
    )
    (?:\n|\Z)
    """,
    re.VERBOSE | re.DOTALL,
)
_NOTHING = re.compile(r"[^\S\n]*(?:\#[^\n]*)?(?:\n|\Z)")


class NotDotenv(FormatError):
    """A text is not in the dotenv format; says in which line, and nothing of what is there."""


def parse_dotenv(text: str) -> dict[str, str]:
    r"""Return the names of a dotenv text with their values; of two of one name the later counts.

    Values stand bare, in single quotes, where only \' and \\ are escapes, or in double quotes,
    where \n and its like are too; both may run over several lines. A comment begins with # at a
    line's start, after white space, or after a closing quote. Raises NotDotenv.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    values, at = {}, 0
    while at < len(text):
        entry = _ENTRY.match(text, at)
        found = entry or _NOTHING.match(text, at)
        if found is None:
            line = text.count("\n", 0, at) + 1
            raise NotDotenv(f"Line {line} is neither NAME=value nor a comment, or a quote is open.")
        if entry:
            values[entry["name"]] = _value(entry)
        at = found.end()
    return values


def render_dotenv(values: Mapping[str, str]) -> str:
    """Render names that are those of variables, one a line, in the least quotes that will do."""
    return "".join(f"{name}={quote_dotenv(value)}\n" for name, value in values.items())


def quote_dotenv(value: str) -> str:
    """Write a value: as what no loader expands, bare, else in single quotes, else in double."""
    if not value or _BARE.fullmatch(value):
        return value
    if not set(value) & set("'\\\r"):
        return f"'{value}'"
    return '"' + re.sub(r'[\\"\n\r]', lambda found: _ESCAPED[found[0]], value) + '"'


def _value(entry: re.Match[str]) -> str:
    if entry["single"] is not None:
        return re.sub(r"\\(['\\])", r"\1", entry["single"])
    if entry["double"] is not None:
        return re.sub(r"""\\([\\'"abfnrtv])""", _unescaped, entry["double"])
    return re.sub(r"(?<=\s)\#.*", "", entry["bare"]).strip()


def _unescaped(escape: re.Match[str]) -> str:
    return _ESCAPES.get(escape[1], escape[1])
