"""Root keys wrapped by AWS KMS (its API reference: Encrypt, Decrypt).

Each is bound to its installation by the encryption context, which CloudTrail shows and a policy can
ask for. boto3 finds credentials and, for a key that is not named by its ARN, the region.
"""

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final

from keyturn.adapters.crypto.root_key import RootKeyUnusable
from keyturn.adapters.crypto.wrapped_key import WrappedKey

PREFIX: Final = "aws:"

_CONNECT_S: Final = 3
_ANSWER_S: Final = 5
_TRIES: Final = 2

_REMEDIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "AccessDeniedException": "allow this process kms:Encrypt and kms:Decrypt by the key",
        "DisabledException": "enable the key",
        "KMSInvalidStateException": "enable the key, or cancel its deletion",
        "NotFoundException": "look whether the key and its region are right",
        "InvalidCiphertextException": "the file was changed or is another key's: restore it",
        "IncorrectKeyException": "the file was changed or is another key's: restore it",
        "ExpiredTokenException": "give this process valid AWS credentials",
        "UnrecognizedClientException": "give this process valid AWS credentials",
        "NoCredentialsError": "give this process AWS credentials",
        "NoRegionError": "name the key by its ARN, or set AWS_REGION",
        "EndpointConnectionError": "look at the network and at the AWS region's state",
        "ConnectTimeoutError": "look at the network and at the AWS region's state",
        "ReadTimeoutError": "look at the network and at the AWS region's state",
    }
)
_OTHERWISE: Final = "look it up in the AWS KMS API reference"


class AwsKms:
    """Wrap and unwrap by AWS KMS."""

    def wrap(self, key: bytes, kms_key: str, installation: str) -> WrappedKey:
        """Wrap a root key, bound to an installation. Raises RootKeyUnusable."""
        name, context = _name(kms_key), _context(installation)
        answer = _ask("encrypt", KeyId=name, Plaintext=key, EncryptionContext=context)
        return WrappedKey(PREFIX + answer["KeyId"], installation, answer["CiphertextBlob"])

    def unwrap(self, wrapped: WrappedKey) -> bytes:
        """Return a root key that was wrapped. Raises RootKeyUnusable."""
        name, context = _name(wrapped.kms_key), _context(wrapped.installation)
        answer = _ask(
            "decrypt", KeyId=name, CiphertextBlob=wrapped.sealed, EncryptionContext=context
        )
        return bytes(answer["Plaintext"])


def _name(kms_key: str) -> str:
    if not kms_key.startswith(PREFIX):
        raise RootKeyUnusable(f"The root key is wrapped by {kms_key}, which Keyturn does not know.")
    return kms_key.removeprefix(PREFIX)


def _context(installation: str) -> Mapping[str, str]:
    return {"keyturn:installation": installation, "keyturn:holds": "root key"}


def _ask(operation: str, **asked: object) -> Mapping[str, Any]:
    """Return AWS's answer; of a refusal only the code is told, which carries no value."""
    try:
        sdk, config = import_module("boto3"), import_module("botocore.config")
        errors = import_module("botocore.exceptions")
    except ModuleNotFoundError:
        told = "A root key in AWS KMS needs one more package: pip install '.[aws]' in the checkout."
        raise RootKeyUnusable(told) from None
    patience = config.Config(
        connect_timeout=_CONNECT_S,
        read_timeout=_ANSWER_S,
        retries={"total_max_attempts": _TRIES, "mode": "standard"},
    )
    name = str(asked["KeyId"])
    try:
        client = sdk.client("kms", region_name=_region(name), config=patience)
        answer: Mapping[str, Any] = getattr(client, operation)(**asked)
        return answer
    except errors.ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", "no code"))
    except errors.BotoCoreError as error:
        code = type(error).__name__
    remedy = _REMEDIES.get(code, _OTHERWISE)
    raise RootKeyUnusable(f"AWS KMS did not {operation} by {name} ({code}): {remedy}.")


def _region(name: str) -> str | None:
    """Return the region that an ARN names; where it is none, boto3 chooses."""
    parts = name.split(":")
    return parts[3] if len(parts) > 3 else None
