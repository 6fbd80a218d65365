"""Infisical's own Python SDK, unmodified, over a socket."""

import asyncio
from typing import Any

import pytest
from infisical_sdk import InfisicalError, InfisicalSDKClient

from keyturn.domain.okta import secret_hash
from keyturn.domain.sensitive import Sensitive

DEV = {"environment_slug": "dev", "secret_path": "/"}


def logged_in(installation: Any, client_secret: str) -> InfisicalSDKClient:  # noqa: ANN401
    """Log in as the machine identity, without the SDK's cache."""
    sdk = InfisicalSDKClient(host=installation.url, cache_ttl=None)
    client_id = installation.installed.identity.client_id
    sdk.auth.universal_auth.login(client_id=client_id, client_secret=client_secret)
    return sdk


def read(installation: Any) -> tuple[Any, dict[str, str]]:  # noqa: ANN401  the SDK is not typed
    """Read the mapped secret by name, and the names and values of its folder."""
    sdk = logged_in(installation, installation.installed.client_secret.reveal())
    where = DEV | {"project_id": installation.installed.project.id}
    listed = sdk.secrets.list_secrets(**where).secrets
    one = sdk.secrets.get_secret_by_name(secret_name="OKTA_CLIENT_SECRET", **where)
    return one, {secret.secretKey: secret.secretValue for secret in listed}


async def test_infisical_sdk_reads_the_mapped_secret(
    installation: Any,  # noqa: ANN401  the fixture
) -> None:
    """The SDK logs in with universal auth and is given what Okta accepts, before and after."""
    await installation.start()
    rotation_id = await installation.create_rotation()
    first, listed = await asyncio.to_thread(read, installation)
    app = installation.app
    assert listed == {
        "OKTA_CLIENT_ID": app["client_id"],
        "OKTA_CLIENT_SECRET": app["client_secret"],
    }
    path = f"/api/v2/secret-rotations/okta-client-secret/{rotation_id}/rotate-secrets"
    await installation.ask("POST", path)
    second, _ = await asyncio.to_thread(read, installation)
    served = secret_hash(Sensitive(second.secretValue))
    assert served == installation.secrets_at_okta()[1]["hash"]
    assert (first.version, second.version) == (1, 2)


async def test_infisical_sdk_is_told_why_it_may_not_log_in(
    installation: Any,  # noqa: ANN401  the fixture
) -> None:
    """A wrong client secret reaches the SDK's user as a sentence."""
    await installation.start()
    with pytest.raises(InfisicalError, match="is wrong"):
        await asyncio.to_thread(logged_in, installation, "wrong")
