"""Look where a step points; what was seen is added to what had been seen before."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType

from keyturn.domain.errors import OktaError, OktaRefused, OktaThrottled
from keyturn.domain.evidence import LogSight
from keyturn.domain.ids import SecretHash
from keyturn.domain.rotation import Rotation
from keyturn.domain.sight import Maker, Seen, Sight, list_added
from keyturn.domain.turn import CLOCKS_DIFFER, Phase
from keyturn.services.desk import Desk, promised
from keyturn.services.holders import observe
from keyturn.services.records import must
from keyturn.services.workflows import look_for_workflows


async def look_at_credentials(desk: Desk, seen: Seen) -> Seen:
    """See Okta's list, and what is in use beside it."""
    listed = await (await desk.credentials()).list()
    calls = desk.book.calls
    seen = replace(seen, okta_at=calls[-1].at if calls else None)
    full = len(listed) >= desk.turn.rules.most
    superseded = await desk.superseded() if full else frozenset[SecretHash]()
    return replace(seen, credentials=listed, served=await desk.served(), superseded=superseded)


async def look_at_app(desk: Desk, seen: Seen) -> Seen:
    """See the app itself, or that it is gone.

    Where it authenticates in another way than it did, what was probed so far says nothing.
    """
    app = await (await desk.org()).find_app(desk.turn.app_id, desk.turn.kind)
    seen = replace(seen, app=app, app_gone=app is None)
    method = app.auth_method if app else desk.rotation.auth_method
    if method not in desk.turn.rules.methods or method is desk.rotation.auth_method:
        return seen
    async with desk.world.store.writing() as tx:
        rotation = await must(tx.find(Rotation, id=desk.rotation.id))
        desk.rotation = replace(rotation, auth_method=method)
        await tx.replace(desk.rotation)
    return replace(seen, old_probe=None, new_probe=None)


async def probe_old(desk: Desk, seen: Seen) -> Seen:
    """See whether Okta accepts what was in use so far."""
    return replace(seen, old_probe=await desk.probe(promised(desk.turn.old)))


async def probe_new(desk: Desk, seen: Seen) -> Seen:
    """See whether Okta accepts the new one, and what is in use."""
    told = await desk.probe(promised(desk.turn.new))
    return replace(seen, new_probe=told, served=await desk.served())


async def look_at_evidence(desk: Desk, seen: Seen) -> Seen:
    """See who still holds or needs the old one, as far as Keyturn knows.

    Of connections inside Okta Workflows that are waited for, Okta's System Log is asked first.
    """
    if desk.turn.phase is Phase.OVERLAPPING:
        await look_for_workflows(desk)
    evidence = await observe(desk.world, desk.turn, desk.subject.client_secret)
    return replace(seen, evidence=evidence)


LOG_TRIES = 6
"""How often in a row a log that fails is asked, while everything else answers; some two minutes."""


async def look_at_log(desk: Desk, seen: Seen) -> Seen:
    """See what Okta's System Log tells of the old one; without access, nothing.

    Its word is extra: one that keeps failing where Okta's list is told holds no turn for ever.
    """
    if not desk.turn.rules.logged:
        return replace(seen, log=LogSight(readable=False))
    quiet = timedelta(seconds=desk.rotation.policy.quiet_s)
    since = min(desk.turn.entered_at, desk.world.clock.now() - quiet)
    try:
        org = await desk.org()
        uses = await org.list_uses(promised(desk.turn.old).hash, since=since)
    except OktaThrottled:
        raise
    except OktaRefused:
        return replace(seen, log=LogSight(readable=False))
    except OktaError:
        if desk.turn.attempts < LOG_TRIES:
            raise
        listed = await look_at_credentials(desk, seen)
        return replace(listed, log=LogSight(readable=False, fails=True))
    return replace(seen, log=LogSight(uses))


async def look_for_maker(desk: Desk, seen: Seen) -> Seen:
    """See by Okta's System Log who made the one credential that was not there before.

    Only a call that bears the turn's id proves that it is ours.
    """
    strange = next(iter(list_added(desk.turn, seen.credentials or ())), None)
    if strange is None:
        return replace(seen, maker=Maker.UNTOLD)
    try:
        org = await desk.org()
        since = strange.created_at - CLOCKS_DIFFER
        marks = await org.list_makers(desk.turn.app_id, strange.hash, since=since)
    except OktaThrottled:
        raise
    except OktaRefused:
        marks = ()
    except OktaError:
        if desk.turn.attempts < LOG_TRIES:
            raise
        marks = ()
    ours = any(desk.turn.id in mark for mark in marks)
    told = Maker.OURS if ours else Maker.OTHERS
    return replace(seen, maker=told if marks else Maker.UNTOLD)


LOOKS: Mapping[Sight, Callable[[Desk, Seen], Awaitable[Seen]]] = MappingProxyType(
    {
        Sight.CREDENTIALS: look_at_credentials,
        Sight.APP: look_at_app,
        Sight.OLD_PROBE: probe_old,
        Sight.NEW_PROBE: probe_new,
        Sight.EVIDENCE: look_at_evidence,
        Sight.LOG: look_at_log,
        Sight.MAKER: look_for_maker,
    }
)
