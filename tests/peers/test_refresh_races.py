"""Many processes want a token of one rotating grant, at servers that end a grant used twice."""

from collections.abc import AsyncIterator
from pathlib import Path
from signal import SIGKILL

import pytest
from authorization_kit import Server
from refresh_kit import Many, wanted_by_many

from keyturn.domain.errors import NotReady
from keyturn.domain.oauth.connection import Cause, State
from keyturn.domain.sensitive import Sensitive
from keyturn.services.renewing import fresh

pytestmark = pytest.mark.slow

PROCESSES, TIMES = 8, 50


@pytest.fixture
async def many(server: Server, database: Sensitive, tmp_path: Path) -> AsyncIterator[Many]:
    """Give an installation with a connection at each server in its turn."""
    client = await server.register()
    async with wanted_by_many(database, tmp_path, client) as it:
        yield it


async def test_eight_processes_with_fifty_calls_each_refresh_once(many: Many) -> None:
    """At expiry 400 calls in 8 processes cause one refresh, and the grant lives (2.4, 2 and 3)."""
    started = await many.start(PROCESSES, TIMES)
    before = await many.spent()
    await many.expire()
    many.go(started)
    given = await many.told(started)
    assert len(given) == PROCESSES * TIMES
    assert len(set(given)) == 1
    assert not given[0].startswith("none")
    assert await many.spent() == before + 1
    await many.expire()
    assert (await fresh(many.world, many.connection.id)).tokens


async def test_a_token_that_is_used_twice_ends_the_grant(many: Many) -> None:
    """That is what the lease is for: both servers really do it (control), and we see it."""
    one = await many.stored()
    token = (await fresh(many.world, one.id)).tokens
    assert token
    assert token.refresh
    answers = [await many.client.refresh(token.refresh.reveal()) for _ in range(2)]
    assert [answer.is_success for answer in answers] == [True, False]
    await many.expire()
    with pytest.raises(NotReady):
        await fresh(many.world, one.id)
    assert (await many.stored()).state is State.LAPSED


async def test_killed_between_answer_and_commit_it_is_asked_once_more(many: Many) -> None:
    """Who takes over asks once with what is left; refused, it says what was lost, for good."""
    before = await many.spent()
    await many.expire()
    await many.client.treat("hold")
    (victim,) = await many.start(1, 1)
    many.go([victim])
    await many.client.wait_until_held()
    victim.send_signal(SIGKILL)
    await victim.wait()
    await many.client.release()
    await many.end_lease()
    for _ in range(5):
        with pytest.raises(NotReady, match="answer never arrived"):
            await fresh(many.world, many.connection.id)
    assert await many.spent() == before + 2
    assert (await many.stored()).cause is Cause.LOST_ROTATION


async def test_killed_before_anything_was_sent_nothing_is_lost(
    server: Server, database: Sensitive, tmp_path: Path
) -> None:
    """A server with a grace period, or one that was never asked, gives tokens again."""
    client = await server.register(rotate=False)
    async with wanted_by_many(database, tmp_path, client) as many:
        await many.expire()
        await client.treat("hold")
        (victim,) = await many.start(1, 1)
        many.go([victim])
        await client.wait_until_held()
        victim.send_signal(SIGKILL)
        await victim.wait()
        await client.release()
        await many.end_lease()
        assert (await fresh(many.world, many.connection.id)).tokens
        assert (await many.stored()).state is State.READY
