"""Who granted a connection is gone: Okta says only that the grant is no longer valid, its log more.

Judged at the org in a box, which ends what people have granted as Okta does.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest
from connections_kit import stored
from org_kit import at_its_org, authorize, refresh, register
from rig import Rig

from keyturn.domain.connection import OktaConnection
from keyturn.domain.ids import ProjectId
from keyturn.domain.oauth.connection import Cause, Connection, State
from keyturn.domain.oauth.words import why_lapsed
from keyturn.domain.project import Project
from keyturn.domain.sensitive import Sensitive
from keyturn.sandbox import Fault
from keyturn.services.records import must
from keyturn.services.registrations import Credential
from keyturn.services.usage import usage_of_connection

PLAIN = why_lapsed(Cause.REFUSED)
LOGS = "/api/v1/logs"


@pytest.fixture
async def org(rig: Rig) -> AsyncIterator[Rig]:
    """Have the rig's authorization server be that of its org."""
    async with at_its_org(rig) as it:
        yield it


async def connected(rig: Rig) -> Connection:
    """Have the seeded person authorize a connection of the app."""
    app = rig.org.read_app(rig.app_id)
    own = Credential(app.client_id, Sensitive(app.live_secrets[0].value))
    return await authorize(rig, await register(rig, own), "flows")


async def told(rig: Rig, one: Connection) -> str:
    """Refresh the connection in vain; say what is told of it, as everybody sees it."""
    rig.clock.advance(3600)
    rig.calls()
    assert not await refresh(rig, one)
    found = await stored(rig, one)
    assert found.state is State.LAPSED
    used = await usage_of_connection(rig.world, rig.admin, one.id)
    assert used.registrations[0].connections[0].health.reasons[0] == found.told
    return found.told


def log_reads(rig: Rig) -> int:
    """Return how often the System Log was read since the last look."""
    return sum(each["path"] == LOGS for each in rig.calls())


@pytest.mark.parametrize(
    ("leave", "how"),
    [
        (lambda rig, user: rig.org.people.deactivate(user), "deactivated"),
        (lambda rig, user: rig.org.people.suspend(user), "suspended"),
    ],
)
async def test_a_grant_of_somebody_who_left_is_told_as_that(
    org: Rig, leave: Callable[[Rig, str], object], how: str
) -> None:
    """With whom, since when, and that a service account stays."""
    one = await connected(org)
    leave(org, org.org.seeded.user_id)
    at = org.clock.now()
    why = await told(org, one)
    assert f"was {how} at Okta on {at:%Y-%m-%d %H:%M} UTC" in why
    assert "service account" in why
    assert org.org.users[org.org.seeded.user_id].login in why
    assert log_reads(org) == 1


async def test_a_grant_that_was_revoked_is_told_as_before(org: Rig) -> None:
    """Its author is there; likewise who was suspended once and is back."""
    one = await connected(org)
    org.org.people.suspend(org.org.seeded.user_id)
    org.clock.advance(1)
    org.org.people.unsuspend(org.org.seeded.user_id)
    org.org.tokens.revoke_client(org.org.read_app(org.app_id).client_id)
    assert await told(org, one) == PLAIN


async def test_where_the_log_tells_nothing_the_grant_alone_is_blamed(org: Rig) -> None:
    """It may not be read, or Okta is away: the lapse is noted all the same."""
    one = await connected(org)
    org.org.people.deactivate(org.org.seeded.user_id)
    org.org.add_fault(Fault("error-before-effect", "GET", LOGS, status=403))
    assert await told(org, one) == PLAIN


async def test_another_projects_access_is_not_used(org: Rig) -> None:
    """An Okta connection of one project tells nothing to another."""
    one = await connected(org)
    org.org.people.deactivate(org.org.seeded.user_id)
    async with org.world.store.writing() as tx:
        connection = await must(tx.find(OktaConnection, id=org.connection.id))
        project = await must(tx.find(Project, id=str(connection.project_id)))
        another = replace(project, id=ProjectId("another"), name="Another", slug="another")
        await tx.add(another)
        await tx.replace(replace(connection, project_id=another.id))
    assert await told(org, one) == PLAIN
    assert log_reads(org) == 0


async def test_nobody_asks_while_nothing_fails(org: Rig) -> None:
    """Refreshes that go well read no log."""
    one = await connected(org)
    org.calls()
    org.clock.advance(3600)
    assert await refresh(org, one)
    assert log_reads(org) == 0
