"""Destinations of a whole installation: past the guard on addresses, with no value left behind."""

import json
from pathlib import Path

import pytest

from keyturn.bootstrap.opening import initialise, opened
from keyturn.domain.access import ADMIN, Caller, Holding
from keyturn.domain.destination import State
from keyturn.domain.destination_kinds import Kind
from keyturn.domain.errors import AddressRefused
from keyturn.domain.sensitive import Sensitive
from keyturn.services.destinations import DestinationDraft, create_destination, deliver_now
from keyturn.services.duties import DUTIES
from keyturn.services.projects import Where
from keyturn.services.secret_changes import create_secret
from keyturn.settings import Settings

PLACE = Where("example", "dev")
KEY = {"secret": Sensitive("whsec_" + "Y2FuYXJ5LWtleS0" * 4)}


def hook(url: str) -> DestinationDraft:
    """Return a webhook at an address."""
    return DestinationDraft("hook", Kind.WEBHOOK, PLACE, {"url": url}, KEY)


async def test_a_tick_writes_the_file_and_no_value_anywhere_else(tmp_path: Path) -> None:
    """The file holds the value; database, its log and its folder do not, nor the credential."""
    folder = tmp_path / "out"
    settings = Settings.model_validate({"data_dir": tmp_path / "data", "delivery_dir": folder})
    installed = await initialise(settings)
    admin = Caller("i", "i", installed.organization.id, (Holding(ADMIN),))
    async with opened(settings) as world:
        await create_secret(world, admin, PLACE, "A", Sensitive("canary-value"))
        draft = DestinationDraft("file", Kind.FILE, PLACE, {"path": "web/app.json"}, {})
        await create_destination(world, admin, draft)
        with pytest.raises(AddressRefused):
            await create_destination(world, admin, hook("http://hook.example.com"))
        made = await create_destination(world, admin, hook("https://127.0.0.1:9"))
        for duty in DUTIES:
            await duty.discharge(world)
        seen = await deliver_now(world, admin, made.destination.id)
    assert json.loads((folder / "web/app.json").read_text()) == {"A": "canary-value"}
    assert seen.destination.state is State.BLOCKED
    assert "not on the public internet" in seen.destination.told
    kept = b"".join(each.read_bytes() for each in (tmp_path / "data").iterdir() if each.is_file())
    assert b"canary" not in kept
    assert KEY["secret"].reveal().encode() not in kept
