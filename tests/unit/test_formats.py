"""What is written down is read back as it was, by others and by us."""

import csv
import io
import json
import subprocess

import pytest
import yaml
from dotenv import dotenv_values
from hypothesis import given
from hypothesis import strategies as st

from keyturn.formats.dotenv import NotDotenv, parse_dotenv, render_dotenv
from keyturn.formats.errors import FormatError
from keyturn.formats.prevailing import Named, prevailing
from keyturn.formats.reading import READ, parse
from keyturn.formats.rendering import FORMATS, OF_VARIABLES, Unfit, render

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
AWKWARD = st.text(st.sampled_from("a '\"\\$`{}#=!\n\r\t\x85\u2028\ufeff\x7fé😀")) | TEXTS
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
VALUES = st.dictionaries(NAMES, AWKWARD, max_size=4)
AT_ONCE = {
    "EMPTY": "",
    "KEY": "-----BEGIN KEY-----\nab+/=\n-----END KEY-----\n",
    "QUOTES": """it's "quoted" \\n \\""",
    "MONEY": "$HOME ${HOME} `id` $(id) !1",
    "UNICODE": "naïve 😀 \x85\u2028",
    "LINES": "\r\n \t",
    "HASH": "a #b",
    "SPACES": "  x  ",
}


@given(VALUES)
def test_dotenv_is_read_back(values: dict[str, str]) -> None:
    """Our own reader returns what was written."""
    assert parse_dotenv(render_dotenv(values)) == values


@given(VALUES)
def test_dotenv_is_read_by_the_library_of_python(values: dict[str, str]) -> None:
    """The most used loader returns what was written, where it is told to expand nothing."""
    text = io.StringIO(render_dotenv(values), newline="")
    assert dotenv_values(stream=text, interpolate=False) == values


@given(VALUES)
def test_json_yaml_and_csv_are_read_back(values: dict[str, str]) -> None:
    """Their readers return texts, the same."""
    assert json.loads(render(values, "json")) == values
    assert yaml.safe_load(render(values, "yaml")) == values
    rows = list(csv.reader(io.StringIO(render(values, "csv"), newline="")))
    assert rows == [["name", "value"], *map(list, values.items())]


@pytest.mark.parametrize("name", ["A.B", "true", "1", "null", "A-B", "ключ"])
def test_any_name_fits_json_yaml_and_csv(name: str) -> None:
    """A name that looks like something else stays a name."""
    assert json.loads(render({name: "v"}, "json")) == {name: "v"}
    assert yaml.safe_load(render({name: "v"}, "yaml")) == {name: "v"}
    assert list(csv.reader(io.StringIO(render({name: "v"}, "csv"))))[1] == [name, "v"]


def test_a_shell_reads_what_is_meant_for_it() -> None:
    """A real shell sets every variable to its value, and runs nothing."""
    script = render(AT_ONCE, "shell") + "env -0"
    done = subprocess.run(["sh", "-c", script], capture_output=True, check=True, env={})
    told = dict(pair.split("=", 1) for pair in done.stdout.decode().split("\0") if pair)
    assert {name: told[name] for name in AT_ONCE} == AT_ONCE


@pytest.mark.parametrize("form", sorted(OF_VARIABLES))
@pytest.mark.parametrize(
    ("name", "value"), [("A.B", "marked"), ("A B", "marked"), ("9", "marked"), ("A", "marked\0")]
)
def test_what_no_variable_can_hold_is_refused_by_name(form: str, name: str, value: str) -> None:
    """The name is told, and never the value."""
    with pytest.raises(Unfit) as caught:
        render({name: value}, form)
    assert name in str(caught.value)
    assert "marked" not in str(caught.value)


def test_nothing_is_written_as_nothing() -> None:
    """An empty folder is empty in every format."""
    empty = {"dotenv": "", "shell": "", "json": "{}\n", "yaml": "{}\n"}
    assert {form: render({}, form) for form in FORMATS} == empty | {"csv": '"name","value"\r\n'}


DIALECT = r"""
# a comment
  export EXPORTED=1
PLAIN=a b # comment
HASH=a#b
NONE=
NOTE= # only a comment
SINGLE='a\n$X \'b\' # c' # comment
DOUBLE="a\n\t\"$X\" \q # c"
SPACED = x
KEY="-----BEGIN-----
line
-----END-----"
SINGLE_LINES='1
2'
PLAIN=later
"""


def test_the_dialect_is_read_as_others_read_it() -> None:
    """Comments, export, quotes, escapes and several lines: as the library of Python has it."""
    values = parse_dotenv(DIALECT)
    assert values == dotenv_values(stream=io.StringIO(DIALECT), interpolate=False)
    assert values["KEY"] == "-----BEGIN-----\nline\n-----END-----"
    assert values["PLAIN"] == "later"
    assert values["NOTE"] == ""


def test_windows_line_ends_and_marks_are_no_part_of_values() -> None:
    """A file from Windows is read as one from here."""
    assert parse_dotenv("\ufeffA=1\r\nB='2'\r\n") == {"A": "1", "B": "2"}


@pytest.mark.parametrize(
    ("text", "line"),
    [("A=1\nmarked\n", 2), ("A='marked", 1), ('\n\nA="marked', 3), ("A='1'marked", 1), ("=1", 1)],
)
def test_what_is_no_dotenv_is_told_by_its_line(text: str, line: int) -> None:
    """The line's number is told, and nothing of what stands there."""
    with pytest.raises(NotDotenv, match=rf"^Line {line} ") as caught:
        parse_dotenv(text)
    assert "marked" not in str(caught.value)


@given(VALUES, st.sampled_from(sorted(READ)))
def test_what_is_written_is_read_by_its_format(values: dict[str, str], form: str) -> None:
    """Our own readers return what was written, in every format that is read."""
    assert parse(render(values, form), form) == values


@pytest.mark.parametrize("form", sorted(READ))
@pytest.mark.parametrize("text", ["", "\ufeff"])
def test_nothing_is_read_as_nothing(form: str, text: str) -> None:
    """An empty text has no names in any format."""
    assert parse(text, form) == {}


def test_yaml_values_are_texts_as_they_stand() -> None:
    """A number stays what was written, and a comment is none of it."""
    text = "# c\nA: 010\nB: yes\nC:\nD: |\n  1\n  2\n'E F': ~\n"
    assert parse(text, "yaml") == {"A": "010", "B": "yes", "C": "", "D": "1\n2\n", "E F": "~"}


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("json", "{"),
        ("json", '["marked"]'),
        ("json", '"marked"'),
        ("json", '{"A": 1}'),
        ("json", '{"A": null}'),
        ("json", '{"A": {"B": "marked"}}'),
        ("json", '{"A": "marked\\ud800"}'),
        ("json", "[" * 100_000),
        ("json", '{"A":' * 100_000),
        ("yaml", "marked"),
        ("yaml", "- marked"),
        ("yaml", "A: [marked]"),
        ("yaml", "A: {B: marked}"),
        ("yaml", "A: 'marked"),
        ("yaml", "A: &x marked\nB: *x"),
        ("yaml", "? [marked]\n: b"),
        ("yaml", "A: marked\n---\nB: marked"),
        ("yaml", "A: marked\x00"),
        ("yaml", "A: \tmarked\n\tB: x"),
        ("yaml", "[" * 100_000),
    ],
)
def test_what_is_no_flat_text_of_the_format_is_refused(form: str, text: str) -> None:
    """However deep it goes; nothing of what stands there is told."""
    with pytest.raises(FormatError) as caught:
        parse(text, form)
    assert "marked" not in str(caught.value)


def test_of_several_of_one_name_the_nearest_prevails() -> None:
    """Own over imported, a later import over an earlier, and of own ones the nearer to the top."""

    def named(*pairs: tuple[str, str]) -> list[Named[str]]:
        return [Named(name, path, f"{name} of {path}") for name, path in pairs]

    imports = [named(("A", "/i1"), ("B", "/i1"), ("C", "/i1")), named(("B", "/i2"), ("C", "/i2"))]
    own = named(("C", "/x/y"), ("C", "/x"), ("D", "/b"), ("D", "/a"), ("E", "/a"), ("E", "/"))
    assert prevailing(imports, own) == {
        "A": "A of /i1",
        "B": "B of /i2",
        "C": "C of /x",
        "D": "D of /a",
        "E": "E of /",
    }
