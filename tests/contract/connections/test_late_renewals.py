"""Whoever stood still with a refresh token in hand does not send it: it may be used up by now."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from connections_kit import aged, brought, servers, stored
from rig import Rig

from keyturn.domain.oauth.connection import State
from keyturn.domain.oauth.provider import RequestType
from keyturn.services.ports import Reading, Store, Writing
from keyturn.services.renewing import renew


class StandingStore:
    """A store whose process stands still for so long once a transaction is durable."""

    def __init__(self, rig: Rig, seconds: float) -> None:
        self._store: Store = rig.world.store
        self._rig = rig
        self._seconds = seconds

    def reading(self) -> AbstractAsyncContextManager[Reading]:
        """Open a snapshot."""
        return self._store.reading()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Writing]:
        """Open a transaction."""
        async with self._store.writing() as tx:
            yield tx
        self._rig.clock.advance(self._seconds)


@pytest.mark.parametrize(("seconds", "sent"), [(39.0, 1), (41.0, 0), (7200.0, 0)])
async def test_a_token_is_sent_only_while_nobody_else_may_have_sent_it(
    rig: Rig, seconds: float, sent: int
) -> None:
    """Past two thirds of the lease a renewal is left to whoever claims it next."""
    one = await aged(rig, await brought(rig))
    assert one.tokens
    before = servers(rig).count(RequestType.REFRESH)
    late = replace(rig.world, store=StandingStore(rig, seconds))
    await renew(late, one.id, refused=one.tokens.number)
    assert servers(rig).count(RequestType.REFRESH) == before + sent


async def test_tokens_that_are_stored_late_end_when_their_server_says(rig: Rig) -> None:
    """What stood still between the answer and the commit is not added to their life."""
    one = await aged(rig, await brought(rig))
    assert one.tokens
    asked_at = rig.clock.now()
    late = replace(rig.world, store=StandingStore(rig, 39.0))
    await renew(late, one.id, refused=one.tokens.number)
    tokens = (await stored(rig, one)).tokens
    assert tokens
    assert tokens.issued_at == asked_at
    assert tokens.expires_at == asked_at + timedelta(seconds=300)


async def test_a_grant_outlives_a_worker_that_stood_still(rig: Rig) -> None:
    """Another worker renews it after all, and the rotating token was used once."""
    one = await aged(rig, await brought(rig))
    assert one.tokens
    late = replace(rig.world, store=StandingStore(rig, 61.0))
    await renew(late, one.id, refused=one.tokens.number)
    await renew(rig.world, one.id, refused=one.tokens.number)
    assert (await stored(rig, one)).state is State.READY
    assert servers(rig).alive == 1
