"""`keyturn connection replace`, against a server and an org that run."""

from collections.abc import Iterator
from typing import Any

import pytest
from command_kit import House, commanded, made

pytestmark = pytest.mark.slow

REPLACE = ("connection", "replace", "crm")
ALIAS = ("connection", "alias")
KEY = ("--env", "dev", "--scheme", "header", "--client-id", "X-Key", "--secret-stdin")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Start an org and a server."""
    with commanded(tmp_path_factory.mktemp("house")) as it:
        yield it


@pytest.fixture
def crm(house: House) -> Iterator[dict[str, Any]]:
    """Have somebody authorize a connection, and let an alias lead to it."""
    made(house, "crm")
    one = house.authorize("crm", "--port", house.port)
    house.run(*ALIAS, "add", "billing", "crm")
    yield one
    for left in house.ask("connection", "list")["connections"]:
        house.run("connection", "remove", left["id"], "--force")


def names(house: House) -> list[str]:
    """List the connections that there are."""
    return sorted(one["name"] for one in house.ask("connection", "list")["connections"])


def test_another_takes_the_place_of_one(house: House, crm: dict[str, Any]) -> None:
    """What uses the alias goes on with it, and the old one is gone in the end."""
    plan = house.run(*REPLACE, "--plan").stdout
    assert "make the connection crm-2 with registration workflows" in plan
    assert "lead to crm-2 the aliases of crm: billing" in plan
    assert names(house) == ["crm"]
    done = house.agreed(*REPLACE, "--yes", "--port", house.port)
    assert (done["connection"]["name"], done["connection"]["aliases"]) == ("crm-2", ["billing"])
    assert (done["replaced"]["id"], done["removed"]) == (crm["id"], True)
    assert names(house) == ["crm-2"]
    assert house.run("connection", "token", "billing").stdout.startswith("Authorization: Bearer ")


def test_where_nobody_answers_the_old_one_stays(house: House, crm: dict[str, Any]) -> None:
    """The same command asks again; what was done is not done twice."""
    done = house.agreed(*REPLACE, "--port", house.port)
    assert (done["removed"], names(house)) == (False, ["crm", "crm-2"])
    again = house.run(*REPLACE, stdin="y\n")
    assert "Revoke the tokens of crm, and delete it?" in again.stderr
    assert again.stdout == "crm-2 has taken the place of crm, which is gone.\n"
    assert names(house) == ["crm-2"]


def test_the_old_one_can_be_kept_and_come_back(house: House, crm: dict[str, Any]) -> None:
    """The aliases are led back, one by one."""
    assert house.agreed(*REPLACE, "--keep", "--port", house.port)["removed"] is False
    assert house.ask(*ALIAS, "back", "billing")["connectionName"] == "crm"
    assert house.run("connection", "token", "billing").exit_code == 0


def test_somebody_far_away_authorizes_by_a_link(house: House, crm: dict[str, Any]) -> None:
    """The command prints it, and waits."""
    with house.asking(*REPLACE, "--link") as (_, address):
        assert address.startswith("https://keyturn.example.com/api/v1/oauth/begin?")
    assert names(house) == ["crm", "crm-2"]
    plan = house.run(*REPLACE, "--plan").stdout
    assert "go on with crm-2, which is there" in plan
    assert "have somebody authorize it" in plan


def test_one_that_is_there_takes_the_place(house: House, crm: dict[str, Any]) -> None:
    """Named, it is looked at first: it is of the same kind, and nobody is asked twice."""
    made(house, "mine")
    house.run("registration", "add", "key", *KEY, stdin="canary")
    house.run("connection", "add", "plain", "--registration", "key")
    wrong = house.run(*REPLACE, "plain", code=1).stderr
    assert "plain is of the grant none, and crm authorization_code" in wrong
    kind = house.run(*REPLACE, "--registration", "key", code=1).stderr
    assert "key (api header) is of another kind than workflows (okta-devices oauth)" in kind
    assert house.run(*REPLACE, "mine", "--registration", "key", code=2)
    plan = house.run(*REPLACE, "mine", "--plan").stdout
    assert "go on with mine, which is there" in plan
    assert "lead to mine the aliases of crm: billing" in plan
    house.authorize("mine", "--port", house.port)
    assert house.ask(*REPLACE, "mine", "--keep")["connection"]["aliases"] == ["billing"]
    house.run("connection", "remove", "plain")
    house.run("registration", "delete", "key")


def test_a_grant_takes_what_it_needs_anew(house: House) -> None:
    """What was given once is not shown again, and so not copied."""
    token = str(house.org["control_token"])
    given = ("--grant", "refresh_token", "--given-stdin", "refresh_token")
    add = ("connection", "add", "given", "--registration", "workflows", *given)
    house.run(*add, stdin=token)
    missing = house.run("connection", "replace", "given", "--keep", code=1)
    assert "refresh_token" in missing.stderr
    again = ("connection", "add", "again", "--registration", "workflows", *given)
    told = house.run(*again, stdin=token, code=1)
    assert "The connection given was brought the same refresh token" in told.stderr
    anew = ("connection", "update", "given", "--given-stdin", "refresh_token")
    after = house.ask(*anew, stdin=f"{token}-anew")
    assert (after["state"], after["cause"]) == ("lapsed", "refused")  # it is no token either
    assert token not in missing.output + told.output + str(after)
    house.run("connection", "remove", "given")


def test_presets_are_listed_and_taken(house: House) -> None:
    """By name, with the tenant where there are many; what is told besides comes before."""
    assert "microsoft" in house.run("registration", "presets").stdout
    add = ("registration", "add", "ms", "--env", "dev", "--client-id", "c", "--secret-stdin")
    wrong = house.run(*add, "--preset", "microsoft", stdin="canary", code=1)
    assert "tenant" in wrong.stderr
    assert "canary" not in wrong.output
