"""The commands on flow files, which need no server."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flow_files import WALK

from keyturn.cli.main import cli
from keyturn.domain.flows.catalogue import CARDS


def run(*words: str | Path) -> Result:
    """Run a command on files."""
    return CliRunner().invoke(cli, ["flow", *map(str, words)])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Write a flow in which nothing is wrong."""
    path = tmp_path / "issue-token.yaml"
    path.write_text(WALK, encoding="utf-8")
    return path


def written(beside: Path, name: str, text: str) -> Path:
    """Write another file beside one."""
    path = beside.with_name(name)
    path.write_text(text, encoding="utf-8")
    return path


def test_the_schema_is_printed() -> None:
    """It is JSON, in the dialect that it names."""
    result = run("schema")
    assert json.loads(result.stdout)["$schema"].endswith("2020-12/schema")


def test_a_good_file_passes(file: Path) -> None:
    """Nothing is found in it, and the exit code is 0; what nobody looked for is told apart."""
    result = run("check", file)
    assert (result.exit_code, result.stdout) == (0, "")
    told = "nobody has looked whether there are flows other; secrets /okta/SIGNING_KEY"
    assert result.stderr == f"{file}: {told} (--env asks the server)\n"
    found = json.loads(run("check", "--json", file).stdout)
    assert found["unchecked"] == {str(file): ["flows other", "secrets /okta/SIGNING_KEY"]}


def test_findings_have_file_and_line(file: Path) -> None:
    """Each is a line as editors read it; an error makes the exit code 1."""
    bad = written(file, "bad.yaml", WALK.replace("each.count", "eahc.count"))
    result = run("check", file, bad)
    assert result.exit_code == 1
    assert result.stdout.startswith(f"{bad}:22: cards[2].with.when: ")
    assert "is it each?" in result.stdout


def test_warnings_pass(file: Path) -> None:
    """What is doubtful is told, and the exit code is 0."""
    odd = written(file, "odd.yaml", WALK.replace("secrets: {", "secrets: {other: /OTHER, "))
    result = run("check", "--json", odd)
    assert result.exit_code == 0
    (finding,) = json.loads(result.stdout)["findings"]
    assert finding["severity"] == "warning"
    assert (finding["file"], finding["line"]) == (str(odd), 9)


def test_a_file_that_is_no_text_is_refused(file: Path) -> None:
    """Bytes that are no UTF-8 are told as such."""
    file.write_bytes(b"\xff\xfe")
    for command in ("check", "fmt"):
        result = run(command, file)
        assert result.exit_code == 1
        assert "is not a text in UTF-8" in result.stderr


def test_a_control_character_moves_no_cursor(file: Path) -> None:
    """What anybody wrote in a file is printed so that it does nothing."""
    bad = written(file, "bad.yaml", WALK + '"\\e[31m": 1\n')
    result = run("check", bad)
    assert result.exit_code == 1
    assert "\x1b" not in result.output


def test_files_are_tidied(file: Path) -> None:
    """Only those that change are told, and written."""
    untidy = written(file, "untidy.yaml", WALK.replace("{user: text}", "{ user:   text }  # who"))
    assert run("fmt", "--check", file).exit_code == 0
    result = run("fmt", "--check", file, untidy)
    assert (result.exit_code, result.stdout) == (1, f"{untidy}\n")
    assert run("fmt", file, untidy).stdout == f"{untidy}\n"
    assert untidy.read_text() == WALK.replace("{user: text}", "{user: text}  # who")
    assert json.loads(run("fmt", "--json", untidy).stdout) == {"changed": []}


def test_a_tidy_file_can_be_printed(file: Path) -> None:
    """Then nothing is written."""
    file.write_text(WALK.replace("version: 1", "version:   1"))
    assert run("fmt", "--stdout", file).stdout == WALK
    assert file.read_text() != WALK
    assert run("fmt", "--stdout", "--check", file).exit_code == 2


def test_what_cannot_be_parsed_is_not_tidied(file: Path) -> None:
    """The line is told, and the file left alone."""
    file.write_text("flow: a\nflow: b\n")
    result = run("fmt", file)
    assert result.exit_code == 1
    assert f"{file}:2: flow stands here twice" in result.stderr
    assert file.read_text() == "flow: a\nflow: b\n"


def test_differences_are_told(file: Path) -> None:
    """The exit codes are those of diff(1)."""
    other = written(file, "other.yaml", WALK.replace("right: 3", "right: 4"))
    assert run("diff", file, file).exit_code == 0
    result = run("diff", file, other)
    assert (result.exit_code, result.stdout) == (1, "changed card many.with.when.right: 3 -> 4\n")
    (change,) = json.loads(run("diff", "--json", file, other).stdout)["changes"]
    assert change["before"] == "3"
    none = written(file, "none.yaml", "flow: a\n")
    assert run("diff", file, none).exit_code == 2


def test_each_card_can_be_shown() -> None:
    """With each of its inputs, and as JSON."""
    for name, spec in CARDS.items():
        result = run("cards", name)
        assert result.exit_code == 0, name
        assert [one.doc for one in spec.inputs if one.doc not in result.stdout] == [], name
        assert json.loads(run("cards", name, "--json").stdout)["name"] == name


def test_cards_are_listed() -> None:
    """All of them, with what they do; one that nobody knows is told with what is like it."""
    listed = run("cards").stdout
    assert all(name in listed for name in CARDS)
    assert len(json.loads(run("cards", "--json").stdout)["cards"]) == len(CARDS)
    result = run("cards", "flow.retrun")
    assert result.exit_code == 1
    assert "is it flow.return" in result.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ("run", "x", "--given", '{"a": '),
            "is no object in JSON: expecting value, at character 7",
        ),
        (("run", "x", "--given", "a"), "Give JSON, or NAME=VALUE."),
        (("runs", "show", "abc"), "a run is named by its id, a UUID, as `keyturn flow runs list"),
    ],
)
def test_words_that_do_not_fit_are_told(words: tuple[str, ...], told: str) -> None:
    """Before any server is asked."""
    result = run(*words)
    assert result.exit_code == 2
    assert told in result.stderr
