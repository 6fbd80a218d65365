"""Infisical's own Python SDK, unmodified, over a socket."""

import asyncio
from typing import Any

import pytest
from infisical_sdk import InfisicalError, InfisicalSDKClient

from keyturn.domain.okta import secret_hash
from keyturn.domain.sensitive import Sensitive

pytestmark = pytest.mark.slow

DEV = {"environment_slug": "dev", "secret_path": "/"}


def logged_in(installation: Any, client_secret: str) -> InfisicalSDKClient:  # noqa: ANN401
    """Log in as the machine identity, without the SDK's cache."""
    sdk = InfisicalSDKClient(host=installation.url, cache_ttl=None)
    client_id = installation.installed.client_id
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


def write(installation: Any) -> dict[str, Any]:  # noqa: ANN401  the SDK is not typed
    """Create, change, read and delete a secret, and tell what was answered."""
    secrets = logged_in(installation, installation.installed.client_secret.reveal()).secrets
    where = DEV | {"project_id": installation.installed.project.id}
    made = secrets.create_secret_by_name(
        secret_name="KEY",
        secret_value="first",
        secret_comment="why",
        skip_multiline_encoding=True,
        secret_metadata=[{"key": "owner", "value": "us"}],
        **where,
    )
    changed = secrets.update_secret_by_name(
        current_secret_name="KEY", secret_value="second", new_secret_name="OTHER", **where
    )
    first = secrets.get_secret_by_name(secret_name="OTHER", version="1", **where)
    listed = secrets.list_secrets(**where).secrets
    gone = secrets.delete_secret_by_name(secret_name="OTHER", **where)
    return {"made": made, "changed": changed, "first": first, "listed": listed, "gone": gone}


async def test_infisical_sdk_writes_secrets(
    installation: Any,  # noqa: ANN401  the fixture
) -> None:
    """The SDK creates, renames, reads by version and deletes, and parses every answer."""
    await installation.start()
    told = await asyncio.to_thread(write, installation)
    assert (told["made"].secretKey, told["made"].secretComment) == ("KEY", "why")
    assert (told["changed"].secretKey, told["changed"].version) == ("OTHER", 2)
    assert told["first"].secretValue == "first"
    assert [(each.secretKey, each.secretValue) for each in told["listed"]] == [("OTHER", "second")]
    assert told["gone"].secretKey == "OTHER"


def arrange(installation: Any) -> dict[str, Any]:  # noqa: ANN401  the SDK is not typed
    """Create, read, rename, list and delete folders, and tell what was answered."""
    sdk = logged_in(installation, installation.installed.client_secret.reveal())
    where = {"environment_slug": "dev", "project_id": installation.installed.project.id}
    folders = sdk.folders
    made = folders.create_folder(name="app", path="/team", description="ours", **where)
    read_back = folders.get_folder_by_id(id=made.id)
    renamed = folders.update_folder(folder_id=made.id, name="shop", path="/team", **where)
    listed = folders.list_folders(path="/", recursive=True, **where).folders
    gone = folders.delete_folder(folder_id_or_name="team", path="/", force_delete=True, **where)
    left = folders.list_folders(path="/", **where).folders
    return {
        "made": made,
        "read": read_back,
        "renamed": renamed,
        "listed": listed,
        "gone": gone,
        "left": left,
    }


async def test_infisical_sdk_arranges_folders(
    installation: Any,  # noqa: ANN401  the fixture
) -> None:
    """The SDK makes a folder with its parent, and parses every answer."""
    await installation.start()
    told = await asyncio.to_thread(arrange, installation)
    assert (told["made"].name, told["made"].path) == ("app", "/team/app")
    assert told["read"].environment.envSlug == "dev"
    assert told["renamed"].path == "/team/shop"
    assert [each.name for each in told["listed"]] == ["team", "shop"]
    assert told["gone"].name == "team"
    assert told["left"] == []
