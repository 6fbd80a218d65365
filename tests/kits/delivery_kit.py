"""Destinations made in a line, and errands for those who carry."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from rig import PLACE, Rig

from keyturn.domain.destination import Delivery, Destination
from keyturn.domain.destination_kinds import Kind
from keyturn.domain.ids import VersionNo
from keyturn.domain.sensitive import Sensitive
from keyturn.services.destinations import DestinationDraft, create_destination
from keyturn.services.ports import Errand, Item
from keyturn.services.secret_changes import SecretChange, create_secret, update_secret
from keyturn.testing import FakeCarriers

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOOK = DestinationDraft(
    "hook",
    Kind.WEBHOOK,
    PLACE,
    {"url": "https://hook.example.com"},
    {"secret": Sensitive("whsec_" + "Y2FuYXJ5LWtleS0" * 4)},
)
GITHUB = DestinationDraft(
    "github", Kind.GITHUB, PLACE, {"repository": "o/r"}, {"token": Sensitive("canary-token")}
)
FILE = DestinationDraft("file", Kind.FILE, PLACE, {"path": "app.json"}, {})


def carriers(rig: Rig) -> FakeCarriers:
    """Return what carries in a rig."""
    assert isinstance(rig.world.carriers, FakeCarriers)
    return rig.world.carriers


async def put(rig: Rig, name: str, value: str) -> None:
    """Store a new secret."""
    await create_secret(rig.world, rig.admin, PLACE, name, Sensitive(value))


async def change(rig: Rig, name: str, value: str) -> None:
    """Give a secret another value."""
    await update_secret(rig.world, rig.admin, PLACE, name, SecretChange(Sensitive(value)))


async def destination(rig: Rig, draft: DestinationDraft = HOOK, **changes: object) -> Destination:
    """Create a destination."""
    made = await create_destination(rig.world, rig.admin, replace(draft, **changes))  # type: ignore[arg-type]  # fields of the draft
    return made.destination


async def stored(rig: Rig, one: Destination) -> Destination:
    """Return a destination as it stands."""
    async with rig.world.store.reading() as tx:
        found = await tx.find(Destination, id=one.id)
    assert found is not None
    return found


async def had(rig: Rig, one: Destination) -> dict[str, int]:
    """Return the version of each name that a destination has confirmed."""
    async with rig.world.store.reading() as tx:
        every = await tx.list(Delivery, destination_id=one.id)
    return {each.target: each.version for each in every}


def errand(
    settings: Mapping[str, str], credential: Mapping[str, str], values: Mapping[str, str]
) -> Errand:
    """Return what is to be brought, held by whoever asks."""
    return Errand(
        id="msg_1",
        place="example/dev/",
        at=NOW,
        settings=settings,
        credential={name: Sensitive(part) for name, part in credential.items()},
        items=tuple(Item(name, Sensitive(value), VersionNo(1)) for name, value in values.items()),
        still_held=lambda: None,
    )
