"""Those who decide: operators who give orders, owners of apps, administrators of the org.

Every order is given through the services, as the API does it; which and when is chance's.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from random import Random

from keyturn.cli.simulation.kinds import activate_key
from keyturn.cli.simulation.own_key import begin_turn, give_key, key_in_use, locked_out
from keyturn.cli.simulation.processes import Died
from keyturn.cli.simulation.stage import PLACE, SCOPES, Cast, Stage, Station
from keyturn.domain.errors import KeyturnError
from keyturn.domain.foreign import Consent
from keyturn.domain.ids import CredentialId
from keyturn.domain.rollout import State
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.turn import Overlap
from keyturn.sandbox import Org
from keyturn.sandbox.errors import OktaError as SandboxRefusal
from keyturn.sandbox.state.records import ApiToken
from keyturn.sandbox.state.records import Secret as OktaSecret
from keyturn.sandbox.state.tokens import Code
from keyturn.services import orders
from keyturn.services.consent import adopt_existing, retire_existing
from keyturn.services.destinations import deliver_now, list_destinations
from keyturn.services.drift import list_findings, repair_finding
from keyturn.services.emergencies import abort_emergency, begin_emergency, list_emergencies
from keyturn.services.emergency_plans import EmergencyDraft, plan_emergency
from keyturn.services.policies import PolicyChange
from keyturn.services.ports import World
from keyturn.services.rotations import RotationChange, update_rotation
from keyturn.services.schedules import ScheduleChange
from keyturn.services.turns import rotate

AGAIN_S, TRIES = 300.0, 40
Order = Callable[[World, Cast], Awaitable[object]]


class Operators:
    """Give orders through a process that serves the API."""

    def __init__(self, stage: Stage, station: Station, chance: Random) -> None:
        self._stage = stage
        self._station = station
        self._chance = chance
        self.counts: Counter[str] = Counter()
        self._orders: dict[str, Order] = {
            "turn": lambda world, cast: begin_turn(stage, world, cast),
            "emergency": self._emergency,
            "pause": lambda world, cast: orders.pause_turn(world, stage.admin, cast.rotation_id),
            "resume": lambda world, cast: orders.resume_turn(world, stage.admin, cast.rotation_id),
            "abort": lambda world, cast: orders.abort_turn(world, stage.admin, cast.rotation_id),
            "reinstate": lambda w, cast: orders.reinstate_old(w, stage.admin, cast.rotation_id),
            "finish now": lambda w, cast: orders.finish_now(w, stage.admin, cast.rotation_id),
            "finish at once": self._finish_at_once,
            "close": self._close,
            "change policy": self._change_policy,
            "switch off": self._switch_off,
            "switch on": self._switch_on,
            "consent": self._consent,
            "adopt": self._adopt,
            "repair": self._repair,
            "deliver": self._deliver,
        }
        if stage.own:
            self._orders["give key"] = self._give_key

    async def run(self, mean_s: float) -> None:
        """Give orders for ever, at random times."""
        rung = asyncio.Event()
        self._stage.judge.bells.append(rung.set)
        while True:
            rung.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._chance.expovariate(1 / mean_s)):
                    await rung.wait()
                    # Some orders come in the middle of what they are about.
                    await asyncio.sleep(
                        self._chance.choice((0.05, 0.5, 2.0, 30.0, 600.0, 20_000.0))
                    )
            if self._chance.random() < 0.3:
                await self.order(self._chance.choice([*self._orders]))
            elif self._chance.random() < 0.3:
                await self.order(self._chance.choice(("turn", "turn", "resume", "switch on")))

    async def order(self, what: str, cast: Cast | None = None) -> None:
        """Give one order, refused or not."""
        chosen = cast or self._chance.choice(self._stage.casts)
        if what == "give key":
            chosen = self._stage.own or chosen  # it is about that app, whichever was drawn
        act = self._orders[what]
        await self.attempt(what, chosen.app_id, lambda world: act(world, chosen))

    async def attempt(
        self, what: str, about: str, act: Callable[[World], Awaitable[object]]
    ) -> None:
        """Ask the process that serves the API for something, refused or not."""
        judge = self._stage.judge
        judge.note("order", what, about)
        try:
            process = self._station.process
            work = process.begin(f"order {what}")
            work.about = about
            await process.go_on(work, self._give(act))
            self.counts[what] += 1
        except Died:
            judge.note("order", what, "died with its process")
        except KeyturnError as error:
            self.counts[f"{what}, refused"] += 1
            judge.note("order", what, "refused:", error.message)
            judge.search(iter([error.message]))
        except Exception as error:  # noqa: BLE001  what the API would answer with 500
            judge.hear_unforeseen(f"order {what}", error)

    async def _give(self, act: Callable[[World], Awaitable[object]]) -> None:
        await act(self._station.world)

    async def _emergency(self, world: World, cast: Cast) -> None:
        cast.kept.promises.clear()
        self._stage.ledger.closed.add(cast.app_id)
        await rotate(world, self._stage.admin, cast.rotation_id, emergency=True)

    async def _close(self, world: World, cast: Cast) -> None:
        """Begin an emergency; mostly it leaves consumers some time."""
        await close(self._stage, world, cast, self._chance.choice((0, 90, 600)))

    async def call_off(self) -> None:
        """Abort every emergency that is going on; what it has begun goes on."""
        world, admin = self._stage.bare, self._stage.admin
        for view in await list_emergencies(world, admin):
            if view.rollout.state is State.RUNNING:
                await abort_emergency(world, admin, view.rollout.id)

    async def _finish_at_once(self, world: World, cast: Cast) -> None:
        self._stage.ledger.hurry(cast.kept)
        await orders.finish_now(world, self._stage.admin, cast.rotation_id, at_once=True)

    async def _change_policy(self, world: World, cast: Cast) -> None:
        policy = PolicyChange(
            overlap=self._chance.choice([None, *Overlap]),
            overlap_s=self._chance.choice((None, 300, 900, 7200)),
            soak_s=self._chance.choice((None, 0, 600, 7200)),
            backstop_s=self._chance.choice((None, 10_000, 20_000)),
            log=self._chance.choice((None, True, False)),
        )
        change = RotationChange(policy=policy)
        await update_rotation(world, self._stage.admin, cast.rotation_id, change)

    async def _switch_off(self, world: World, cast: Cast) -> None:
        change = RotationChange(schedule=ScheduleChange(automatic=False))
        await update_rotation(world, self._stage.admin, cast.rotation_id, change)

    async def _switch_on(self, world: World, cast: Cast) -> None:
        change = RotationChange(schedule=ScheduleChange(automatic=True))
        await update_rotation(world, self._stage.admin, cast.rotation_id, change)

    async def _consent(self, world: World, cast: Cast) -> None:
        """Consent to the retirement of a credential that is not ours."""
        secret = self._choose_foreign(cast)
        if secret:
            given = Consent(CredentialId(secret.id), secret.created_at.date())
            with self._stage.ledger.consenting(secret.id):
                await retire_existing(world, self._stage.admin, cast.rotation_id, given)

    async def _adopt(self, world: World, cast: Cast) -> None:
        """Have a credential served that is not ours, by the value that its owner has."""
        secret = self._choose_foreign(cast)
        if secret:
            value = Sensitive(secret.value) if secret.value and not cast.props.in_clear else None
            admin, rotation_id = self._stage.admin, cast.rotation_id
            with self._stage.ledger.consenting(secret.id):
                await adopt_existing(world, admin, rotation_id, secret_id=secret.id, value=value)

    def _choose_foreign(self, cast: Cast) -> OktaSecret | None:
        """Choose a credential that is not ours."""
        ledger = self._stage.ledger
        known = ledger.known(cast.kept)
        foreign = [s for s in ledger.app(cast.app_id).live_secrets if s.hash not in known]
        return self._chance.choice(foreign) if foreign else None

    async def _give_key(self, world: World, cast: Cast) -> None:
        """Give the product's connection another key, where the one that it has is gone."""
        if self._stage.own:
            await give_key(self._stage, world, self._stage.own, self._chance.randbytes(32))

    async def get_in_again(self) -> None:
        """Give the product's connection another key until it can log in."""
        for _ in range(TRIES):
            if self._stage.own is None or not locked_out(self._stage, self._stage.own):
                return
            await self.order("give key", self._stage.own)
            await asyncio.sleep(AGAIN_S)

    async def _repair(self, world: World, cast: Cast) -> None:
        """Mend by hand what the product has found of an app."""
        told = await list_findings(world, self._stage.admin, project=PLACE.project)
        found = [one.finding.id for one in told if one.rotation.id == cast.rotation_id]
        if found:
            await repair_finding(world, self._stage.admin, self._chance.choice(found))

    async def _deliver(self, world: World, cast: Cast) -> None:
        """Bring what is turned to its destination again, if it has one."""
        every = await list_destinations(world, self._stage.admin, project=PLACE.project)
        for view in every:
            if cast.name in view.destination.only:
                await deliver_now(world, self._stage.admin, view.destination.id)


async def close(stage: Stage, world: World, cast: Cast, within_s: int) -> None:
    """Begin an emergency that leaves consumers so much time; the judge remembers that."""
    draft = EmergencyDraft(apps=[cast.app_id], reason="leaked", within_s=within_s)
    plan = await plan_emergency(world, stage.admin, draft)
    promise = stage.ledger.promise(cast.kept, within_s)
    stage.ledger.closed.add(cast.app_id)
    try:
        await begin_emergency(world, stage.admin, draft, plan.plan_hash)
    except KeyturnError:
        cast.kept.promises = [one for one in cast.kept.promises if one is not promise]
        raise


def agree(org: Org, client_id: str, asked: Mapping[str, str], server: str | None = None) -> str:
    """Return the code that is left with a client once somebody has agreed to what it asks."""
    now, value = org.now(), org.mint.issue_token()
    org.tokens.store_code(
        Code(
            value=value,
            client_id=client_id,
            user_id=org.seeded.user_id,
            redirect_uri=asked["redirect_uri"],
            scopes=tuple(asked["scope"].split()),
            nonce=None,
            challenge=asked.get("code_challenge"),
            issued_at=now,
            login_at=now,
            family=org.mint.issue_id("fam"),
            server=server,
        )
    )
    return value


class Administrator:
    """Puts the org in order again: access, apps, and secrets that nobody needs."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._tokens: dict[str, ApiToken] = dict(stage.org.api_tokens)

    def repair_access(self) -> None:
        """Give the product back what it needs of the org."""
        org = self._stage.org
        for value, token in self._tokens.items():
            if value not in org.api_tokens or org.api_tokens[value].expired(org.now()):
                org.api_tokens[value] = token
        service = org.read_app(org.seeded.service_app_id)
        if set(service.granted_scopes) != set(SCOPES) or not service.roles:
            grants, roles = org.make_grants(SCOPES, "admin"), org.make_roles("SUPER_ADMIN")
            org.store_app(replace(service, grants=grants, roles=roles))

        self._repair_key()

    def _repair_key(self) -> None:
        """Activate the key by which the product logs in; one that is deleted stays so."""
        own, ledger = self._stage.own, self._stage.ledger
        key = key_in_use(self._stage, own) if own else None
        if own and key and key.status == "INACTIVE" and key.deleted_at is None:
            with ledger.by_somebody_else("an administrator"):
                activate_key(self._stage.org, own.app_id, key.id)

    def repair_apps(self) -> None:
        """Let apps be used again, as they were; what was deleted stays deleted."""
        org, ledger = self._stage.org, self._stage.ledger
        with ledger.by_somebody_else("an administrator"):
            for cast in self._stage.casts:
                app = ledger.app(cast.app_id)
                if app.status == "INACTIVE":
                    org.activate_app(cast.app_id)
                if app.status != "DELETED" and app.auth_method not in cast.props.rules.methods:
                    org.change_auth_method(cast.app_id, cast.props.methods[0])

    def remove_foreign(self, cast: Cast) -> None:
        """Remove the credentials of an app that the product does not know."""
        org, ledger = self._stage.org, self._stage.ledger
        if ledger.app(cast.app_id).status == "DELETED":
            return
        known = ledger.known(cast.kept)
        with ledger.by_somebody_else("an owner"), suppress(SandboxRefusal):
            for secret in ledger.app(cast.app_id).live_secrets:
                if secret.hash not in known:
                    cast.props.deactivate(org, cast.app_id, secret.id)
                    cast.props.delete(org, cast.app_id, secret.id)
