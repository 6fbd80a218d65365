"""Every kind of notice, made to happen in a real world, arrives at each kind of channel."""

from datetime import time, timedelta
from pathlib import Path

import pytest
from connections_kit import CLIENT, SECRET, authorized, registration
from emergency_kit import begun, rest
from emergency_kit import carry as close
from inventory_kit import begin
from mail_kit import PASSWORD
from notice_kit import KEY, accept, end_grant, later, put, reject, use
from rig import ORG_URL, PLACE, START, Rig
from rollout_kit import carry, started
from town_kit import CANARY, SLACK, TEAMS, Town, town

from keyturn.domain.connection import ApiToken
from keyturn.domain.errors import TurnFailed
from keyturn.domain.notice import KEPT_ANYWAY, Kind
from keyturn.domain.notice_words import title_of
from keyturn.domain.oauth.connection import State
from keyturn.domain.rotation import Rotation
from keyturn.domain.schedule import Schedule, checked
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.turn import Phase
from keyturn.services.channels import ChannelChange, update_channel
from keyturn.services.compliance_policies import ExceptionDraft, create_exception, create_policy
from keyturn.services.connections import OktaConnectionChange, update_okta_connection
from keyturn.services.credentials import Credential
from keyturn.services.expiry_news import tell_expiring
from keyturn.services.leaks import LeakDraft, report_leaks
from keyturn.services.orders import pause_turn, reinstate_old
from keyturn.services.secrets import read_secret
from keyturn.services.turns import rotate, start_due

DAY_S = 86_400


async def made(rig: Rig, **changes: object) -> Rotation:
    """Create a rotation."""
    return (await rig.rotation(**changes)).rotation


async def upcoming(rig: Rig) -> None:
    """Let the day before a turn begin."""
    rotation = await made(rig)
    assert rotation.next_rotation_at
    before = rotation.next_rotation_at - START - timedelta(hours=23)
    await rig.live(before.total_seconds())


async def deferred(rig: Rig) -> None:
    """Have a turn come due, and Keyturn be away until its window is over."""
    await made(rig, schedule=checked(Schedule(1, time(9, 0), windows="09:00-10:00")))
    rig.clock.advance(2 * DAY_S - 3600)
    assert await start_due(rig.world) == 1
    rig.clock.advance(6 * 3600)


async def turned(rig: Rig) -> None:
    """Have a secret turn to its end."""
    rotation = await made(rig)
    await rotate(rig.world, rig.admin, rotation.id)
    assert (await rig.run(rotation.id)).phase is Phase.FINISHED


async def leaked(rig: Rig) -> None:
    """Have somebody report what is served as leaked."""
    await made(rig)
    read = await read_secret(rig.world, rig.admin, PLACE, "OKTA_CLIENT_SECRET")
    await report_leaks(rig.world, rig.admin, [LeakDraft(value=read.value, seen_in="a chat")])


async def blocked(rig: Rig) -> None:
    """Have somebody else take the room that a turn needs."""
    rotation = await made(rig)
    rig.org.create_secret(rig.app_id, None)
    with pytest.raises(TurnFailed):
        await rotate(rig.world, rig.admin, rotation.id)


async def reinstated(rig: Rig) -> None:
    """Have the old secret needed again after it was retired."""
    rotation = await made(rig)
    await rotate(rig.world, rig.admin, rotation.id)
    rig.clock.advance(300)
    await rig.tick()
    await reinstate_old(rig.world, rig.admin, rotation.id)
    await rig.tick()


async def rolled_back(rig: Rig) -> None:
    """Have Okta never accept a new secret."""
    rig.org.change_settings(propagation_s=10**6)
    rotation = await made(rig, adopt_existing=False)
    assert (await rig.run(rotation.id)).phase is Phase.ROLLED_BACK


async def connected(rig: Rig) -> None:
    """Have a connection that is known to be well."""
    await use(rig, await authorized(rig))
    await later(rig)


async def broken(rig: Rig) -> None:
    """Have a grant end."""
    await connected(rig)
    await end_grant(rig)


async def rejected(rig: Rig) -> None:
    """Have a client's secret rejected."""
    await connected(rig)
    await reject(rig)


async def accepted(rig: Rig) -> None:
    """Have it accepted again."""
    await rejected(rig)
    await accept(rig)


async def replaced(rig: Rig) -> None:
    """Have a client use a copy of a secret that turns."""
    rotation = await made(rig)
    copied = (await read_secret(rig.world, rig.admin, PLACE, "OKTA_CLIENT_SECRET")).value
    servers = rig.world.servers
    servers.secrets[CLIENT] = {copied.reveal()}  # type: ignore[attr-defined]
    await registration(rig, credential=Credential(CLIENT, copied))
    one = await authorized(rig)
    await use(rig, one)
    await put(rig, one, State.READY)
    await rotate(rig.world, rig.admin, rotation.id)


async def failing(rig: Rig) -> None:
    """Have Okta refuse Keyturn's own access for a while."""
    await made(rig)
    rig.org.api_tokens.clear()
    rig.clock.advance(DAY_S)
    for _ in range(4):
        await rig.tick()
        rig.clock.advance(301)


async def working(rig: Rig) -> None:
    """Give the connection a token that works again."""
    token, kept = rig.org.seeded.api_token, dict(rig.org.api_tokens)
    await failing(rig)
    rig.org.api_tokens.update(kept)
    change = OktaConnectionChange(instance_url=ORG_URL, credentials=ApiToken(Sensitive(token)))
    await update_okta_connection(rig.world, rig.admin, rig.connection.id, change)


async def expiring(rig: Rig) -> None:
    """Let nothing use an API token for more than two weeks."""
    await rig.live(17 * DAY_S)
    await tell_expiring(rig.world)


async def uninventoried(rig: Rig) -> None:
    """Have an inventory that cannot be read."""
    await begin(rig)
    rig.org.api_tokens.clear()
    for _ in range(4):
        rig.clock.advance(301)
        await rig.tick()


async def breached(rig: Rig) -> None:
    """Have apps older than a policy allows."""
    await begin(rig)
    await rig.live(2 * DAY_S)
    await create_policy(rig.world, rig.admin, {"name": "all", "max_age_days": 1})
    await rig.live(5 * DAY_S)


async def excused(rig: Rig) -> None:
    """Let an exception near its end."""
    await breached(rig)
    ends_at = rig.clock.now() + timedelta(days=30)
    draft = ExceptionDraft(
        policy_id=None, selector=f"app={rig.app_id}", reason="Soon.", expires_at=ends_at
    )
    await create_exception(rig.world, rig.admin, draft)
    await rig.live(29 * DAY_S)


async def halted_rollout(rig: Rig) -> None:
    """Have a rollout find an app that has no room for another client secret."""
    await made(rig)
    await started(rig)
    rig.org.create_secret(rig.app_id)
    await carry(rig)


async def awaited_rollout(rig: Rig) -> None:
    """Start a rollout of which each wave is to be approved."""
    await made(rig)
    await started(rig, approvals=True)


async def finished_rollout(rig: Rig) -> None:
    """Have a rollout turn all there is."""
    await made(rig)
    await started(rig)
    await carry(rig)


async def not_closed(rig: Rig) -> None:
    """Have an emergency find an app whose turn somebody has paused."""
    rotation = await made(rig)
    await rotate(rig.world, rig.admin, rotation.id)
    await pause_turn(rig.world, rig.admin, rotation.id)
    await begun(rig)
    await rest(rig, 60)


async def finished_emergency(rig: Rig) -> None:
    """Have an emergency close all there is."""
    await made(rig)
    await begun(rig)
    await close(rig)


HAPPENS = {
    Kind.UPCOMING: upcoming,
    Kind.DEFERRED: deferred,
    Kind.STARTED: turned,
    Kind.FINISHED: turned,
    Kind.BLOCKED: blocked,
    Kind.REINSTATED: reinstated,
    Kind.ROLLED_BACK: rolled_back,
    Kind.CONNECTION_HEALTH: broken,
    Kind.SECRET_REJECTED: rejected,
    Kind.SECRET_ACCEPTED: accepted,
    Kind.SECRET_REPLACED: replaced,
    Kind.ACCESS_FAILS: failing,
    Kind.ACCESS_WORKS: working,
    Kind.ACCESS_EXPIRES: expiring,
    Kind.INVENTORY_FAILS: uninventoried,
    Kind.BREACH: breached,
    Kind.EXCEPTION_EXPIRES: excused,
    Kind.LEAKED: leaked,
    Kind.ROLLOUT_HALTED: halted_rollout,
    Kind.ROLLOUT_AWAITS: awaited_rollout,
    Kind.ROLLOUT_FINISHED: finished_rollout,
    Kind.NOT_CLOSED: not_closed,
    Kind.EMERGENCY_FINISHED: finished_emergency,
}


HEARD = {Kind.ACCESS_WORKS: (Kind.ACCESS_FAILS.value, Kind.ACCESS_WORKS.value)}
"""That access works again is told to whom it was told that it does not."""


@pytest.mark.parametrize("kind", Kind)
async def test_it_arrives_at_every_kind_of_channel(tmp_path: Path, kind: Kind) -> None:
    """By mail, in both chats and at a program, once each, with its title and what happened."""
    async with town(tmp_path, kinds=HEARD.get(kind, (kind.value,))) as it:
        await HAPPENS[kind](it.rig)
        for _ in range(3):
            await it.rig.tick()
        found = [each for each in await it.notices() if each.kind is kind]
        assert found
        title, what = title_of(found[0]), found[0].told
        for texts in (it.letters(), it.chats(SLACK), it.chats(TEAMS)):
            assert len([each for each in texts if title in each]) == 1, texts
            assert any(what in each.replace("\\n", " ").replace('\\"', '"') for each in texts)
        programs = [each for each in it.hooks() if each["data"]["id"] == found[0].id]
        assert [(each["type"], each["data"]["message"]) for each in programs] == [(kind, what)]
        assert_no_secret(it)


def assert_no_secret(it: Town) -> None:
    """Raise AssertionError where a message holds a value of anything that is secret."""
    sent = it.everything()
    org = [secret.value for app in it.rig.org.apps.values() for secret in app.secrets]
    hidden = [SECRET, KEY, PASSWORD, CANARY, it.rig.org.seeded.api_token, *org]
    assert [each for each in hidden if each and each in sent] == []
    assert sent


async def test_without_channels_only_what_is_nowhere_else_is_written_down(tmp_path: Path) -> None:
    """The record of a turn says it all; of a connection nothing else does."""
    async with town(tmp_path) as it:
        for name in ("mail", "slack", "teams", "hook"):
            await paused(it.rig, name)
        await turned(it.rig)
        await rejected(it.rig)
        assert {each.kind for each in await it.notices()} <= KEPT_ANYWAY
        assert it.everything() == ""


async def paused(rig: Rig, name: str) -> None:
    """Pause a channel."""
    await update_channel(rig.world, rig.admin, name, ChannelChange(paused=True))
