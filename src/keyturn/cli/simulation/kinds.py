"""What each kind of credential is in a simulated world.

How its app is made, how the org's own record of it is read, what people do with it at the console,
and how its user proves itself: one table, so that nothing else asks for the kind. Shares no code
with the product.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from random import Random
from types import MappingProxyType

from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwt
from joserfc.jwk import ECKey

from keyturn.domain.okta import CredentialKind, Rules
from keyturn.sandbox import AppDraft, Org
from keyturn.sandbox.routes.integrations import SECRETS as INTEGRATION_SECRETS
from keyturn.sandbox.routes.jwks import COLLECTION as KEYS
from keyturn.sandbox.routes.secrets import COLLECTION as SECRETS
from keyturn.sandbox.state import client_keys
from keyturn.sandbox.state.directory import CREDENTIALS
from keyturn.sandbox.state.records import App, ClientKey, Integration, Secret

GRANTS = ("authorization_code", "refresh_token", "client_credentials")
REDIRECT_URI = "http://127.0.0.1/callback"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_S = 60

Form = dict[str, str]


@dataclass(frozen=True)
class Claim:
    """Who proves itself, by what, where and when; ``number`` is never used twice."""

    client_id: str
    value: str
    url: str
    at: datetime
    number: str


@dataclass(frozen=True)
class Props:
    """What one kind of credential brings to the stage.

    ``collection`` is its route at Okta, ``in_clear`` whether Okta shows values there. ``draft``
    makes an app of a name and a method whose first credential is its owner's, ``owned`` tells that
    one's value. ``show`` returns the org's record of an app with the credentials of this kind in
    the place of its client secrets, given how it was shown before, who acts, and when. ``matches``
    tells whether a credential has a value, and ``hidden`` what of a value nobody may see. ``prove``
    returns headers and form members. ``logs_in`` is whether people log in to such an app.
    """

    kind: CredentialKind
    collection: str
    methods: tuple[str, ...]
    other_method: str
    draft: Callable[[str, str], AppDraft]
    owned: Callable[[App], str]
    show: Callable[[App, App | None, str, datetime], App]
    matches: Callable[[Secret, str], bool]
    hidden: Callable[[str], str]
    prove: Callable[[Claim], tuple[Form, Form]]
    add: Callable[[Org, str, Random], None]
    deactivate: Callable[[Org, str, str], None]
    delete: Callable[[Org, str, str], None]
    end: Callable[[Org, str], None]
    in_clear: bool = False
    logs_in: bool = True

    @property
    def rules(self) -> Rules:
        """Return what the product promises of the kind."""
        return self.kind.rules

    @property
    def calls(self) -> tuple[tuple[str, str], ...]:
        """Return the calls by which a turn looks at it and changes it."""
        one = f"{self.collection}/{{{'keyId' if self.rules.are_keys else 'secretId'}}}"
        steps = ("deactivate", "activate")
        change = [("POST", f"{one}/lifecycle/{step}") for step in steps]
        return (("GET", self.collection), ("POST", self.collection), *change, ("DELETE", one))


# --- client secrets -----------------------------------------------------------------------------


def _web(name: str, method: str) -> AppDraft:
    return AppDraft(name, auth_method=method, grant_types=GRANTS, redirect_uris=(REDIRECT_URI,))


def _service(name: str, method: str) -> AppDraft:
    return AppDraft(
        name,
        application_type="service",
        grant_types=("client_credentials",),
        response_types=("token",),
        integration=Integration(name, "somebody"),
    )


def _first_value(app: App) -> str:
    return app.secrets[0].value


def _as_it_is(app: App, before: App | None, by: str, now: datetime) -> App:
    return app


def _has_value(secret: Secret, value: str) -> bool:
    return secret.value == value


def _whole(value: str) -> str:
    return value


def _by_secret(claim: Claim) -> tuple[Form, Form]:
    pair = base64.b64encode(f"{claim.client_id}:{claim.value}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}, {}


def _add_secret(org: Org, app_id: str, chance: Random) -> None:
    org.create_secret(app_id)


def _deactivate_secret(org: Org, app_id: str, secret_id: str) -> None:
    org.deactivate_secret(app_id, secret_id)


def _delete_secret(org: Org, app_id: str, secret_id: str) -> None:
    org.delete_secret(app_id, secret_id)


def _end_app(org: Org, app_id: str) -> None:
    org.deactivate_app(app_id)
    org.delete_app(app_id)


def _end_integration(org: Org, app_id: str) -> None:
    org.delete_integration(app_id)


# --- client keys --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ShownKey(Secret):
    """A client key in the place of a client secret; the org knows no value of it."""

    thumbprint: str = ""
    name: str = ""

    @property
    def hash(self) -> str:
        """Return by what the key is recognised (RFC 7638)."""
        return self.thumbprint


@lru_cache(maxsize=256)
def _owners_key(name: str) -> ECKey:
    return _key_of(hashlib.sha256(name.encode()).digest())


def _key_of(seed: bytes) -> ECKey:
    return ECKey(ec.derive_private_key(int.from_bytes(seed[:31]) + 1, ec.SECP256R1()), None)


def _public(key: ECKey) -> dict[str, str]:
    members = {name: str(value) for name, value in key.as_dict(private=False).items()}
    return {**members, "kid": key.thumbprint(), "use": "sig", "alg": "ES256"}


def _with_keys(name: str, method: str) -> AppDraft:
    jwks = (_public(_owners_key(name)),)
    return replace(_web(name, method), secrets=(), jwks=jwks)


def _owners_jwk(app: App) -> str:
    key = _owners_key(app.label)
    return json.dumps({**key.as_dict(private=True), "kid": key.thumbprint()})


def _show_keys(app: App, before: App | None, by: str, now: datetime) -> App:
    """Show keys, and those that are gone as deleted; the org itself forgets them, and who came."""
    known = {key.id: key for key in before.secrets} if before else {}
    living = {k.id: replace(known.get(k.id) or _shown(k, by), status=k.status) for k in app.keys}
    gone = [
        replace(k, deleted_at=k.deleted_at or now) for k in known.values() if k.id not in living
    ]
    return replace(app, secrets=(*gone, *living.values()))


def _shown(key: ClientKey, by: str) -> ShownKey:
    at, jwk = key.created_at, json.dumps(key.jwk, sort_keys=True)
    return ShownKey(
        key.id, "", key.status, at, at, at, by, thumbprint=thumbprint(jwk), name=str(key.kid)
    )


@lru_cache(maxsize=4096)
def thumbprint(jwk: str) -> str:
    """Return by what a key is recognised, public or private, in JSON (RFC 7638)."""
    return ECKey.import_key(json.loads(jwk)).thumbprint()


def _has_key(secret: Secret, value: str) -> bool:
    return secret.hash == thumbprint(value)


def _private_member(value: str) -> str:
    return str(json.loads(value)["d"])


def _by_key(claim: Claim) -> tuple[Form, Form]:
    key, at_s = _signing_key(claim.value), int(claim.at.timestamp())
    claims = {
        "iss": claim.client_id,
        "sub": claim.client_id,
        "aud": claim.url,
        "iat": at_s,
        "exp": at_s + ASSERTION_S,
        "jti": claim.number,
    }
    assertion = jwt.encode({"alg": "ES256", "kid": key.kid}, claims, key, ["ES256"])
    members = {"client_assertion_type": ASSERTION, "client_assertion": assertion}
    return {}, {"client_id": claim.client_id, **members}


@lru_cache(maxsize=256)
def _signing_key(value: str) -> ECKey:
    return ECKey.import_key(json.loads(value))


def _add_key(org: Org, app_id: str, chance: Random) -> None:
    add_key(org, app_id, chance.randbytes(32))


def add_key(org: Org, app_id: str, seed: bytes) -> str:
    """Add a key that somebody has made of random bytes, and return its private half in JSON."""
    made = _key_of(seed)
    key = client_keys.make_key(org.mint, _public(made), org.now())
    _store(org, client_keys.add_key(org.read_app(app_id), key), key.id, "create")
    return json.dumps({**made.as_dict(private=True), "kid": made.thumbprint()})


def activate_key(org: Org, app_id: str, key_id: str) -> None:
    """Activate a key again."""
    app = client_keys.activate_key(org.read_app(app_id), key_id, org.now())
    _store(org, app, key_id, "activate")


def _deactivate_key(org: Org, app_id: str, key_id: str) -> None:
    app = client_keys.deactivate_key(org.read_app(app_id), key_id, org.now())
    _store(org, app, key_id, "deactivate")


def _delete_key(org: Org, app_id: str, key_id: str) -> None:
    app = org.read_app(app_id)
    key = client_keys.read_key(app, key_id)
    org.store_app(client_keys.delete_key(app, key_id))
    org.note_change(f"{CREDENTIALS}.delete", app, key)


def _store(org: Org, app: App, key_id: str, step: str) -> None:
    org.store_app(app)
    org.note_change(f"{CREDENTIALS}.{step}", app, client_keys.read_key(app, key_id))


_SECRET = Props(
    CredentialKind.CLIENT_SECRET,
    SECRETS,
    methods=("client_secret_basic", "client_secret_basic", "client_secret_post"),
    other_method="private_key_jwt",
    draft=_web,
    owned=_first_value,
    show=_as_it_is,
    matches=_has_value,
    hidden=_whole,
    prove=_by_secret,
    add=_add_secret,
    deactivate=_deactivate_secret,
    delete=_delete_secret,
    end=_end_app,
    in_clear=True,
)
_KEY = Props(
    CredentialKind.CLIENT_KEY,
    KEYS,
    methods=("private_key_jwt",),
    other_method="client_secret_basic",
    draft=_with_keys,
    owned=_owners_jwk,
    show=_show_keys,
    matches=_has_key,
    hidden=_private_member,
    prove=_by_key,
    add=_add_key,
    deactivate=_deactivate_key,
    delete=_delete_key,
    end=_end_app,
)
PROPS: Mapping[CredentialKind, Props] = MappingProxyType(
    {
        CredentialKind.CLIENT_SECRET: _SECRET,
        CredentialKind.API_SERVICE_SECRET: replace(
            _SECRET,
            kind=CredentialKind.API_SERVICE_SECRET,
            collection=INTEGRATION_SECRETS,
            methods=("client_secret_basic",),
            draft=_service,
            end=_end_integration,
            in_clear=False,
            logs_in=False,
        ),
        CredentialKind.CLIENT_KEY: _KEY,
        CredentialKind.CONNECTION_KEY: replace(
            _KEY, kind=CredentialKind.CONNECTION_KEY, logs_in=False
        ),
    }
)
"""The kinds that turn in simulated worlds: all of them."""
READ = tuple(kind for kind in PROPS if not kind.rules.of_connection)
"""Those that readers are given, and that are turned for apps of their own."""
