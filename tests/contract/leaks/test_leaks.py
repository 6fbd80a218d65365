"""Leak reports: whose secret it is, told once, and ended once Okta accepts it no more."""

from dataclasses import replace

import pytest
from connections_kit import SECRET as OWN
from connections_kit import registration
from inventory_kit import populate, read_whole
from leak_kit import Canaries, found
from leak_report_kit import (
    ELSEWHERE,
    SEEN,
    followed,
    kept,
    report,
    reported,
    reports,
    scanner,
    served,
    told,
)
from notice_kit import opened_channel
from rig import Rig
from rollout_kit import add_rotations

from keyturn.domain.access import Caller
from keyturn.domain.audit import AuditFilter
from keyturn.domain.errors import (
    Forbidden,
    InvalidInput,
    NotFound,
    Refused,
    TooManyAttempts,
)
from keyturn.domain.ids import OrganizationId, SecretHash
from keyturn.domain.leaks import Source, State, Which
from keyturn.domain.okta import secret_hash
from keyturn.domain.secret import Secret, Version
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.turn import Held, Phase
from keyturn.services.audit import list_entries
from keyturn.services.leak_closing import LeakClosing, close_leak, read_leak
from keyturn.services.leak_matching import find_match, list_beginning
from keyturn.services.leaks import (
    PREFIXES_MAX,
    LeakDraft,
    end_leak,
    list_leaks,
    report_leaks,
)
from keyturn.services.removal import remove_secret
from keyturn.services.rotations import view
from keyturn.services.sealing import seal_version
from keyturn.services.turns import rotate
from keyturn.testing import MemoryStore
from keyturn.wire.leaks import REPORTS_MAX

NOBODY = Caller("nobody", "Nobody", OrganizationId("none"), ())


@pytest.mark.parametrize("given", ["value", "hash", "prefix"])
async def test_a_secret_is_known_by_its_value_its_hash_and_how_it_begins(
    rig: Rig, given: str
) -> None:
    """The report names the app and which of its secrets it is, and people are told at once."""
    await opened_channel(rig, "hook")
    rotation = (await rig.rotation()).rotation
    value = await served(rig)
    ways = {"value": value, "hash": secret_hash(value), "prefix": Sensitive(value.reveal()[:12])}
    one = await report(rig, **{given: ways[given]})
    assert (one.state, one.which, one.source) == (State.OPEN, Which.CURRENT, Source.WEBHOOK)
    assert (one.rotation_id, one.app_id) == (rotation.id, rotation.app_id)
    assert (one.client_id, one.connection_id) == (rotation.client_id, rig.connection.id)
    assert (one.hash, one.seen_in, one.reporter) == (secret_hash(value), SEEN, "administrator")
    [notice] = await told(rig)
    assert (notice.subject_id, notice.page) == (one.id, f"/leaks/{one.id}")
    assert (notice.of.app, notice.of.rotation) == (rotation.app_id, rotation.name)
    assert SEEN in notice.told


async def test_a_wrong_letter_is_another_value(rig: Rig) -> None:
    """What begins otherwise, and what is no longer than a part, matches nothing here."""
    await rig.rotation()
    value = (await served(rig)).reveal()
    for wrong in ("x" * 12, value[:11] + "~", value[:15] + "~", value[1:14], value.swapcase()):
        one = await report(rig, prefix=Sensitive(wrong), seen_in=wrong[:3])
        assert (one.state, one.which, one.hash) == (State.UNKNOWN, None, None)
        rig.clock.advance(60)


async def test_what_follows_sixteen_letters_is_not_compared(rig: Rig) -> None:
    """Whoever may read reports finds out no more of a value by trying one letter after another."""
    await rig.rotation()
    value = (await served(rig)).reveal()
    first = await report(rig, prefix=Sensitive(value[:16]))
    assert first.state is State.OPEN
    for tried in (value[:17], value[:16] + "~", value + "x"):
        rig.clock.advance(60)
        assert await report(rig, prefix=Sensitive(tried)) == first


async def test_a_secret_is_known_wherever_it_stands_in_its_life(rig: Rig) -> None:
    """Previous while both work, retired while it can come back, and gone at last."""
    rotation = (await rig.rotation()).rotation
    old = await served(rig)
    await rotate(rig.world, rig.admin, rotation.id)
    assert (await report(rig, value=old, seen_in="a")).which is Which.PREVIOUS
    rig.clock.advance(300)
    await rig.tick()
    await rig.tick()
    assert (await report(rig, value=old, seen_in="b")).which is Which.RETIRED
    await rig.run(rotation.id)
    late = await report(rig, value=old, seen_in="c")
    assert (late.state, late.which) == (State.CLOSED, Which.GONE)
    assert "before it was reported" in late.ended_why
    await followed(rig, 3600)
    assert {each.state for each in await kept(rig)} == {State.CLOSED}


async def test_a_secret_that_no_rotation_has_made_is_found_in_the_inventory(rig: Rig) -> None:
    """Of an app that nobody manages, and one beside those of a rotation."""
    rotation = (await rig.rotation()).rotation
    [alone] = populate(rig.org, 1)
    strange = rig.org.create_secret(rig.app_id, None)
    secrets = rig.org.apps[alone].secrets[0], strange
    unknown = [await report(rig, value=Sensitive(each.value)) for each in secrets]
    assert {each.state for each in unknown} == {State.UNKNOWN}
    await read_whole(rig)
    await followed(rig, 3600)
    first, second = await kept(rig)
    assert (first.app_id, first.rotation_id, first.which) == (alone, None, Which.FOREIGN)
    assert first.app == "app-00000"
    assert (second.app_id, second.rotation_id) == (rig.app_id, rotation.id)
    assert {first.state, second.state} == {State.OPEN}
    with pytest.raises(Refused, match="Admin Console"):
        await close_leak(rig.world, rig.admin, first.id, LeakClosing("leaked"))
    rig.org.deactivate_secret(rig.app_id, strange.id)
    rig.org.delete_secret(rig.app_id, strange.id)
    await read_whole(rig)
    after = await followed(rig, 3600)
    assert (after.id, after.state) == (second.id, State.CLOSED)


async def test_what_was_never_ours_is_known_by_the_record_of_turns(rig: Rig) -> None:
    """A secret that a turn has deleted is gone; one that it has left may be accepted still."""
    rotation = (await rig.rotation()).rotation
    await rotate(rig.world, rig.admin, rotation.id)
    turn = await rig.run(rotation.id)
    assert turn.phase is Phase.FINISHED
    lost = replace(turn, old=Held(SecretHash("o" * 22), None, None))
    async with rig.world.store.writing() as tx:
        await tx.replace(lost)
    assert (await report(rig, hash="o" * 22)).which is Which.GONE
    async with rig.world.store.writing() as tx:
        await tx.replace(replace(lost, phase=Phase.ROLLED_BACK))
    assert (await report(rig, hash="o" * 22, seen_in="again")).which is Which.FOREIGN


async def test_what_is_kept_by_hand_is_found_too(rig: Rig) -> None:
    """A client registration's own secret, and one whose rotation is gone."""
    await registration(rig)
    one = await report(rig, value=Sensitive(OWN))
    assert (one.which, one.rotation_id) == (Which.CURRENT, None)
    assert one.app.startswith("client registration")
    await rig.rotation()
    value = await served(rig)
    await report(rig, value=value)
    async with rig.world.store.writing() as tx:
        secret = await tx.find(Secret, name="OKTA_CLIENT_SECRET")
        assert secret
        await tx.replace(replace(secret, rotation_id=None))
    after = await followed(rig)
    assert (after.app, after.rotation_id) == ("secret OKTA_CLIENT_SECRET", None)
    assert after.app_id == rig.app_id
    async with rig.world.store.writing() as tx:
        await remove_secret(tx, secret)
    assert (await report(rig, value=value, seen_in="x")).state is State.UNKNOWN


async def test_nothing_of_another_organization_is_matched(rig: Rig) -> None:
    """Whichever way a secret is known here, it is nobody else's to find."""
    await registration(rig)
    rotation = (await rig.rotation()).rotation
    value, other = await served(rig), OrganizationId("other")
    await rotate(rig.world, rig.admin, rotation.id)
    [alone] = populate(rig.org, 1)
    await read_whole(rig)
    listed = Sensitive(rig.org.apps[alone].secrets[0].value)
    for each in (value, Sensitive(OWN), listed):
        async with rig.world.store.reading() as tx:
            hash_ = secret_hash(each)
            assert await find_match(tx, rig.world, rig.admin.organization_id, hash_)
            assert await find_match(tx, rig.world, other, hash_) is None
    assert await list_beginning(rig.world, other, [value]) == [frozenset()]


async def test_what_is_reported_twice_is_one_report(rig: Rig) -> None:
    """By whichever way it is known; another place is another report, and nobody is told again."""
    await opened_channel(rig, "hook")
    await rig.rotation()
    value = await served(rig)
    first = await report(rig, value=value)
    assert await report(rig, hash=secret_hash(value)) == first
    assert await report(rig, prefix=value) == first
    other = await report(rig, value=value, seen_in="b")
    assert other.id != first.id
    assert len(await told(rig)) == 1
    unknown = await report(rig, value=ELSEWHERE)
    rig.clock.advance(60)
    assert await report(rig, value=ELSEWHERE) == unknown
    beginning = await report(rig, prefix=ELSEWHERE)
    rig.clock.advance(60)
    assert await report(rig, prefix=Sensitive("another-beginning")) == beginning
    await end_leak(rig.world, rig.admin, first.id, "a test", false_alarm=True)
    assert (await report(rig, value=value)).state is State.FALSE_ALARM
    await end_leak(rig.world, rig.admin, other.id, "a test")
    await report(rig, value=value, seen_in="c")
    assert len(await told(rig)) == 2


async def test_one_that_was_ended_and_works_still_is_opened_anew(rig: Rig) -> None:
    """Whoever said that it was closed was wrong."""
    await rig.rotation()
    value = await served(rig)
    first = await report(rig, value=value)
    await end_leak(rig.world, rig.admin, first.id, "it is closed")
    again = await report(rig, value=value)
    assert (again.state, again.id == first.id) == (State.OPEN, False)


async def test_one_that_was_ended_and_is_deactivated_is_not(rig: Rig) -> None:
    """Okta refuses it until somebody reinstates it: a scanner that comes back tells nobody."""
    await opened_channel(rig, "hook")
    rotation = (await rig.rotation()).rotation
    value = await served(rig)
    first = await report(rig, value=value)
    await rotate(rig.world, rig.admin, rotation.id)
    await rig.tick()
    rig.clock.advance(300)
    await rig.tick()
    await rig.tick()
    await end_leak(rig.world, rig.admin, first.id, "it is closed")
    assert (await report(rig, value=value, seen_in="b")).which is Which.RETIRED
    assert (await report(rig, value=value)).id == first.id
    assert len(await told(rig)) == 2


async def test_a_beginning_that_several_have_is_each_of_them(rig: Rig) -> None:
    """Values that people chose may be alike."""
    values = [Sensitive(f"same-beginning-{n}" + "x" * 20) for n in range(2)]
    project = (await view(rig.world, (await add_rotations(rig, 2))[0])).place.project
    async with rig.world.store.writing() as tx:
        versions = [each for each in await tx.list(Version) if each.hash]
        for value, version in zip(values, versions, strict=True):
            sealed = seal_version(rig.world, project, version.id, value)
            await tx.replace(replace(version, sealed=sealed, hash=secret_hash(value)))
    several = await reports(rig, prefix=Sensitive("same-beginning-"))
    assert {each.hash for each in several} == {secret_hash(each) for each in values}
    assert (await reported(rig, scanner(rig), prefix=values[0])).count == 1


async def test_whoever_may_only_report_is_told_nothing(rig: Rig) -> None:
    """The answer to what matches is that to what does not."""
    await rig.rotation()
    value = (await served(rig)).reveal()
    answers = []
    for beginning in (value[:14], value[:13] + "~", ELSEWHERE.reveal()):
        answers.append(await reported(rig, scanner(rig), prefix=Sensitive(beginning)))
        rig.clock.advance(60)
    assert answers[0] == answers[1] == answers[2]
    assert answers[0].reports is None
    one = (await kept(rig))[0]
    with pytest.raises(Forbidden):
        await read_leak(rig.world, scanner(rig), one.id)
    with pytest.raises(Forbidden):
        await list_leaks(rig.world, scanner(rig))


async def test_beginnings_are_not_asked_for_over_and_over(rig: Rig) -> None:
    """A guesser is held back, after being put on record; whoever has the value is not."""
    await reported(rig, scanner(rig), prefix=ELSEWHERE)
    with pytest.raises(TooManyAttempts) as refused:
        await reported(rig, scanner(rig), prefix=ELSEWHERE)
    assert 0 < refused.value.retry_after_s <= 5
    await reported(rig, scanner(rig), value=ELSEWHERE)
    entries = await list_entries(rig.world, rig.admin, AuditFilter(actor="scanner"))
    subjects = [each.attempt.subject for each in entries]
    assert [each.endswith("1 by how the value begins)") for each in subjects].count(True) == 2
    rig.clock.advance(5)
    await reported(rig, scanner(rig), prefix=ELSEWHERE)


async def test_reports_are_listed_and_ended_by_hand(rig: Rig) -> None:
    """The newest first, of one state or all; what has ended is not ended again."""
    await rig.rotation()
    first = await report(rig, value=await served(rig))
    second = await report(rig, value=ELSEWHERE)
    found = await list_leaks(rig.world, rig.admin)
    assert [each.id for each in found] == [second.id, first.id]
    unknown = await list_leaks(rig.world, rig.admin, state=State.UNKNOWN)
    assert [each.id for each in unknown] == [second.id]
    ended = await end_leak(rig.world, rig.admin, first.id, " Replaced by hand. ")
    assert (ended.state, ended.ended_by) == (State.CLOSED, "administrator")
    assert ended.ended_why == "Replaced by hand."
    assert await read_leak(rig.world, rig.admin, first.id) == ended
    with pytest.raises(Refused):
        await end_leak(rig.world, rig.admin, first.id, "again", false_alarm=True)


async def test_bad_input_is_told_and_changes_nothing(rig: Rig) -> None:
    """Each field by its rule, and what is not there; nobody is nobody here too."""
    world, admin, value = rig.world, rig.admin, Sensitive("a-value-of-some-length")
    wrong = [
        LeakDraft(),
        LeakDraft(value=value, hash="x" * 22),
        LeakDraft(value=Sensitive("")),
        LeakDraft(value=Sensitive("x" * 10_001)),
        LeakDraft(prefix=Sensitive("eleven-char")),
        LeakDraft(hash="x" * 21),
        LeakDraft(value=value, seen_in="x" * 2001),
        LeakDraft(value=value, told="x" * 501),
    ]
    for each in wrong:
        with pytest.raises(InvalidInput) as refused:
            await report_leaks(world, admin, [each])
        assert "a-value" not in str(refused.value)
        assert "eleven" not in str(refused.value)
    many = [LeakDraft(hash="x" * 22)] * (REPORTS_MAX + 1)
    guesses = [LeakDraft(prefix=value)] * (PREFIXES_MAX + 1)
    for every in ([], many, guesses):
        with pytest.raises(InvalidInput):
            await report_leaks(world, admin, every)
    for reason in ("", " ", "x" * 501):
        with pytest.raises(InvalidInput):
            await end_leak(world, admin, "x", reason)
    with pytest.raises(InvalidInput):
        await list_leaks(world, admin, limit=0)
    with pytest.raises(NotFound):
        await read_leak(world, admin, "x")
    with pytest.raises(Forbidden):
        await report_leaks(world, NOBODY, many[:1])
    assert await kept(rig) == []


async def test_no_value_is_on_record_anywhere(rig: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither it nor its beginning: in no record, audit entry, notice or log line."""
    await opened_channel(rig, "hook")
    await rig.rotation()
    value = (await served(rig)).reveal()
    canaries = Canaries()
    for each in (value, value[:20], ELSEWHERE.reveal()):
        canaries.add(each)
    for each in (value, ELSEWHERE.reveal()):
        texts = {"seen_in": f"https://x.example/?k={each}", "told": f"it is {each}"}
        await report(rig, value=Sensitive(each), **texts)
    cut = value[:20]
    await report(rig, prefix=Sensitive(cut), seen_in=f"https://y.example/?k={cut}", told=cut)
    rig.clock.advance(60)
    texts = {"seen_in": f"https://z.example/?k={value}", "told": f"{cut}~~"}
    await report(rig, prefix=Sensitive(f"{cut}~~"), **texts)
    await followed(rig, 3600)
    store = rig.world.store
    assert isinstance(store, MemoryStore)
    places = {"records, audit log": repr(store.backup()), "log": capsys.readouterr().out}
    assert len(await kept(rig)) == 4
    assert found(canaries, {"itself": value.encode()})
    assert not found(canaries, {name: text.encode() for name, text in places.items()})
