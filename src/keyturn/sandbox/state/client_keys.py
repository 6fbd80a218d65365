"""The public keys of a client: what may be added, stopped and deleted, in Okta's order of checks.

Pure functions on an app's keys; they know neither HTTP nor what a key is used for.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from keyturn.sandbox import errors
from keyturn.sandbox.http import Json
from keyturn.sandbox.oauth.jose import decode, parse_key
from keyturn.sandbox.state import key_refusals
from keyturn.sandbox.state.chance import Mint
from keyturn.sandbox.state.records import App, ClientKey, Status

MAX_KEYS = 50
SHORTEST_RSA_BITS = 2048
PUBLIC_MEMBERS = ("kid", "kty", "alg", "use", "e", "n", "crv", "x", "y")


def make_keys(
    mint: Mint, jwks: Iterable[Mapping[str, Json]], now: datetime, old: Sequence[ClientKey] = ()
) -> tuple[ClientKey, ...]:
    """Return the keys of a whole JWK set; those of `old` that it repeats keep their id and times.

    Raises OktaError for a set that is not allowed.
    """
    made = tuple(_keep(old, make_key(mint, jwk, now), now) for jwk in jwks)
    names = [key.kid for key in made if key.kid is not None]
    if len(made) > 1 and len(names) < len(made):
        raise key_refusals.key_without_name()
    if len(set(names)) < len(names):
        raise key_refusals.key_name_taken()
    if len(made) > MAX_KEYS:
        raise key_refusals.max_keys()
    if sum(key.encrypts and key.status == "ACTIVE" for key in made) > 1:
        raise key_refusals.second_encryption_key()
    return made


def make_key(mint: Mint, jwk: Mapping[str, Json], now: datetime) -> ClientKey:
    """Return a new key of the public members of a JWK; OktaError for a weak one and for none."""
    status = jwk.get("status")
    if status not in (None, "ACTIVE", "INACTIVE"):
        raise errors.validation_failed("status", "status: Must be one of: ACTIVE, INACTIVE")
    public = {name: jwk[name] for name in PUBLIC_MEMBERS if jwk.get(name) is not None}
    _check_members(public)
    state: Status = "INACTIVE" if status == "INACTIVE" else "ACTIVE"
    return ClientKey(mint.issue_id("pks"), public, state, now, now)


def add_key(app: App, key: ClientKey) -> App:
    """Return the app with one key more; OktaError when it does not fit beside the others."""
    if app.keys and None in (key.kid, *(other.kid for other in app.keys)):
        raise key_refusals.key_without_name()
    if key.kid is not None and key.kid in (other.kid for other in app.keys):
        raise key_refusals.key_name_taken()
    if len(app.keys) >= MAX_KEYS:
        raise key_refusals.max_keys()
    if key.encrypts and key.status == "ACTIVE" and _active_encryption_key(app) is not None:
        raise key_refusals.second_encryption_key()
    return replace(app, keys=(*app.keys, key))


def read_key(app: App, key_id: str) -> ClientKey:
    """Return one key of an app; OktaError when it has none of that id."""
    for key in app.keys:
        if key.id == key_id:
            return key
    raise errors.not_found(key_id, "JsonWebKey")


def activate_key(app: App, key_id: str, now: datetime) -> App:
    """Return the app with a key ACTIVE; an ACTIVE encryption key steps down for another one."""
    key = read_key(app, key_id)
    if key.status == "ACTIVE":
        return app
    other = _active_encryption_key(app) if key.encrypts else None
    if other is not None:
        app = _change(app, replace(other, status="INACTIVE", updated_at=now))
    return _change(app, replace(key, status="ACTIVE", updated_at=now))


def deactivate_key(app: App, key_id: str, now: datetime) -> App:
    """Return the app with a key INACTIVE; OktaError when it is one that must stay."""
    key = read_key(app, key_id)
    if key.status == "INACTIVE":
        return app
    if key.encrypts:
        raise key_refusals.encryption_key_kept()
    if app.auth_method == "private_key_jwt" and len(app.jwks) == 1:
        raise key_refusals.only_active_key()
    left = _change(app, replace(key, status="INACTIVE", updated_at=now))
    wanted = app.extras.get("request_object_signing_alg")
    if wanted is not None and wanted not in _algorithms(left):
        raise key_refusals.request_object_key_kept()
    return left


def delete_key(app: App, key_id: str) -> App:
    """Return the app without a key; OktaError while the key is ACTIVE."""
    key = read_key(app, key_id)
    if key.status == "ACTIVE":
        raise key_refusals.active_key_kept()
    return replace(app, keys=tuple(other for other in app.keys if other is not key))


def _change(app: App, key: ClientKey) -> App:
    return replace(app, keys=tuple(key if old.id == key.id else old for old in app.keys))


def _active_encryption_key(app: App) -> ClientKey | None:
    return next((key for key in app.keys if key.encrypts and key.status == "ACTIVE"), None)


def _algorithms(app: App) -> list[Json]:
    return [jwk.get("alg") for jwk in app.jwks]


def _keep(old: Sequence[ClientKey], key: ClientKey, now: datetime) -> ClientKey:
    """Return the old key of the same material with the new status, else the new key."""
    for known in old:
        if known.jwk == key.jwk:
            moved = known.updated_at if known.status == key.status else now
            return replace(known, status=key.status, updated_at=moved)
    return key


def _check_members(jwk: Mapping[str, Json]) -> None:
    """Raise the OktaError of what is no RSA key of enough bits and no elliptic one of a curve."""
    for name, value in jwk.items():
        if not isinstance(value, str):
            raise key_refusals.wrong_member(name)
    if jwk.get("kty") not in ("RSA", "EC"):
        raise key_refusals.unknown_key_type()
    if jwk.get("use") not in (None, "sig", "enc"):
        raise key_refusals.wrong_member("use")
    if jwk["kty"] == "RSA" and not _strong(jwk):
        raise key_refusals.weak_key()
    try:
        parse_key(jwk)
    except ValueError as error:
        raise key_refusals.no_key() from error


def _strong(jwk: Mapping[str, Json]) -> bool:
    """Tell whether an RSA key has both members and enough bits."""
    try:
        modulus = decode(str(jwk["n"]))
    except (KeyError, ValueError):
        return False
    return "e" in jwk and int.from_bytes(modulus).bit_length() >= SHORTEST_RSA_BITS
