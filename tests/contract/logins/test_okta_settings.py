"""What an operator has set reaches those who log people in."""

from pathlib import Path

from keyturn.bootstrap.opening import initialise, opened
from keyturn.services.okta_logins import offered, origin
from keyturn.settings import Settings


async def test_a_log_in_that_is_set_is_offered(tmp_path: Path) -> None:
    """By the settings of the process alone: nothing of it is stored."""
    plain = {"data_dir": tmp_path / "data", "public_url": "https://keyturn.example.com"}
    told = {
        "login_registration": "example/prod/:okta-login",
        "login_issuer": "https://example.okta.com/oauth2/default",
        "login_groups": "Admins=admin",
    }
    await initialise(Settings.model_validate(plain))
    async with opened(Settings.model_validate(plain | told)) as world:
        assert (offered(world), origin(world)) == (True, "https://example.okta.com")
    async with opened(Settings.model_validate(plain)) as world:
        assert not offered(world)
