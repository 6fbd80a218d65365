"""Projects and environments by commands: made, listed, changed and deleted."""

from collections.abc import Iterator

import pytest
from command_kit import House, commanded

LISTS = ("flow", "connection", "rotation")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Give an installation that runs."""
    with commanded(tmp_path_factory.mktemp("house"), public_url="") as it:
        yield it


def slugs(house: House, *words: str) -> list[str]:
    """Return the slugs of a project's environments, in their order."""
    listed = house.ask("environment", "list", *words)["environments"]
    assert [each["position"] for each in listed] == [*range(1, len(listed) + 1)]
    return [each["slug"] for each in listed]


def test_a_project_is_made_listed_and_shown(house: House) -> None:
    """By its slug or its id; without a slug it has one of its name."""
    made = house.ask("project", "create", "Payments of today", "--slug", "payments")
    assert (made["name"], made["slug"]) == ("Payments of today", "payments")
    assert [each["slug"] for each in made["environments"]] == ["dev", "staging", "prod"]
    assert house.ask("project", "show", made["id"]) == house.ask("project", "show", "payments")
    other = house.ask("project", "create", "Anything else")
    assert other["slug"].startswith("anything-else-")
    listed = [each["slug"] for each in house.ask("project", "list")["projects"]]
    assert listed == ["example", "payments", other["slug"]]
    assert "Payments of today" in house.run("project", "list").stdout
    assert "dev, staging, prod" in house.run("project", "show", "payments").stdout


def test_a_project_that_cannot_be_is_refused(house: House) -> None:
    """Whoever asked is told why; a slug is not given twice."""
    taken = house.run("project", "create", "Another", "--slug", "example", code=1).stderr
    assert "has this slug" in taken
    assert "slug" in house.run("project", "create", "Odd", "--slug", "no slug", code=1).stderr
    assert "NAME: must" in house.run("project", "create", " ", code=2).stderr
    assert "nowhere" in house.run("project", "show", "nowhere", code=1).stderr


def test_an_environment_is_made_changed_and_deleted(house: House) -> None:
    """It has a place among the others, and goes with all that is in it."""
    project = ("--project", house.ask("project", "create", "Stages", "--slug", "stages")["id"])
    made = house.ask("environment", "create", "qa", "--position", "2", *project)
    assert (made["slug"], made["name"], made["position"]) == ("qa", "qa", 2)
    assert slugs(house, *project) == ["dev", "qa", "staging", "prod"]
    after = house.ask("environment", "update", "qa", "--name", "Quality", "--slug", "q", *project)
    assert (after["id"], after["name"], after["slug"]) == (made["id"], "Quality", "q")
    house.run("environment", "update", made["id"], "--position", "4", *project)
    assert "Quality" in house.run("environment", "list", *project).stdout
    assert slugs(house, *project) == ["dev", "staging", "prod", "q"]
    house.run("secret", "set", "KEY", "--env", "q", "--stdin", *project, stdin="value")
    asked = house.run("environment", "delete", "q", *project, stdin="n", code=1)
    assert "with all folders and secrets in it?" in asked.stderr
    gone = house.run("environment", "delete", "q", "--yes", *project)
    assert "Deleted environment q" in gone.stdout
    assert slugs(house, *project) == ["dev", "staging", "prod"]


def test_an_environment_that_cannot_be_is_refused(house: House) -> None:
    """What is not there, what is taken, and what says nothing."""
    assert "has this slug" in house.run("environment", "create", "dev", code=1).stderr
    for words in (("update", "qa", "--name", "Q"), ("delete", "qa", "--yes")):
        refused = house.run("environment", *words, code=1).stderr
        assert "has no environment qa" in refused
    assert "Say what is to change" in house.run("environment", "update", "dev", code=2).stderr
    assert "SLUG: must" in house.run("environment", "create", " ", code=2).stderr


def test_a_list_of_one_project_names_the_others(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At a terminal, where somebody might take it for all there is; a pipe has the list alone."""
    for number in range(6):
        house.run("project", "create", f"Beside {number}", "--slug", f"beside-{number}")
    piped = [house.run(what, "list").stdout for what in LISTS]
    monkeypatch.setattr("keyturn.cli.output.columns", lambda: 200)
    told = [house.run(what, "list").stdout for what in LISTS]
    assert not [each for each in piped if "--project" in each]
    (others,) = {each.splitlines()[-1] for each in told}
    assert others.startswith("This is project example. Others, by --project: ")
    assert others.endswith(" …")
