"""Who uses which version of a secret, by what they read and by what they say (ours)."""

from pydantic import Field

from keyturn.wire.base import TEXT_MAX, Instant, Text, Whole, Wire
from keyturn.wire.secrets import VERSION_MAX, SecretPlace


class Acknowledge(SecretPlace):
    """The caller uses this version of a secret from now on."""

    secret_name: Text
    version: Whole = Field(ge=1, le=VERSION_MAX)


class Acknowledgement(Wire):
    """What is on record: the latest version of the secret that the caller says it uses."""

    identity_id: str
    secret_name: str
    environment: str
    secret_path: str
    version: int
    acknowledged_at: Instant


class AcknowledgementAnswer(Wire):
    """What is on record now."""

    acknowledgement: Acknowledgement


class ReadHolders(SecretPlace):
    """A query for those who hold a secret."""

    secret_name: str = Field(min_length=1, max_length=TEXT_MAX)


class Holder(Wire):
    """An identity, and what it may use.

    ``version`` is what it holds at least, ``given_version`` what it was given last, about
    ``read_at``, and ``acknowledged_version`` what it said that it uses. ``newest`` says that it
    holds what is served.
    """

    identity_id: str
    identity_name: str
    version: int
    newest: bool
    given_version: int
    read_at: Instant
    acknowledged_version: int | None
    acknowledged_at: Instant | None


class HoldersAnswer(Wire):
    """The version of a secret that is served, and who holds which; the oldest come first."""

    secret_name: str
    environment: str
    secret_path: str
    current_version: int | None
    holders: tuple[Holder, ...]
