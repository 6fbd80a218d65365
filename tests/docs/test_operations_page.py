"""What the page on operations says can be done: its commands, settings and files are there."""

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import click
import kubernetes_validate  # type: ignore[import-untyped]  # it has no types
import pytest
import yaml
from click.core import ParameterSource
from metrics_kit import ALERTS, rules

from keyturn.cli.main import cli
from keyturn.settings import Settings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"(?<=\n\n)(?: {4}\S.*\n)+")
SPAN = re.compile(r"`[^`]+`")
COMMAND = re.compile(
    r"(?:^|[`$ ])(?<!--namespace )keyturn (?!keyturn )([a-z][^`|;\n]*)", re.MULTILINE
)
Words = tuple[str, ...]


def commands() -> list[Words]:
    """List what the page runs: commands in blocks, and in its lines those with arguments."""
    blocks, spans = BLOCK.findall(PAGE), SPAN.findall(BLOCK.sub("", PAGE))
    run = [words for block in blocks for words in words_in(block)]
    named = [words for span in spans for words in words_in(" ".join(span.split()))]
    return sorted({*run, *(words for words in named if found(words)[1])})


def words_in(text: str) -> list[Words]:
    """Split each command of a text as a shell does; what a shell computes is one word."""
    computed = (re.sub(r"\$\([^)]*\)", "COMPUTED", rest) for rest in COMMAND.findall(text))
    return [tuple(shlex.split(rest, comments=True)) for rest in computed]


def found(words: Words) -> tuple[click.Command, Words]:
    """Follow words down the command line; return the command and the words that are left."""
    at: click.Command = cli
    context = click.Context(cli)
    while words and isinstance(at, click.Group):
        inner = at.get_command(context, words[0])
        assert inner, f"no command {words[0]} in {at.name}"
        at, words = inner, words[1:]
    return at, words


def read(words: Words) -> None:
    """Have the command line read a command, and do nothing of it; the project has to be named."""
    command, given = found(words)
    context = command.make_context(words[0], [*given])
    if any(param.name == "project" and param.default == "example" for param in command.params):
        assert context.get_parameter_source("project") is ParameterSource.COMMANDLINE, words


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_runs(words: Words, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stranger who types what the page says gets no usage error, and the project they mean."""
    (tmp_path / "whole.jsonl").touch()
    monkeypatch.chdir(tmp_path)
    read(words)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("keyturn fleet dance", "no command"),
        ("keyturn turn evidence ROTATION TURN --project PROJECT", "unexpected extra argument"),
        ("keyturn turn list --project PROJECT", "Missing parameter"),
        ("keyturn turn list ROTATION --dance", "No such option"),
        ("keyturn turn list ROTATION", "'ROTATION'"),
    ],
)
def test_a_command_that_does_not_run_is_noticed(line: str, fault: str) -> None:
    """Words, arguments, options, and a project that is not named, where there are enough to see."""
    assert len(commands()) > 20
    with pytest.raises((AssertionError, click.UsageError), match=fault):
        read(words_in(line)[0])


def test_commands_stand_in_blocks() -> None:
    """A command is in a block or a code span: nowhere is it run together with the words around."""
    assert COMMAND.findall(SPAN.sub("", BLOCK.sub("", PAGE))) == []
    assert not re.search(r"\S {2,}(?:keyturn|curl) ", BLOCK.sub("", PAGE))


def test_every_setting_is_there() -> None:
    """A setting that the page names exists."""
    named = set(re.findall(r"\bKEYTURN_([A-Z_]+)", PAGE)) - {"TOKEN", "URL"}
    assert {name for name in named if name.lower() not in Settings.model_fields} == set()


def test_every_runbook_has_its_alert() -> None:
    """A section whose alert is gone leads nobody anywhere."""
    assert set(re.findall(r"^## (Keyturn\w+)$", PAGE, flags=re.MULTILINE)) == rules().keys()


@pytest.mark.parametrize(("up", "fires"), [([1.0], False), ([1.0, 0.0], True), ([], True)])
def test_a_target_that_is_down_or_gone_is_told_of(up: list[float], *, fires: bool) -> None:
    """A process that does not answer fires, and so does one that Prometheus has no target of."""
    targets = {("up", frozenset({("instance", str(n))})): seen for n, seen in enumerate(up)}
    assert rules()["KeyturnDown"].fires({}, targets) is fires


def test_runbooks_can_be_linked_from_anywhere(tmp_path: Path) -> None:
    """What the page says makes each link of the alerts one that a browser can open."""
    edit = re.search(r"^    (sed -i .*) alerts.yaml$", PAGE, re.MULTILINE)
    assert edit
    copy = Path(shutil.copy(ALERTS, tmp_path))
    subprocess.run([*shlex.split(edit[1]), str(copy)], check=True)
    links = re.findall(r"runbook_url: (.*)", copy.read_text(encoding="utf-8"))
    assert len(links) == len(rules())
    assert [
        each for each in links if not re.match(r"https://\S+/docs/operations.md#\w", each)
    ] == []


def test_units_and_objects_that_are_named_are_shipped() -> None:
    """Whoever starts or looks at something of Keyturn's finds it in what was installed."""
    run = "\n".join(BLOCK.findall(PAGE)) + "\n".join(SPAN.findall(PAGE))
    calls = re.findall(r"(?:systemctl|journalctl) ([^;|`\n#]*)", run)
    units = {word for call in calls for word in call.split() if word.startswith("keyturn")}
    shipped = {path.name for path in (ROOT / "deploy" / "systemd").iterdir()}
    assert {name for name in units if {name, f"{name}.service"}.isdisjoint(shipped)} == set()
    assert "keyturn-backup" in units
    files = (ROOT / "deploy" / "kubernetes").iterdir()
    made = [one for file in files for one in yaml.safe_load_all(file.read_text(encoding="utf-8"))]
    named = set(re.findall(r"\b(deploy|cronjob)/(keyturn[\w-]*)(?![\w./-])", run))
    kinds = {"Deployment": "deploy", "CronJob": "cronjob"}
    assert named == {(kinds.get(one["kind"]), one["metadata"]["name"]) for one in made} & named
    assert named


def test_the_first_pod_is_let_into_a_restricted_namespace() -> None:
    """The pod that sets up asks for as little as Kubernetes' strictest standard wants."""
    [told] = re.findall(r"--overrides='(.*?)'", PAGE, flags=re.DOTALL)
    pod = json.loads(told)["spec"]
    [container] = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    whole = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "init"}, "spec": pod}
    kubernetes_validate.validate(whole, kubernetes_validate.latest_version(), strict=True)


def sections() -> Mapping[str, str]:
    """Read the page's sections by their anchors."""
    parts = re.split(r"^#{2,4} +(.+)$", PAGE, flags=re.MULTILINE)
    anchors = (re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in parts[1::2])
    return dict(zip(anchors, parts[2::2], strict=True))


@pytest.mark.parametrize("name", rules())
def test_every_alert_has_a_runbook(name: str) -> None:
    """The link leads to a section that says what it means, what is safe, and whom to wake."""
    page, _, anchor = rules()[name].runbook.partition("#")
    assert page == "docs/operations.md"
    section = sections()[anchor]
    for said in ("**Means.**", "**Safe now.**", "**Not safe.**", "**Wake.**"):
        assert said in section, (name, said)


def test_every_file_of_deploy_is_told_of() -> None:
    """Whoever looks into the folder finds on the page what each file is for."""
    files = [path for path in (ROOT / "deploy").rglob("*") if path.is_file()]
    told = [path for path in files if path.suffix != ".dockerignore"]
    assert [path.name for path in told if str(path.relative_to(ROOT)) not in PAGE] == []
