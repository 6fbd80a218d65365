"""Client registrations and those who use their secrets elsewhere (ours)."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, JsonValue, StrictBool, StringConstraints

from keyturn.wire.base import FolderPath, Id, Instant, Text, Wire

Connector = Literal["okta", "okta-devices", "api"]
Scheme = Literal["oauth", "basic", "header", "none"]
Standing = Literal["unproved", "accepted", "rejected"]
Adoption = Literal["live", "reload", "restart"]
Proof = Literal["word", "log"]

CLIENT_ID_MAX = 512
SECRET_MAX = 65_536
URL_MAX = 2048
HOSTS_MAX = 20
VERSION_MAX = 2**31 - 1

ClientId = Annotated[str, StringConstraints(max_length=CLIENT_ID_MAX)]
ClientSecret = Annotated[str, StringConstraints(min_length=1, max_length=SECRET_MAX)]
Document = dict[str, JsonValue]


class ClientCredential(Wire):
    """What a client authenticates with: a secret of its own, or stored ones by their names.

    ``rotation`` names a rotation of the same folder that keeps client id and secret, ``secretName``
    and ``clientIdName`` name secrets there. A private key, or a certificate and its key in PEM, is
    a ``clientSecret`` too. For ``basic`` they are user name and password; for ``header`` the name
    of a header and its value.
    """

    client_id: ClientId | None = None
    client_secret: ClientSecret | None = Field(default=None, repr=False)
    rotation: Text | None = None
    secret_name: Text | None = None
    client_id_name: Text | None = None


class CreateRegistration(ClientCredential):
    """A client registration as somebody asks for it.

    The connectors of Okta take the ``domain`` of an org, and the connector ``api`` a ``preset``: a
    service that is known, with the ``tenant`` where it has many. An ``issuer`` is asked how it is
    spoken to, with endpoints at ``foreignHosts`` besides its own, and comes before a preset; what
    the ``provider`` document says comes before all of them.
    """

    name: Text
    project_id: Text
    environment: Text
    secret_path: FolderPath = "/"
    description: str | None = None
    connector: Connector = "api"
    scheme: Scheme = "oauth"
    domain: Text | None = None
    preset: Text | None = None
    tenant: Text | None = None
    issuer: Annotated[str, StringConstraints(max_length=URL_MAX)] | None = None
    foreign_hosts: Annotated[tuple[Text, ...], Field(max_length=HOSTS_MAX)] = ()
    provider: Document | None = None


class UpdateRegistration(ClientCredential):
    """What to change; another ``provider`` takes the secret again, as none is sent elsewhere.

    Another secret is proved first: one that the server rejects changes nothing. Without a client
    id the registration keeps its own.
    """

    name: Text | None = None
    description: str | None = None
    provider: Document | None = None


class Registration(Wire):
    """A client registration, without what it authenticates with.

    ``version`` is that of its secret now, ``provedVersion`` the newest that its server has ever
    accepted; ``standing`` is how ``testedVersion`` was taken at ``testedAt``, as ``testedBy`` told,
    and ``message`` why it was rejected. What the ``provider`` document holds, everybody sees who
    may see the registration: a value in it that is secret is a reference to one.
    """

    id: str
    name: str
    project_id: str
    environment: str
    secret_path: str
    description: str | None
    connector: str
    scheme: Scheme
    provider: Mapping[str, JsonValue]
    client_id: str
    secret_name: str | None
    client_id_name: str | None
    standing: Standing
    message: str
    version: int
    proved_version: int
    tested_version: int
    tested_at: Instant | None
    tested_by: str
    next_test_at: Instant | None
    connections: int
    created_at: Instant
    updated_at: Instant


class RegistrationAnswer(Wire):
    """One client registration."""

    registration: Registration


class RegistrationsAnswer(Wire):
    """The client registrations of a project."""

    registrations: tuple[Registration, ...]


class CreateConsumer(Wire):
    """Somebody elsewhere who uses the registration's secret, and how they come to a new one.

    ``identityId`` is who they read it as here: then a read of a ``live`` consumer confirms it. A
    turn waits for a ``required`` one.

    ``workflowsConnection`` is the name of a connection inside Okta Workflows, as Okta's System Log
    shows it: then that log confirms the consumer too.
    """

    name: Text
    adoption: Adoption
    identity_id: Id | None = None
    note: str | None = None
    required: StrictBool = True
    workflows_connection: Text | None = None


class ConfirmConsumer(Wire):
    """The version that a consumer uses by now; without one, that which is served."""

    version: Annotated[int, Field(ge=1, le=VERSION_MAX)] | None = None


class Consumer(Wire):
    """A consumer, and the newest version that it is known to use, as ``confirmedBy`` tells.

    Of a connection inside Okta Workflows: ``judgedVersion`` is what Okta's System Log was last
    asked about, ``touchedAt`` when an admin had created or reauthorized it by then, and ``lacks``
    what it still lacked.
    """

    id: str
    name: str
    adoption: Adoption
    identity_id: str | None
    note: str | None
    required: bool
    confirmed_version: int
    confirmed_at: Instant | None
    confirmed_by: Proof = "word"
    workflows_connection: str | None = None
    judged_version: int = 0
    touched_at: Instant | None = None
    lacks: str = ""
    created_at: Instant


class ConsumerAnswer(Wire):
    """One consumer."""

    consumer: Consumer


class ConsumersAnswer(Wire):
    """The consumers of a registration's secret."""

    consumers: tuple[Consumer, ...]
