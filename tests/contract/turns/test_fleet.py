"""The overview of a fleet and the search in it: what each caller is told, and by how many looks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count

import pytest
from rig import PLACE, Rig

from keyturn.domain.access import ROTATOR, Caller, Grant, Holding, Role, Verb
from keyturn.domain.attention import Kind, Severity
from keyturn.domain.audit import AuditEntry, AuditFilter
from keyturn.domain.connection import ApiToken, OktaConnection
from keyturn.domain.errors import Forbidden
from keyturn.domain.fleet import Band
from keyturn.domain.outlook import State
from keyturn.domain.rotation import Rotation, SecretsMapping
from keyturn.domain.sensitive import Sensitive
from keyturn.sandbox.state.directory import AppDraft
from keyturn.services.connections import OktaConnectionChange, update_okta_connection
from keyturn.services.consent import adopt_existing
from keyturn.services.fleet import RotationFilter, read_fleet, search_rotations
from keyturn.services.ports import Reading, Store
from keyturn.services.projects import Where, resolve_project
from keyturn.services.rotations import list_rotations, view
from keyturn.services.turns import rotate

DAY = 86_400


async def another(rig: Rig, name: str, where: Where = PLACE) -> str:
    """Create a rotation of an app of its own; return its id."""
    app_id = rig.org.create_app(AppDraft(f"App {name}")).id
    mapping = SecretsMapping(f"ID_{name.upper()}", f"SECRET_{name.upper()}")
    made = await rig.rotation(name=name, parameter=app_id, mapping=mapping, where=where)
    return made.rotation.id


async def caller_of(rig: Rig, *verbs: Verb, environments: tuple[str, ...] = ()) -> Caller:
    """Return somebody who may do so much in the project, in some environments."""
    role = Role("some", "Some", (Grant(frozenset(verbs), environments),))
    project_id = await resolve_project(rig.world, PLACE.project)
    return replace(rig.admin, id="some", name="some", holdings=(Holding(role, project_id),))


async def entries(rig: Rig, actor: str) -> list[AuditEntry]:
    """Return what is on record of somebody."""
    async with rig.world.store.reading() as tx:
        return [*await tx.list_audit(wanted=AuditFilter(actor=actor))]


class Counting:
    """A store that counts the looks at it."""

    def __init__(self, store: Store) -> None:
        self.store, self.looks = store, 0

    def __getattr__(self, name: str) -> object:
        """Leave the rest to the store."""
        return getattr(self.store, name)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Reading]:
        """Open a snapshot whose looks are counted."""
        async with self.store.reading() as tx:
            yield _Counted(self, tx)  # type: ignore[misc]


class _Counted:
    def __init__(self, counting: Counting, tx: Reading) -> None:
        self._counting, self._tx = counting, tx

    def __getattr__(self, name: str) -> object:
        self._counting.looks += 1
        return getattr(self._tx, name)


async def test_an_adopted_secret_is_as_old_as_okta_says(rig: Rig) -> None:
    """Adoption makes no secret young; a turn does."""
    rig.clock.advance(10 * DAY)
    rotation_id = (await rig.rotation()).rotation.id
    fleet = await read_fleet(rig.world, rig.admin)
    assert {band for band, count in fleet.ages.bands.items() if count} == {Band.SECOND}
    assert fleet.ages.oldest_s == 10 * DAY
    await rotate(rig.world, rig.admin, rotation_id)
    fleet = await read_fleet(rig.world, rig.admin)
    assert {band for band, count in fleet.ages.bands.items() if count} == {Band.FIRST}
    assert (await view(rig.world, rotation_id)).issued_at == rig.clock.now()


async def test_a_secret_that_is_adopted_later_is_as_old_as_okta_says(rig: Rig) -> None:
    """So is one that takes the place of what was served before."""
    rotation_id = (await rig.rotation()).rotation.id
    foreign = rig.org.create_secret(rig.app_id)
    rig.clock.advance(10 * DAY)
    await adopt_existing(rig.world, rig.admin, rotation_id, secret_id=foreign.id, value=None)
    assert (await view(rig.world, rotation_id)).issued_at == foreign.created_at


async def test_what_starts_next_is_named_in_order(rig: Rig) -> None:
    """As many as are asked for, the first to start first, and all of them counted."""
    names = ["web", "api", "etl"]
    for name in names:
        await another(rig, name)
        rig.clock.advance(DAY)
    fleet = await read_fleet(rig.world, rig.admin, "example", due=2)
    assert [each.rotation.name for each in fleet.due_next] == names[:2]
    assert len(fleet.rotations) == 3
    assert fleet.counts[State.SCHEDULED] == 3
    assert fleet.attention == []


async def test_what_is_left_of_rate_limits_is_told(rig: Rig) -> None:
    """A limit that was called against in this minute is shown with what is kept for safety."""
    await rig.rotation()
    budgets = (await read_fleet(rig.world, rig.admin)).budgets
    assert {budget.window.org for budget in budgets} == {rig.connection.instance_url}
    assert all(0 < budget.reserve < budget.window.remaining for budget in budgets)


async def test_a_blocked_turn_and_a_finding_need_somebody(rig: Rig) -> None:
    """Who must act is told in the words that the turn and the finding have."""
    blocked, drifted = await another(rig, "web"), (await rig.rotation()).rotation.id
    (app_id,) = (each.id for each in rig.org.list_apps() if each.label == "App web")
    rig.org.create_secret(app_id)
    with pytest.raises(Exception, match="Foreign"):
        await rotate(rig.world, rig.admin, blocked)
    rig.org.create_secret(rig.app_id)
    await rig.live(2 * DAY)
    fleet = await read_fleet(rig.world, rig.admin)
    found = {each.kind: each for each in fleet.attention}
    assert {kind: each.id for kind, each in found.items()} == {
        Kind.BLOCKED: blocked,
        Kind.DRIFTED: drifted,
    }
    assert {each.severity for each in found.values()} == {Severity.ACT}
    assert "The app's owner must choose" in found[Kind.BLOCKED].told


async def test_refused_access_is_told_before_a_turn_finds_out(rig: Rig) -> None:
    """A dead API token shows at the next comparison; with a good one the concern is gone."""
    rotation_id = (await rig.rotation()).rotation.id
    tokens = {**rig.org.api_tokens}
    rig.org.api_tokens.clear()
    await rig.live(2 * DAY)
    (found,) = (await read_fleet(rig.world, rig.admin)).attention
    assert (found.kind, found.name, found.rotations) == (Kind.UNCOMPARED, "okta", 1)
    assert "Invalid token" in found.told
    with pytest.raises(Exception, match="access"):
        await rotate(rig.world, rig.admin, rotation_id)
    (found,) = (await read_fleet(rig.world, rig.admin)).attention
    assert (found.kind, found.name, found.rotations) == (Kind.ACCESS_REFUSED, "okta", 1)
    rig.org.api_tokens.update(tokens)
    await rig.live(DAY)
    assert (await read_fleet(rig.world, rig.admin)).attention == []


async def test_new_credentials_are_given_another_chance(rig: Rig) -> None:
    """Once Okta has accepted others, what it said of the old ones is told no more."""
    await rig.rotation()
    tokens = {**rig.org.api_tokens}
    rig.org.api_tokens.clear()
    await rig.live(DAY)
    assert (await read_fleet(rig.world, rig.admin)).attention
    rig.org.api_tokens.update(tokens)
    change = OktaConnectionChange(credentials=ApiToken(Sensitive(rig.org.seeded.api_token)))
    await update_okta_connection(rig.world, rig.admin, rig.connection.id, change)
    assert (await read_fleet(rig.world, rig.admin)).attention == []


async def test_one_look_is_one_audit_entry(rig: Rig) -> None:
    """However much is gathered, the record says once that somebody looked."""
    await rig.rotation()
    caller = await caller_of(rig, *ROTATOR.verbs)
    await read_fleet(rig.world, caller)
    await read_fleet(rig.world, caller, "example")
    await search_rotations(rig.world, caller)
    told = [each.attempt.subject for each in await entries(rig, "some")]
    assert told == ["fleet", "fleet of example", "rotations"]


async def test_what_a_caller_may_not_see_is_left_out_without_a_word(rig: Rig) -> None:
    """Neither rotations nor connections nor orgs of elsewhere are counted or named."""
    await another(rig, "dev")
    await another(rig, "prod", Where("example", "prod"))
    near = await caller_of(rig, Verb.READ_ROTATIONS, environments=("dev",))
    fleet = await read_fleet(rig.world, near)
    assert [each.rotation.name for each in fleet.rotations] == ["dev"]
    assert sum(fleet.counts.values()) == sum(fleet.ages.bands.values()) == 1
    assert fleet.budgets == []
    assert (await search_rotations(rig.world, near, project="example")).total == 1


async def test_who_may_see_no_rotations_is_refused(rig: Rig) -> None:
    """The refusal is on record, and says nothing of what there is."""
    await rig.rotation()
    caller = await caller_of(rig, Verb.READ_SECRETS)
    for look in (read_fleet(rig.world, caller), read_fleet(rig.world, caller, "example")):
        with pytest.raises(Forbidden):
            await look
    with pytest.raises(Forbidden):
        await search_rotations(rig.world, caller)
    assert [each.attempt.allowed for each in await entries(rig, "some")] == [False] * 3


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (RotationFilter(), ["api", "web"]),
        (RotationFilter(" WE "), ["web"]),
        (RotationFilter("example/prod"), ["api"]),
        (RotationFilter("okta"), ["api", "web"]),
        (RotationFilter("nothing"), []),
        (RotationFilter(states=frozenset({State.TURNING})), ["web"]),
        (RotationFilter(states=frozenset({State.TURNING, State.SCHEDULED})), ["api", "web"]),
        (RotationFilter(band=Band.FIRST), ["api", "web"]),
        (RotationFilter(band=Band.OVERDUE), []),
    ],
    ids=count(),
)
async def test_rotations_are_searched(rig: Rig, wanted: RotationFilter, names: list[str]) -> None:
    """By a part of what names them, by how they stand and by age; what is open finds all."""
    web = await another(rig, "web")
    await another(rig, "api", Where("example", "prod"))
    await rotate(rig.world, rig.admin, web)
    page = await search_rotations(rig.world, rig.admin, wanted=wanted)
    assert [each.rotation.name for each in page.rotations] == names
    assert page.total == len(names)


async def test_an_app_is_searched_by_its_id(rig: Rig) -> None:
    """Whoever has it from Okta's console finds the rotation."""
    await another(rig, "web")
    await rig.rotation()
    page = await search_rotations(rig.world, rig.admin, wanted=RotationFilter(rig.app_id))
    assert [each.rotation.app_id for each in page.rotations] == [rig.app_id]


async def test_pages_follow_each_other(rig: Rig) -> None:
    """A page says how many fit in all, and counts them by state, whatever state was asked for."""
    for name in ("a", "b", "c"):
        await another(rig, name)
    wanted = RotationFilter(states=frozenset({State.SCHEDULED}))
    pages = [
        await search_rotations(rig.world, rig.admin, wanted=wanted, offset=offset, limit=2)
        for offset in (0, 2, 4)
    ]
    assert [[each.rotation.name for each in page.rotations] for page in pages] == [
        ["a", "b"],
        ["c"],
        [],
    ]
    assert [page.total for page in pages] == [3, 3, 3]
    none = RotationFilter(states=frozenset({State.OFF}))
    page = await search_rotations(rig.world, rig.admin, wanted=none)
    assert (page.total, page.counts[State.SCHEDULED]) == (0, 3)


async def test_many_rotations_take_as_many_looks_as_one(rig: Rig) -> None:
    """What a list and an overview cost does not grow with a look a rotation."""
    counts = []
    for name in ("a", "b", "c"):
        await another(rig, name)
        store = Counting(rig.world.store)
        world = replace(rig.world, store=store)
        await read_fleet(world, rig.admin)
        await list_rotations(world, rig.admin, project="example")
        await search_rotations(world, rig.admin)
        counts.append(store.looks)
    assert len(set(counts)) == 1


async def test_another_organization_is_another_fleet(rig: Rig) -> None:
    """What is known is of the caller's organization alone."""
    await rig.rotation()
    stranger = replace(rig.admin, organization_id="elsewhere")
    assert (await read_fleet(rig.world, stranger)).rotations == []
    async with rig.world.store.reading() as tx:
        assert await tx.list(Rotation)
        assert await tx.list(OktaConnection)
