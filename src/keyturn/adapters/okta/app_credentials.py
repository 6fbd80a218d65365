"""The credentials of one client: what each kind is called at Okta, and the calls they share.

Decides bodies, the statuses that mean yes, and what a 404 means. The kinds differ in a table
of facts; what they have in common is one class.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from keyturn.adapters.okta import shapes
from keyturn.adapters.okta.answers import Answer, segment
from keyturn.adapters.okta.management import Management
from keyturn.domain.budget import PART_CALLS, Purpose
from keyturn.domain.errors import OktaRefused
from keyturn.domain.ids import AppId, CredentialId
from keyturn.domain.okta import (
    VALUE_BYTES,
    Chosen,
    Credential,
    CredentialKind,
    KeyAlgorithm,
    Status,
    client_secret_value,
    secret_hash,
    thumbprint,
)
from keyturn.domain.okta_paths import COLLECTIONS
from keyturn.domain.sensitive import Sensitive
from keyturn.jose.keys import new_private_key, public_half
from keyturn.services.ports import Chance

Members = Mapping[str, str]


@dataclass(frozen=True)
class Dialect:
    """What Okta calls one kind of credential.

    ``gone`` is by what a 404 names the credential and not its app; ``body`` renders a value of our
    own.
    """

    noun: str
    gone: str
    parse: Callable[[object], Credential]
    body: Callable[[Sensitive], Members]
    choose: Callable[[Chance, KeyAlgorithm], Chosen]


def _choose_secret(chance: Chance, algorithm: KeyAlgorithm) -> Chosen:
    value = client_secret_value(chance.random_bytes(VALUE_BYTES))
    return Chosen(value, secret_hash(value))


def _choose_key(chance: Chance, algorithm: KeyAlgorithm) -> Chosen:
    jwk = new_private_key(chance, algorithm)
    return Chosen(Sensitive(json.dumps(jwk)), thumbprint(jwk))


def _secret_body(value: Sensitive) -> Members:
    return {"client_secret": value.reveal(), "status": Status.ACTIVE}


def _key_body(value: Sensitive) -> Members:
    return {**public_half(value), "status": Status.ACTIVE}


_SECRET = Dialect(
    "client secret",
    "(OAuth2ClientSecretMediated)",
    shapes.parse_client_secret,
    _secret_body,
    _choose_secret,
)
_KEY = Dialect(
    "client key",
    "(JsonWebKey)",
    shapes.parse_client_key,
    _key_body,
    _choose_key,
)

DIALECTS: Mapping[CredentialKind, Dialect] = MappingProxyType(
    {
        CredentialKind.CLIENT_SECRET: _SECRET,
        CredentialKind.API_SERVICE_SECRET: _SECRET,
        CredentialKind.CLIENT_KEY: _KEY,
        CredentialKind.CONNECTION_KEY: _KEY,
    }
)


class HttpAppCredentials:
    """The credentials of one kind that one client has (`services.ports.AppCredentials`)."""

    def __init__(
        self, management: Management, chance: Chance, app_id: AppId, kind: CredentialKind
    ) -> None:
        self._management = management
        self._chance = chance
        self._dialect = DIALECTS[kind]
        self._collection = COLLECTIONS[kind].format(segment(app_id))

    def choose(self, algorithm: KeyAlgorithm) -> Chosen:
        """Choose a new value of our own; only a key is made for an algorithm."""
        return self._dialect.choose(self._chance, algorithm)

    async def list(self) -> tuple[Credential, ...]:
        """List them; Okta gives all of them in one answer."""
        what = f"list {self._dialect.noun}s"
        answer = await self._management.read(what, self._collection, follow=PART_CALLS - 1)
        return answer.parse(self._parse_all)

    async def add(self, value: Sensitive | None, *, mark: str = "") -> Credential:
        """Add one, ACTIVE; the caller judges what Okta says it added.

        Without a value Okta makes one, and an answer that does not show it is as good as lost.
        """
        hidden = (value,) if value else ()
        call = self._management.change(
            f"add a {self._dialect.noun}", "POST", self._collection, hidden=hidden
        )
        call = call.with_json(self._dialect.body(value)) if value else call
        call = call.marked(mark) if mark else call
        answer = (await self._management.call(call)).accept(200, 201)
        added = answer.parse(self._dialect.parse)
        if value is None and added.value is None:
            raise answer.unclear("the answer does not show the new value")
        return added

    async def activate(self, credential_id: CredentialId) -> None:
        """Activate one; Okta leaves an ACTIVE one as it is."""
        await self._set_status(credential_id, Status.ACTIVE)

    async def deactivate(self, credential_id: CredentialId) -> None:
        """Deactivate one."""
        await self._set_status(credential_id, Status.INACTIVE)

    async def delete(self, credential_id: CredentialId) -> bool:
        """Delete an INACTIVE one; a 404 that names the credential says that it was not there."""
        what = f"delete a {self._dialect.noun}"
        call = self._management.change(what, "DELETE", self._one(credential_id))
        answer = await self._management.call(call)
        try:
            answer.accept(204)
        except OktaRefused as refused:
            told = refused.answer
            if not (told.status == 404 and self._dialect.gone in told.summary):
                raise
            return False
        return True

    async def _set_status(self, credential_id: CredentialId, status: Status) -> None:
        verb = "activate" if status is Status.ACTIVE else "deactivate"
        path = f"{self._one(credential_id)}/lifecycle/{verb}"
        what = f"{verb} a {self._dialect.noun}"
        purpose = Purpose.SAFETY if status is Status.ACTIVE else None
        call = self._management.change(what, "POST", path, purpose=purpose)
        answer: Answer = (await self._management.call(call)).accept(200)
        told = answer.parse(self._dialect.parse)
        if (told.id, told.status) != (credential_id, status):
            raise answer.unclear("the answer's id or status is not the one that was asked for")

    def _one(self, credential_id: CredentialId) -> str:
        return f"{self._collection}/{segment(credential_id)}"

    def _parse_all(self, data: object) -> tuple[Credential, ...]:
        every = (self._dialect.parse(each) for each in shapes.read_collection(data))
        return tuple(every)
