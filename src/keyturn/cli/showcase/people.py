"""Who uses the installation: people and machines, what they may do, and what they read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from keyturn.cli.showcase.cast import API, OFFICE, WEB
from keyturn.cli.showcase.stage import Stage
from keyturn.domain.access import Grant, Verb
from keyturn.domain.sensitive import Sensitive
from keyturn.services.environments import create_project
from keyturn.services.folders import create_folder
from keyturn.services.identity_changes import create_identity
from keyturn.services.logins import log_in
from keyturn.services.memberships import Asked, add_member
from keyturn.services.people import create_person
from keyturn.services.projects import Where
from keyturn.services.roles import RoleDraft, create_role
from keyturn.services.secrets import read_secret
from keyturn.services.universal_auth import (
    Rules,
    configure_universal_auth,
    create_client_secret,
    read_universal_auth,
)

GRACE, BEN, MARIA = "grace@acme.example", "ben@acme.example", "maria@acme.example"
WEB_SERVER, WORKER, ORDERS, DEPLOYER = "web-server", "checkout-worker", "orders", "deployer"

RELEASES: Final = RoleDraft(
    "Release manager",
    "Turns what runs in production, and pauses it for a release.",
    (
        Grant(frozenset({Verb.READ_PROJECT, Verb.READ_ROTATIONS, Verb.DESCRIBE_SECRETS})),
        Grant(frozenset({Verb.ROTATE, Verb.DELIVER}), ("prod", "staging")),
    ),
)
SERVICES: Final = RoleDraft(
    "Service",
    "Reads what its kind of service needs in production.",
    (Grant(frozenset({Verb.READ_SECRETS, Verb.DESCRIBE_SECRETS}), ("prod",), ("/web", "/api")),),
)


@dataclass(frozen=True)
class Somebody:
    """Where an identity holds which role."""

    name: str
    project: str
    role: str


EVERYBODY: Final = (
    Somebody(GRACE, "example", "developer"),
    Somebody(BEN, "example", "release-manager"),
    Somebody(MARIA, "back-office", "viewer"),
    Somebody(WEB_SERVER, "example", "service"),
    Somebody(WORKER, "example", "service"),
    Somebody(ORDERS, "example", "service"),
    Somebody(DEPLOYER, "back-office", "developer"),
)

READ: Final[Mapping[str, Sequence[tuple[Where, str]]]] = {
    WEB_SERVER: [
        (WEB, "CUSTOMER_PORTAL_CLIENT_SECRET"),
        (WEB, "CHECKOUT_CLIENT_SECRET"),
        (API, "SEARCH_INDEXER_CLIENT_SECRET"),
    ],
    WORKER: [(WEB, "CHECKOUT_CLIENT_SECRET")],
    ORDERS: [(API, "ORDER_SERVICE_CLIENT_SECRET"), (API, "MOBILE_GATEWAY_CLIENT_SECRET")],
    DEPLOYER: [(OFFICE, "JENKINS_CLIENT_SECRET"), (OFFICE, "GRAFANA_CLIENT_SECRET")],
}
"""What each machine reads, once it is there."""


async def move_in(stage: Stage) -> None:
    """Make projects, folders, roles, and those who hold them."""
    world, admin = stage.world, stage.admin
    await create_project(world, admin, "Back office", slug=OFFICE.project)
    for where in (WEB, API):
        above = Where(where.project, where.environment)
        await create_folder(world, admin, above, where.path.strip("/"))
    await create_role(world, admin, "example", "release-manager", RELEASES)
    await create_role(world, admin, "example", "service", SERVICES)
    for each in EVERYBODY:
        await _admit(stage, each)


async def _admit(stage: Stage, each: Somebody) -> None:
    world, admin = stage.world, stage.admin
    if "@" in each.name:
        secret = Sensitive(world.chance.random_bytes(16).hex())
        identity = (await create_person(world, admin, each.name, secret)).identity
    else:
        identity = (await create_identity(world, admin, each.name)).identity
        await configure_universal_auth(world, admin, identity.id, Rules())
    stage.identity_ids[each.name] = identity.id
    await add_member(world, admin, Asked(each.project, identity.id), [each.role])


async def log_in_machine(stage: Stage, name: str) -> None:
    """Have a machine log in with a client secret of its own, made for it now."""
    world, admin, its_id = stage.world, stage.admin, stage.identity_ids[name]
    _, value = await create_client_secret(world, admin, its_id, description="Deployed with it.")
    auth = await read_universal_auth(world, admin, its_id)
    await log_in(world, client_id=auth.client_id, client_secret=value, address="10.20.0.7")


async def read_all(stage: Stage, name: str) -> None:
    """Have a machine read all that it reads and that is there by now."""
    caller = await stage.caller(name)
    for where, secret in READ[name]:
        if _rotation_of(secret) in stage.rotation_ids:
            await read_secret(stage.world, caller, where, secret)


def _rotation_of(secret: str) -> str:
    return secret.removesuffix("_CLIENT_SECRET").lower().replace("_", "-")
