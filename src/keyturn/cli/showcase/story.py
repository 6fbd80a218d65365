"""What happened on the stage in a hundred days, and when: all of it through the services.

At the end something of everything is to be seen: turns in several phases, one that is blocked, one
that waits for a reader, findings, a connection that lapsed, one that will, one that lacks a scope.
"""

import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from keyturn.cli.showcase import fleet, flows, grants, okta_log_in, people
from keyturn.cli.showcase.cast import (
    API,
    DAY,
    FREE_CROWDED,
    HOUR,
    PARTS,
    WEB,
    add_free,
    arrivals,
)
from keyturn.cli.showcase.history import Act
from keyturn.cli.showcase.stage import Stage
from keyturn.domain.connection import ServiceApp
from keyturn.domain.destination_kinds import Kind
from keyturn.domain.errors import Forbidden
from keyturn.domain.sensitive import Sensitive
from keyturn.sandbox import Fault
from keyturn.sandbox.routes.secrets import COLLECTION as SECRETS
from keyturn.services.connections import OktaConnectionDraft, create_okta_connection
from keyturn.services.destinations import DestinationDraft, create_destination
from keyturn.services.orders import pause_turn
from keyturn.services.rotations import RotationChange, update_rotation
from keyturn.services.schedules import ScheduleChange
from keyturn.services.secret_changes import create_secret
from keyturn.services.turns import rotate

LENGTH: Final = 100 * DAY
MINUTE: Final = timedelta(minutes=1)

Do = Callable[[Stage], Awaitable[object]]


async def begin(stage: Stage) -> None:
    """Connect the org, and let people move in."""
    told = stage.org.credentials()
    key = Sensitive(json.dumps(told["service_private_jwk"]))
    draft = OktaConnectionDraft(
        "acme-okta",
        "The workforce org, by a service app.",
        None,
        stage.org_url,
        ServiceApp(str(told["service_client_id"]), key),
    )
    stage.connection_id = (await create_okta_connection(stage.world, stage.admin, draft)).id
    await people.move_in(stage)


def story(end: datetime) -> Iterator[Act]:
    """Tell everything that people and machines do until the end."""
    yield from arrivals(end)
    yield from _daily_life(end)
    yield from _readers(end)
    yield from (Act(end - ago, do) for ago, do in _EVENTS)


def _daily_life(end: datetime) -> Iterator[Act]:
    for machine in (people.WEB_SERVER, people.ORDERS, people.DEPLOYER):
        read, log_in = (
            partial(do, name=machine) for do in (people.read_all, people.log_in_machine)
        )
        yield from (Act(end - n * DAY - 7 * HOUR, read) for n in range(1, 97, 2))
        yield from (Act(end - n * DAY - 7 * HOUR - MINUTE, log_in) for n in (12, 40, 68, 96))
    yield from (
        Act(end - n * DAY - 2 * HOUR, partial(flows.greet, name=name))
        for n, name in enumerate(("Ada", "Ben", "Grace", "Maria", "Ada"), 2)
    )


def _readers(end: datetime) -> Iterator[Act]:
    """Have readers take each new secret soon, but for one reader of the last of the checkout.

    Who is given a secret a second time has surely got it the first time.
    """
    by_name = {part.name: part.turned_at(end) for part in PARTS}
    for at in (*by_name["checkout"], *by_name["search-indexer"]):
        yield from _twice(at + 80 * MINUTE, people.WEB_SERVER)
    for at in (end - 90 * DAY, *by_name["checkout"][:-1]):
        yield from _twice(at + 2 * HOUR, people.WORKER)


def _twice(at: datetime, machine: str) -> Iterator[Act]:
    read = partial(people.read_all, name=machine)
    yield from (Act(at, read), Act(at + 10 * MINUTE, read))


async def _deliver(stage: Stage) -> None:
    names = ("ORDER_SERVICE_CLIENT_ID", "ORDER_SERVICE_CLIENT_SECRET")
    settings = {"path": "order-service.env", "format": "dotenv"}
    draft = DestinationDraft("order-service-env", Kind.FILE, API, settings, {}, only=names)
    await create_destination(stage.world, stage.admin, draft)


async def _store_secrets(stage: Stage) -> None:
    for name in ("PAYMENT_WEBHOOK_KEY", "SESSION_COOKIE_KEY"):
        value = Sensitive(stage.world.chance.random_bytes(24).hex())
        comment = "Turned by hand: no rotation keeps it."
        await create_secret(stage.world, stage.admin, WEB, name, value, comment=comment)


async def _turn(stage: Stage, who: str, name: str, *, emergency: bool = False) -> None:
    caller = await stage.caller(who)
    await rotate(stage.world, caller, stage.rotation_ids[name], emergency=emergency)


async def _try_to_turn(stage: Stage) -> None:
    with suppress(Forbidden):
        await _turn(stage, people.MARIA, "sales-reports")


async def _pause(stage: Stage) -> None:
    caller = await stage.caller(people.BEN)
    await pause_turn(stage.world, caller, stage.rotation_ids["marketing-site"])


async def _freeze(stage: Stage) -> None:
    """Let nothing turn while the warehouse is moved: what comes due meanwhile waits."""
    now = stage.clock.now()
    dates = f"{now:%Y-%m-%d}/{now + 8 * DAY:%Y-%m-%d}"
    change = RotationChange(schedule=ScheduleChange(blackouts=dates))
    await update_rotation(stage.world, stage.admin, stage.rotation_ids["data-warehouse"], change)


async def _add_at_console(stage: Stage, name: str) -> None:
    with stage.org.at_console():
        stage.org.create_secret(stage.app_ids[name])


async def _deactivate_at_console(stage: Stage, name: str) -> None:
    with stage.org.at_console():
        stage.org.deactivate_app(stage.app_ids[name])


async def _break(stage: Stage, fault: Fault) -> None:
    stage.org.add_fault(fault)


async def _mend(stage: Stage) -> None:
    stage.org.remove_fault()


_LOST_ANSWER: Final = Fault("drop-after-effect", method="POST", route=SECRETS, count=1)
_DOWN: Final = Fault("error-before-effect", method="GET", route="/api/v1/users", status=503)

_EVENTS: Final[Sequence[tuple[timedelta, Do]]] = (
    (95 * DAY, _store_secrets),
    (88 * DAY, _deliver),
    (61 * DAY, partial(_turn, who=people.GRACE, name="storefront-dev")),
    (45 * DAY, grants.connect_workflows),
    (44 * DAY, okta_log_in.let_people_in),
    (40 * DAY, flows.save_flows),
    (47 * DAY, _try_to_turn),
    (34 * DAY, partial(_break, fault=_LOST_ANSWER)),
    (24 * DAY, add_free),
    (20 * DAY + 12 * HOUR, grants.connect_by_copy),
    (16 * DAY, fleet.take_inventory),
    (15 * DAY, fleet.set_policies),
    (14 * DAY, partial(_break, fault=_DOWN)),
    (13 * DAY, _mend),
    (13 * DAY, partial(fleet.roll_out, draft=fleet.TOOLS)),
    (9 * DAY, partial(_turn, who=people.BEN, name="search-indexer", emergency=True)),
    (8 * DAY, partial(_add_at_console, name=FREE_CROWDED[0])),
    (6 * DAY, _freeze),
    (5 * DAY, fleet.excuse),
    (4 * DAY, partial(fleet.close_leak, name="order-service")),
    (3 * DAY, partial(_add_at_console, name="warehouse-sync")),
    (2 * DAY + 12 * HOUR, grants.end_grant),
    (26 * HOUR, partial(_add_at_console, name="sales-reports")),
    (6 * HOUR, _pause),
    (25 * HOUR, partial(_deactivate_at_console, name="storefront-dev")),
    (2 * HOUR, partial(fleet.roll_out, draft=fleet.BEFORE_THE_SALE)),
    (40 * MINUTE, partial(grants.use, name="okta")),
    (35 * MINUTE, partial(grants.use, name="okta-devices")),
)
"""How long before the end somebody does what."""
