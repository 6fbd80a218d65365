"""Adoption and ownership: what a foreign secret's owner may consent to, and nothing without it."""

from dataclasses import replace
from datetime import time

import pytest
from kinds_kit import settled
from rig import Rig

from keyturn.domain.errors import Refused, TurnFailed
from keyturn.domain.okta import CredentialKind
from keyturn.domain.outlook import State
from keyturn.domain.schedule import Schedule
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.turn import Phase, Reason
from keyturn.sandbox import Fault
from keyturn.services.consent import adopt_existing, retire_existing
from keyturn.services.orders import abort_turn
from keyturn.services.rotations import view
from keyturn.services.turns import rotate

SERVED = 400
"""What a junk grant is answered by where the client itself is accepted."""
VALUE = Sensitive("operator-typed-secret-42")


async def blocked_by_foreign(rig: Rig) -> tuple[str, str]:
    """Block a turn by a foreign secret; return the ids of rotation and secret."""
    rotation = (await rig.rotation()).rotation
    foreign = rig.org.create_secret(rig.app_id)
    with pytest.raises(Exception, match="Foreign"):
        await rotate(rig.world, rig.admin, rotation.id)
    return rotation.id, foreign.id


async def test_foreign_secret_is_adopted_and_ours_retired(rig: Rig) -> None:
    """Its owner may have it served instead; the secret served so far goes as every old one goes."""
    rotation_id, foreign_id = await blocked_by_foreign(rig)
    await adopt_existing(rig.world, rig.admin, rotation_id, secret_id=foreign_id, value=None)
    foreign = next(s for s in rig.living() if s["id"] == foreign_id)
    assert await rig.served_hash() == foreign["hash"]
    assert (await rig.run(rotation_id)).phase is Phase.FINISHED
    assert [s["id"] for s in rig.living()] == [foreign_id]
    assert not rig.posts()


async def test_entered_value_must_be_that_secrets(rig: Rig) -> None:
    """A value is believed by Okta's hash, and a wrong one changes nothing."""
    rotation_id, foreign_id = await blocked_by_foreign(rig)
    before = await rig.served_hash()
    with pytest.raises(Refused, match="no ACTIVE client secret"):
        await adopt_existing(rig.world, rig.admin, rotation_id, secret_id=foreign_id, value=VALUE)
    assert await rig.served_hash() == before
    blocked = (await view(rig.world, rotation_id)).turn
    assert blocked
    assert blocked.phase is Phase.BLOCKED


async def test_own_and_unknown_secrets_are_not_foreign(rig: Rig) -> None:
    """Consent names a foreign secret or nothing happens."""
    rotation_id, _ = await blocked_by_foreign(rig)
    for secret_id in (rig.living()[0]["id"], "ocsunknown"):
        with pytest.raises(Refused, match="no foreign client secret"):
            await adopt_existing(rig.world, rig.admin, rotation_id, secret_id=secret_id, value=None)


async def test_what_readers_are_given_is_foreign_under_no_id(rig: Rig) -> None:
    """Somebody removed it and added it again: neither consent makes it go, and the block says so.

    The next turn, whose new secret is served instead, retires it by consent.
    """
    rotation_id, (served,) = (await rig.rotation()).rotation.id, rig.living()
    other, value = rig.org.create_secret(rig.app_id), rig.org.read_app(rig.app_id).live_secrets[0]
    rig.org.deactivate_secret(rig.app_id, served["id"])
    rig.org.delete_secret(rig.app_id, served["id"])
    again = rig.org.create_secret(rig.app_id, value.value).id
    with pytest.raises(Refused, match="that is what readers are given"):
        await retire_existing(rig.world, rig.admin, rotation_id, rig.consent(again))
    with pytest.raises(Refused, match="that is what readers are given"):
        await adopt_existing(rig.world, rig.admin, rotation_id, secret_id=again, value=None)
    with pytest.raises(TurnFailed) as failed:
        await rotate(rig.world, rig.admin, rotation_id)
    assert other.id in failed.value.message
    assert again not in failed.value.message
    await rig.live(400)
    assert await rig.authenticate(value.value) == SERVED
    rig.org.deactivate_secret(rig.app_id, other.id)
    rig.org.delete_secret(rig.app_id, other.id)
    await rotate(rig.world, rig.admin, rotation_id)
    blocked = (await rig.run(rotation_id)).blocked
    assert blocked
    assert f"retire-existing {rotation_id} {again}" in blocked.detail
    await retire_existing(rig.world, rig.admin, rotation_id, rig.consent(again))
    assert (await rig.run(rotation_id)).phase is Phase.FINISHED


async def test_what_comes_back_in_the_soak_is_removed_or_reinstated(rig: Rig) -> None:
    """Whoever consents then is told which two ways there are."""
    rotation_id = (await rig.rotation()).rotation.id
    await rotate(rig.world, rig.admin, rotation_id)
    await rig.live(300)
    old, _ = rig.org.read_app(rig.app_id).live_secrets
    rig.org.delete_secret(rig.app_id, old.id)
    back = rig.org.create_secret(rig.app_id, old.value).id
    assert (await rig.run(rotation_id)).phase is Phase.BLOCKED
    ways = r"its soak goes on: .* \(`keyturn turn resume`\), .* \(`keyturn turn reinstate`\)"
    with pytest.raises(Refused, match=ways):
        await retire_existing(rig.world, rig.admin, rotation_id, rig.consent(back))
    with pytest.raises(Refused, match=ways):
        await adopt_existing(rig.world, rig.admin, rotation_id, secret_id=back, value=None)


async def test_inactive_secret_is_not_adopted(rig: Rig) -> None:
    """What Okta refuses is not served."""
    rotation_id, foreign_id = await blocked_by_foreign(rig)
    rig.org.deactivate_secret(rig.app_id, foreign_id)
    with pytest.raises(Refused, match="INACTIVE"):
        await adopt_existing(rig.world, rig.admin, rotation_id, secret_id=foreign_id, value=None)


async def test_adopted_secret_is_never_taken_back(rig: Rig) -> None:
    """One that Okta stops accepting in mid-adoption blocks; it is not ours to delete."""
    rotation_id, foreign_id = await blocked_by_foreign(rig)
    rig.org.add_fault(Fault("error-before-effect", route="/oauth2/v1/introspect", skip=1))
    with pytest.raises(Exception, match=r"introspect|Okta"):
        await adopt_existing(rig.world, rig.admin, rotation_id, secret_id=foreign_id, value=None)
    rig.org.remove_fault(None)
    rig.org.deactivate_secret(rig.app_id, foreign_id)
    turn = await rig.run(rotation_id)
    assert turn.blocked
    assert turn.blocked.reason is Reason.ADOPTED_REFUSED
    assert foreign_id in {s["id"] for s in rig.living()}
    await abort_turn(rig.world, rig.admin, rotation_id)
    assert foreign_id in {s["id"] for s in rig.living()}


async def test_rotation_begins_with_an_entered_value(rig: Rig) -> None:
    """An org that shows no values can be adopted from, too; Okta's hash proves the value."""
    value = rig.org.read_app(rig.app_id).live_secrets[0].value
    rig.calls()
    rotation = (await rig.rotation(existing_value=Sensitive(value))).rotation
    assert await rig.served_hash() == rig.living()[0]["hash"]
    assert not rig.posts()
    assert rotation.last_message is None


async def test_rotation_does_not_begin_with_a_wrong_value(rig: Rig) -> None:
    """A typing error is told before anything is stored."""
    with pytest.raises(Refused, match="no ACTIVE client secret"):
        await rig.rotation(existing_value=VALUE)


async def test_value_in_the_served_ones_place_waits_for_a_turn(rig: Rig) -> None:
    """Who wants it adopted is told so; once another is served, its owner may let it be retired."""
    rotation_id, app = (await rig.rotation()).rotation.id, rig.org.read_app(rig.app_id)
    (served,) = app.live_secrets
    overwritten = replace(served, value="a-value-that-terraform-writes-back")
    rig.org.store_app(replace(app, secrets=(overwritten,)))
    with pytest.raises(Refused, match="was replaced at Okta: turn the rotation first"):
        await adopt_existing(rig.world, rig.admin, rotation_id, secret_id=served.id, value=None)
    await rotate(rig.world, rig.admin, rotation_id)
    turn = await rig.run(rotation_id)
    assert turn.blocked
    assert served.id in turn.blocked.detail
    with pytest.raises(Refused, match="serves its new client secret already"):
        await adopt_existing(rig.world, rig.admin, rotation_id, secret_id=served.id, value=None)
    await retire_existing(rig.world, rig.admin, rotation_id, rig.consent(served.id))
    assert (await rig.run(rotation_id)).phase is Phase.FINISHED
    assert [secret["hash"] for secret in rig.living()] == [await rig.served_hash()]


async def test_refusals_name_the_kind_that_is_turned(rig: Rig) -> None:
    """Of a rotation of keys nobody is told about client secrets."""
    made = await settled(rig, CredentialKind.CLIENT_KEY)
    of = (rig.world, rig.admin, made.rotation_id)
    (theirs,) = made.foreign
    with pytest.raises(Refused, match="has no foreign client key unknown"):
        await adopt_existing(*of, secret_id="unknown", value=None)
    with pytest.raises(Refused, match="does not show the value of client key"):
        await adopt_existing(*of, secret_id=theirs, value=None)


async def test_only_what_is_served_ends_a_quarantine(rig: Rig) -> None:
    """A foreign secret that is retired by consent leaves the failures; one that is adopted not."""
    schedule = Schedule(1, time(0, 0), quarantine_after=2)
    rotation_id = (await rig.rotation(schedule=schedule)).rotation.id
    foreign = rig.org.create_secret(rig.app_id)
    for _ in range(2):
        rig.clock.advance(86_400 * 2)
        await rig.tick()
    await abort_turn(rig.world, rig.admin, rotation_id)
    await retire_existing(rig.world, rig.admin, rotation_id, rig.consent(foreign.id))
    assert (await rig.run(rotation_id)).phase is Phase.FINISHED
    seen = await view(rig.world, rotation_id)
    assert (seen.outlook.state, seen.rotation.failures) == (State.QUARANTINED, 2)
    other = rig.org.create_secret(rig.app_id)
    await adopt_existing(rig.world, rig.admin, rotation_id, secret_id=other.id, value=None)
    assert (await rig.run(rotation_id)).phase is Phase.FINISHED
    seen = await view(rig.world, rotation_id)
    assert (seen.outlook.state, seen.rotation.failures) == (State.SCHEDULED, 0)
