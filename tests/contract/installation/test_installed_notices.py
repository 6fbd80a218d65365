"""Whom a whole installation tells of its connections, by its settings."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from keyturn.bootstrap.opening import initialise, opened
from keyturn.domain.errors import AddressRefused
from keyturn.settings import CREDENTIALS, Settings

URL = "https://notices.example.com/keyturn"
KEY = "whsec_" + "Y2FuYXJ5LWtleS0" * 4


def settings(folder: Path, **given: str) -> Settings:
    """Return settings of an installation of its own."""
    return Settings.model_validate({"data_dir": folder / "data", **given})


async def test_notices_go_to_the_address_of_the_settings(tmp_path: Path) -> None:
    """With an address and a key there is somebody to tell, and links lead to the public address."""
    given = {"notify_url": URL, "notify_secret": KEY, "public_url": "https://keyturn.example.com"}
    whole = settings(tmp_path, **given)
    await initialise(whole)
    async with opened(whole) as world:
        assert world.notifier.anybody
        assert world.limits.public_url == given["public_url"]
    async with opened(settings(tmp_path)) as world:
        assert not world.notifier.anybody


async def test_an_address_that_cannot_be_one_opens_nothing(tmp_path: Path) -> None:
    """It is told at the start, and not when something is to be told."""
    whole = settings(tmp_path)
    await initialise(whole)
    unfit = settings(tmp_path, notify_url="http://notices.example.com", notify_secret=KEY)
    with pytest.raises(AddressRefused, match="receiver of notices"):
        async with opened(unfit):
            pass


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"notify_url": URL}, "go together"),
        ({"notify_secret": KEY}, "go together"),
        ({"notify_url": URL, "notify_secret": "canary"}, "must be whsec_"),
        ({"notify_url": URL, "notify_secret": "whsec_Y2FuYXJ5"}, "24 to 64 bytes"),
        ({"notify_url": URL, "notify_secret": KEY.removeprefix("whsec_")}, "must be whsec_"),
    ],
    ids=["no key", "no address", "no key at all", "too short", "no prefix"],
)
def test_address_and_key_belong_together(tmp_path: Path, given: dict[str, str], told: str) -> None:
    """What does not fit is refused with its rule, and nothing of the key is shown."""
    with pytest.raises(ValidationError, match=told) as refused:
        settings(tmp_path, **given)
    assert "anary" not in str(refused.value)
    assert KEY not in str(refused.value)


def test_the_key_is_a_credential_of_ours() -> None:
    """It is passed on to no process that commands start."""
    assert "KEYTURN_NOTIFY_SECRET" in CREDENTIALS
