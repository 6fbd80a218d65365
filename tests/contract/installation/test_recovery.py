"""Who holds the installation itself comes back in, and it shows in the audit log."""

import asyncio
import json
from typing import Any

import httpx2
import pytest
from click.testing import CliRunner, Result
from root_key_kit import administrator

from keyturn.api.app import build_api
from keyturn.bootstrap.opening import opened
from keyturn.cli.main import cli
from keyturn.domain.identity import AccessToken, Membership
from keyturn.domain.sensitive import Sensitive
from keyturn.services.people import create_person
from keyturn.services.recovery import LASTS_S, find_administrator, recover_access
from keyturn.settings import Settings


@pytest.fixture
async def settings(new: Settings) -> Settings:
    """Give an installation whose tokens are all gone."""
    async with opened(new) as world, world.store.writing() as tx:
        await tx.remove(*await tx.list(AccessToken))
    return new


async def recover(settings: Settings, *flags: str) -> Result:
    """Run the command, as another process would."""
    words = ["access", "recover", "--data-dir", str(settings.data_dir), *flags]
    return await asyncio.to_thread(CliRunner().invoke, cli, words)


async def test_the_last_administrator_comes_back(settings: Settings) -> None:
    """The token administers, for a day and no longer."""
    told: dict[str, Any] = json.loads((await recover(settings, "--json")).stdout)
    assert (told["identityName"], told["identityMade"]) == ("administrator", False)
    bearer = {"authorization": f"Bearer {told['adminToken']}"}
    async with opened(settings) as world:
        transport = httpx2.ASGITransport(build_api(world, version="0"))
        async with httpx2.AsyncClient(transport=transport, base_url="https://it.example") as http:
            assert (await http.get("/api/v1/identities", headers=bearer)).status_code == 200
        async with world.store.reading() as tx:
            [token] = await tx.list(AccessToken)
    assert (token.renewable_until - token.created_at).total_seconds() == LASTS_S


async def test_it_is_on_record_without_the_token(settings: Settings) -> None:
    """The audit log names the operator, the identity and the token's id."""
    async with opened(settings) as world:
        done = await recover_access(world)
        async with world.store.reading() as tx:
            last = await tx.latest_audit()
    assert last
    assert (last.attempt.actor, last.attempt.verb) == ("operator", "access:recover")
    assert last.attempt.subject == f"identity {done.identity.id}: token {done.token.id}"
    assert done.value.reveal() not in str(last)


async def test_a_plan_changes_nothing(settings: Settings) -> None:
    """It says whose token it would be, and none is made."""
    assert "administrator would be given a token" in (await recover(settings, "--plan")).output
    assert not json.loads((await recover(settings, "--plan", "--json")).stdout)["recovered"]
    async with opened(settings) as world, world.store.reading() as tx:
        assert await tx.list(AccessToken) == []


async def test_a_server_that_runs_is_in_the_way(settings: Settings) -> None:
    """On SQLite the command refuses beside the process that owns the file."""
    async with opened(settings) as world:
        done = await recover(settings)
        assert done.exit_code == 1
        assert "Another keyturn process serves" in done.stderr
        async with world.store.reading() as tx:
            assert await tx.list(AccessToken) == []


async def test_without_the_root_key_nobody_comes_back(settings: Settings) -> None:
    """The database alone is not enough."""
    settings.key_file.unlink()
    done = await recover(settings)
    assert done.exit_code == 1
    assert "root.key cannot be read" in done.stderr


async def test_a_machine_is_preferred_to_a_person(settings: Settings) -> None:
    """A person who administers is given a token only where no machine does."""
    async with opened(settings) as world:
        words = Sensitive("several words that nobody guesses")
        person = await create_person(
            world, await administrator(world), "ada@example.com", words, role="admin"
        )
        found = await find_administrator(world)
        assert found
        assert found.name == "administrator"
        async with world.store.writing() as tx:
            await tx.remove(*await tx.list(Membership, identity_id=found.id))
        assert (await recover_access(world)).identity.id == person.identity.id


async def test_where_nobody_administers_somebody_is_made_to(settings: Settings) -> None:
    """An installation without any administrator gets one."""
    async with opened(settings) as world:
        async with world.store.writing() as tx:
            await tx.remove(*await tx.list(Membership, project_id=None))
        done = await recover_access(world)
        assert done.made
        found = await find_administrator(world)
        assert found
        assert found.id == done.identity.id
