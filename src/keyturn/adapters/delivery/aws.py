"""Secrets in AWS Secrets Manager: one each, or all as one JSON document.

Whoever configures a region reaches AWS there and nobody else: no other endpoint can be named.
"""

import asyncio
import json
from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from typing import Protocol, cast

from keyturn.adapters.delivery.calls import differs
from keyturn.domain.errors import DestinationAway, DestinationRefused
from keyturn.services.ports import Errand

WHO = "AWS Secrets Manager"
PASSING = frozenset(
    {
        "InternalServiceError",
        "InternalFailure",
        "LimitExceededException",
        "RequestLimitExceeded",
        "ResourceExistsException",
        "ServiceUnavailable",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
"""AWS's codes for what may be otherwise in a while."""
ABSENT = "ResourceNotFoundException"


class _Client(Protocol):
    """What is used of boto3's client."""

    def get_secret_value(self, **asked: str) -> Mapping[str, str]: ...
    def put_secret_value(self, **asked: str) -> Mapping[str, str]: ...
    def create_secret(self, **asked: str) -> Mapping[str, str]: ...


async def deliver(errand: Errand, limit_s: float, endpoint: str | None = None) -> str:
    """Write the items unless they are there, and read them back; ``endpoint`` is for tests."""
    return await asyncio.to_thread(_deliver, errand, limit_s, endpoint)


def _deliver(errand: Errand, limit_s: float, endpoint: str | None) -> str:
    core = _library("botocore.exceptions")
    try:
        client = _open(errand, limit_s, endpoint)
        return "; ".join(_bring(client, errand, name) for name in _names(errand))
    except core.ClientError as error:
        told = error.response
        status = told.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        raise _said(str(told.get("Error", {}).get("Code", "")), status) from None
    except core.BotoCoreError as error:
        raise DestinationAway(f"No answer came from {WHO} ({type(error).__name__}).") from None


def _names(errand: Errand) -> list[str]:
    one = errand.settings.get("secret")
    return [one] if one else [item.name for item in errand.items]


def _bring(client: _Client, errand: Errand, name: str) -> str:
    values = {item.name: item.value.reveal() for item in errand.items}
    whole = "secret" in errand.settings
    kept, version = _read(client, name)
    wanted = _merged(kept, values) if whole else values[name]
    if kept != wanted:
        errand.still_held()
        _write(client, name, wanted, absent=kept is None, key=errand.settings.get("kmsKey"))
        kept, version = _read(client, name)
    if kept != wanted:
        raise differs(WHO)
    return f"version {version}"


def _read(client: _Client, name: str) -> tuple[str | None, str]:
    """Return what is current there, and its version; None where there is no such secret."""
    try:
        told = client.get_secret_value(SecretId=name)
    except _library("botocore.exceptions").ClientError as error:
        if error.response.get("Error", {}).get("Code") == ABSENT:
            return None, ""
        raise
    if "SecretString" not in told:
        raise DestinationRefused(f"A secret of this name in {WHO} is binary: name another one.")
    return told["SecretString"], told["VersionId"]


def _write(client: _Client, name: str, wanted: str, *, absent: bool, key: str | None) -> None:
    if absent:
        sealed_by = {"KmsKeyId": key} if key else {}
        client.create_secret(Name=name, SecretString=wanted, **sealed_by)
    else:
        client.put_secret_value(SecretId=name, SecretString=wanted)


def _merged(kept: str | None, values: Mapping[str, str]) -> str:
    """Return the document with our values in it; those of others stay."""
    try:
        document = json.loads(kept or "{}")
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise DestinationRefused(
            "The secret in AWS holds something else than a JSON object: name another one."
        )
    after = {**document, **values}
    return kept if kept and after == document else json.dumps(after)


def _open(errand: Errand, limit_s: float, endpoint: str | None) -> _Client:
    credential, token = errand.credential, errand.credential.get("sessionToken")
    config = _library("botocore.config").Config(
        connect_timeout=limit_s / 3,
        read_timeout=limit_s * 2 / 3,
        proxies={},
        retries={"total_max_attempts": 1},
    )
    opened = (
        _library("boto3")
        .Session()
        .client(
            "secretsmanager",
            region_name=errand.settings["region"],
            endpoint_url=endpoint,
            aws_access_key_id=credential["accessKeyId"].reveal(),
            aws_secret_access_key=credential["secretAccessKey"].reveal(),
            aws_session_token=token.reveal() if token else None,
            config=config,
        )
    )
    return cast("_Client", opened)


def _said(code: str, status: int) -> DestinationAway | DestinationRefused:
    """Return what AWS said no with; its messages may repeat names, and are not told on."""
    if code in PASSING or status >= 500:
        return DestinationAway(f"{WHO} cannot take it now ({code}).")
    return DestinationRefused(
        f"{WHO} refused ({code}): the account's administrator permits the access key to get, put "
        "and create the secrets, or `keyturn destination update` takes another."
    )


def _library(name: str) -> ModuleType:
    """Return a part of boto3, which is an extra."""
    try:
        return import_module(name)
    except ImportError:
        raise DestinationRefused(
            f"{WHO} needs a library that is not installed: pip install '.[aws]' in the checkout."
        ) from None
